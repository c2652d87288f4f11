//! Creates the tables of carts, known orders, known products and wishes.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let carts = Table::create()
        .table("cart")
        .col(schema::big_integer("user_id").primary_key())
        .col(schema::big_integer("version"))
        .col(schema::big_integer_null("due_at"))
        .col(schema::big_integer("active_items"))
        .col(schema::json("contents"))
        .take();
    let orders = Table::create()
        .table("known_order")
        .col(schema::big_integer("order_id").primary_key())
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("version"))
        .col(schema::big_integer("stage"))
        .take();
    let products = Table::create()
        .table("known_product")
        .col(schema::big_integer("product_id").primary_key())
        .col(schema::text("name"))
        .col(schema::big_integer("price_minor"))
        .col(schema::big_integer("stock"))
        .col(schema::boolean("hidden"))
        .col(schema::big_integer("revision"))
        .col(schema::big_integer("old_price_minor"))
        .col(schema::big_integer("price_revision"))
        .col(schema::big_integer("back_revision"))
        .take();
    let wishes = Table::create()
        .table("wish")
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("product_id"))
        .col(schema::big_integer("added_at"))
        .col(schema::big_integer("told_back"))
        .col(schema::big_integer("told_price"))
        .primary_key(Index::create().col("user_id").col("product_id"))
        .take();
    vec![
        NewTable::new(carts).index("ix_cart_due", &["due_at"]).index("ix_cart_active", &["active_items"]),
        NewTable::new(orders),
        NewTable::new(products),
        NewTable::new(wishes).index("ix_wish_product", &["product_id"]),
    ]
}
