//! Counts the queries about a lapsing order in 64 bits, as every other number: SQLite declares all integers alike. The
//! column before it stays for replicas of the version before, which may run meanwhile.

use sea_orm::DbBackend;
use sea_orm_migration::schema;
use souk_sql::TableChange;

pub(super) fn change(_: DbBackend) -> TableChange {
    TableChange::new("shop_order").column(schema::big_integer("lapse_attempts").default(0).take())
}
