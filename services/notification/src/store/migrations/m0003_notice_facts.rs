//! Adds the values that a notice reports; `NULL` of notices from before they were kept.

use sea_orm::DbBackend;
use souk_sql::{TableChange, long_text_null};

pub(super) fn change(engine: DbBackend) -> TableChange {
    TableChange::new("notice").column(long_text_null(engine, "facts"))
}
