//! Adds the language of each contact; `NULL` of contacts from before, whose language auth has not published.

use sea_orm::DbBackend;
use sea_orm_migration::schema::string_len_null;
use souk_sql::TableChange;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("recipient").column(string_len_null("language", 35))
}
