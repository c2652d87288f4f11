//! Adds the language of each user. Users from before, and those whom an earlier release registers during an upgrade, have
//! English, in which all mails were.

use sea_orm::DbBackend;
use sea_orm_migration::schema::string_len;
use souk_sql::TableChange;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("shop_user").column(string_len("language", 35).default("en").take())
}
