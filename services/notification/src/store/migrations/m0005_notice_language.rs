//! Adds the language of a notice's text; `NULL` of notices from before, which are in English.

use sea_orm::DbBackend;
use sea_orm_migration::schema::string_len_null;
use souk_sql::TableChange;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("notice").column(string_len_null("language", 35))
}
