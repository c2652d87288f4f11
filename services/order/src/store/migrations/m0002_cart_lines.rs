//! Creates the table of ordered cart lines, each of at most one order that is not cancelled.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let lines = Table::create()
        .table("ordered_cart_line")
        .col(schema::big_integer("order_id"))
        .col(schema::string_len("cart_item_id", 64))
        .col(schema::big_integer("user_id"))
        .primary_key(Index::create().col("order_id").col("cart_item_id"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_ordered_cart_line_order")
                .from("ordered_cart_line", "order_id")
                .to("shop_order", "order_id"),
        )
        .take();
    vec![NewTable::new(lines).unique("uq_ordered_cart_line", &["user_id", "cart_item_id"])]
}
