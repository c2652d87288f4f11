//! Creates the table of products that were sold in one order.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema::big_integer};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let pairs = Table::create()
        .table("bought_together")
        .col(big_integer("product_id"))
        .col(big_integer("other_id"))
        .col(big_integer("orders"))
        .col(big_integer("last_at"))
        .primary_key(Index::create().col("product_id").col("other_id"))
        .take();
    vec![NewTable::new(pairs)]
}
