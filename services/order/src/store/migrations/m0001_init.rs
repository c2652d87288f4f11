//! Creates the tables of orders and their timelines.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let orders = Table::create()
        .table("shop_order")
        .col(schema::big_integer("order_id").primary_key())
        .col(schema::big_integer("user_id"))
        .col(schema::string_len("status", 16))
        .col(schema::big_integer("order_date"))
        .col(schema::big_integer("total_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::json("order_lines"))
        .col(schema::json("shipping_address"))
        .col(schema::string_len("payment_terms", 16))
        .col(schema::big_integer_null("pay_by"))
        .col(schema::big_integer_null("payment_id"))
        .col(schema::string_len_null("cancel_reason", 16))
        .col(schema::json_null("refused_lines"))
        .col(schema::big_integer_null("confirmed_at"))
        .col(schema::big_integer_null("paid_at"))
        .col(schema::big_integer_null("shipped_at"))
        .col(schema::big_integer_null("delivered_at"))
        .col(schema::big_integer_null("cancelled_at"))
        .col(schema::big_integer_null("refunded_at"))
        .col(schema::big_integer_null("lapse_at"))
        .col(schema::big_integer("version"))
        .col(schema::string_len("idempotency_key", 64))
        .col(schema::string_len("body_hash", 64))
        .take();
    let steps = Table::create()
        .table("order_step")
        .col(schema::big_integer("order_id"))
        .col(schema::big_integer("number"))
        .col(schema::big_integer("happened_at"))
        .col(schema::big_integer("utc_day"))
        .col(schema::string_len("step", 16))
        .col(schema::string_len("cause", 64))
        .col(schema::big_integer("amount_minor"))
        .col(schema::json_null("detail"))
        .primary_key(Index::create().col("order_id").col("number"))
        .foreign_key(
            ForeignKey::create()
                .name("fk_order_step_order")
                .from("order_step", "order_id")
                .to("shop_order", "order_id"),
        )
        .take();
    vec![
        NewTable::new(orders)
            .unique("uq_shop_order_idempotency", &["user_id", "idempotency_key"])
            .index("ix_shop_order_user", &["user_id", "order_date"])
            .index("ix_shop_order_status", &["status", "order_date"])
            .index("ix_shop_order_date", &["order_date"])
            .index("ix_shop_order_lapse", &["lapse_at"]),
        NewTable::new(steps)
            .unique("uq_order_step_cause", &["order_id", "cause"])
            .index("ix_order_step_day", &["utc_day", "step"]),
    ]
}
