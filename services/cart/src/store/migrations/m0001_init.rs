//! Carts, known orders, known products, wishes.

use sea_orm_migration::{prelude::*, schema};
use souk_sql::create_table;

pub struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "cart_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let carts = Table::create()
            .table("cart")
            .col(schema::big_integer("user_id").primary_key())
            .col(schema::big_integer("version"))
            .col(schema::big_integer_null("due_at"))
            .col(schema::big_integer("active_items"))
            .col(schema::json("contents"))
            .take();
        let by_due = Index::create().name("ix_cart_due").table("cart").col("due_at").take();
        let by_active = Index::create().name("ix_cart_active").table("cart").col("active_items").take();
        create_table(manager, carts, [by_due, by_active]).await?;
        let orders = Table::create()
            .table("known_order")
            .col(schema::big_integer("order_id").primary_key())
            .col(schema::big_integer("user_id"))
            .col(schema::big_integer("version"))
            .col(schema::big_integer("stage"))
            .take();
        create_table(manager, orders, []).await?;
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
        create_table(manager, products, []).await?;
        let wishes = Table::create()
            .table("wish")
            .col(schema::big_integer("user_id"))
            .col(schema::big_integer("product_id"))
            .col(schema::big_integer("added_at"))
            .col(schema::big_integer("told_back"))
            .col(schema::big_integer("told_price"))
            .primary_key(Index::create().col("user_id").col("product_id"))
            .take();
        let by_product = Index::create().name("ix_wish_product").table("wish").col("product_id").take();
        create_table(manager, wishes, [by_product]).await
    }
}
