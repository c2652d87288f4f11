//! Known orders, payments and refunds.

use sea_orm_migration::{prelude::*, schema};
use souk_sql::create_table;

pub struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "payment_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        known_order(manager).await?;
        payment(manager).await?;
        refund(manager).await
    }
}

async fn known_order(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("known_order")
        .col(schema::big_integer("order_id").primary_key())
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("amount_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::string_len("terms", 16))
        .col(schema::string_len("state", 16))
        .col(schema::big_integer_null("pay_by"))
        .col(schema::big_integer("version"))
        .col(schema::big_integer("row_version"))
        .take();
    create_table(manager, table, []).await
}

async fn payment(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("payment")
        .col(schema::big_integer("payment_id").primary_key())
        .col(schema::big_integer("order_id"))
        .col(schema::big_integer_null("active_order_id"))
        .col(schema::big_integer("user_id"))
        .col(schema::big_integer("amount_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::string_len("status", 16))
        .col(schema::string_len_null("failure_code", 32))
        .col(schema::big_integer("claimed_at"))
        .col(schema::big_integer("claimed_day"))
        .col(schema::big_integer_null("captured_at"))
        .col(schema::big_integer("version"))
        .col(schema::string_len("key_hash", 64))
        .col(schema::string_len("body_hash", 64))
        .take();
    // NULL for a failed attempt, and NULLs are not equal: one claim an order, any number of failures.
    let claim = Index::create().unique().name("uq_payment_active_order").table("payment").col("active_order_id").take();
    let key = Index::create().unique().name("uq_payment_key").table("payment").col("user_id").col("key_hash").take();
    let by_order = Index::create().name("ix_payment_order").table("payment").col("order_id").take();
    let open = Index::create().name("ix_payment_status").table("payment").col("status").col("payment_id").take();
    let by_day = Index::create().name("ix_payment_day").table("payment").col("claimed_day").take();
    create_table(manager, table, [claim, key, by_order, open, by_day]).await
}

async fn refund(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let table = Table::create()
        .table("payment_refund")
        .col(schema::big_integer("refund_id").primary_key())
        .col(schema::big_integer("payment_id"))
        .col(schema::big_integer("order_id"))
        .col(schema::big_integer("amount_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::string_len("status", 16))
        .col(schema::big_integer("due_at"))
        .col(schema::big_integer_null("settled_at"))
        .col(schema::big_integer_null("settled_day"))
        .col(schema::big_integer_null("asked_by"))
        .col(schema::string_len_null("key_hash", 64))
        .col(schema::string_len_null("body_hash", 64))
        .take();
    let key =
        Index::create().unique().name("uq_refund_key").table("payment_refund").col("asked_by").col("key_hash").take();
    let by_order = Index::create().name("ix_refund_order").table("payment_refund").col("order_id").take();
    let open = Index::create().name("ix_refund_status").table("payment_refund").col("status").col("refund_id").take();
    let by_day = Index::create().name("ix_refund_day").table("payment_refund").col("settled_day").take();
    create_table(manager, table, [key, by_order, open, by_day]).await
}
