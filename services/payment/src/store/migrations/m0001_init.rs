//! Creates the tables of orders, payments and refunds.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let orders = Table::create()
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
    let payments = Table::create()
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
    let refunds = Table::create()
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
    vec![
        NewTable::new(orders),
        // `active_order_id` is NULL for a failed attempt, and NULLs are not equal: one claim an order, any number of failures.
        NewTable::new(payments)
            .unique("uq_payment_active_order", &["active_order_id"])
            .unique("uq_payment_key", &["user_id", "key_hash"])
            .index("ix_payment_order", &["order_id"])
            .index("ix_payment_status", &["status", "payment_id"])
            .index("ix_payment_day", &["claimed_day"]),
        NewTable::new(refunds)
            .unique("uq_refund_key", &["asked_by", "key_hash"])
            .index("ix_refund_order", &["order_id"])
            .index("ix_refund_status", &["status", "refund_id"])
            .index("ix_refund_day", &["settled_day"]),
    ]
}
