//! Adds the number of each generated signing key, and the time at which a key was last used.

use sea_orm::DbBackend;
use sea_orm_migration::schema::big_integer_null;
use souk_sql::TableChange;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("signing_key")
        .column(big_integer_null("generation"))
        .column(big_integer_null("used_at"))
        .unique("uq_signing_key_generation", &["generation"])
}
