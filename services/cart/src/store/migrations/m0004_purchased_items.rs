//! Creates the table of purchased items, which were part of the carts' contents. A cart's own are moved by the next command
//! on it.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(engine: DbBackend) -> Vec<NewTable> {
    let mut items = Table::create()
        .table("purchased_item")
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("product_id"))
        .col(schema::string_len("cart_item_id", 64))
        .col(schema::big_integer("bought_at"))
        .col(schema::json("item"))
        .primary_key(Index::create().col("user_id").col("product_id"))
        .take();
    if engine == DbBackend::Sqlite {
        items.extra("WITHOUT ROWID");
    }
    vec![NewTable::new(items).index("ix_purchased_item_latest", &["user_id", "bought_at", "product_id"])]
}
