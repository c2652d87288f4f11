//! Creates products, categories, reservations and the stock ledger.

use sea_orm::DbBackend;
use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string_len, string_len_null, text},
};
use souk_sql::NewTable;

pub(super) fn tables(_: DbBackend) -> Vec<NewTable> {
    let categories = Table::create()
        .table("category")
        .col(big_integer("category_id").primary_key())
        .col(big_integer_null("parent_id"))
        .col(string_len("slug", 150))
        .col(string_len("name", 120))
        .col(big_integer("position"))
        .col(string_len_null("request_key", 64))
        .col(string_len_null("request_hash", 64))
        .take();
    let products = Table::create()
        .table("product")
        .col(big_integer("product_id").primary_key())
        .col(string_len("sku", 100))
        .col(string_len("slug", 191))
        .col(string_len("name", 255))
        .col(string_len("name_key", 255))
        .col(text("description"))
        .col(big_integer("price_minor"))
        .col(big_integer("category_id"))
        .col(string_len_null("image_url", 500))
        .col(text("attributes"))
        .col(text("search_text"))
        .col(big_integer("low_stock_at"))
        .col(big_integer("stock"))
        .col(big_integer("reserved"))
        .col(big_integer("sold"))
        .col(boolean("hidden"))
        .col(big_integer("version"))
        .col(big_integer("revision"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .col(string_len_null("request_key", 64))
        .col(string_len_null("request_hash", 64))
        .check(never_negative("product", "stock"))
        .check(never_negative("product", "reserved"))
        .check(never_negative("product", "sold"))
        .take();
    let reservations = Table::create()
        .table("reservation")
        .col(big_integer("order_id").primary_key())
        .col(string_len("state", 20))
        .col(big_integer("order_version"))
        .col(text("order_lines"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .take();
    let movements = Table::create()
        .table("stock_movement")
        .col(big_integer("product_id"))
        .col(string_len("cause", 40))
        .col(string_len("kind", 20))
        .col(big_integer("quantity"))
        .col(big_integer_null("order_id"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("product_id").col("cause").col("kind"))
        .take();
    let adjustments = Table::create()
        .table("stock_adjustment")
        .col(string_len("adjustment_id", 36).primary_key())
        .col(big_integer("product_id"))
        .col(big_integer("delta"))
        .col(string_len("reason", 200))
        .col(big_integer("admin_id"))
        .col(string_len("request_key", 64))
        .col(string_len("request_hash", 64))
        .col(big_integer("created_at"))
        .take();
    vec![
        NewTable::new(categories).unique("uq_category_slug", &["slug"]).unique("uq_category_request", &["request_key"]),
        // One index for each sort order of the catalogue. None contains `stock`, which every order changes.
        NewTable::new(products)
            .unique("uq_product_sku", &["sku"])
            .unique("uq_product_slug", &["slug"])
            .unique("uq_product_request", &["request_key"])
            .index("ix_product_category", &["category_id", "hidden"])
            .index("ix_product_price", &["hidden", "price_minor", "product_id"])
            .index("ix_product_name", &["hidden", "name_key", "product_id"])
            .index("ix_product_newest", &["hidden", "created_at", "product_id"])
            .index("ix_product_sold", &["hidden", "sold", "product_id"]),
        NewTable::new(reservations),
        NewTable::new(movements),
        NewTable::new(adjustments).unique("uq_stock_adjustment_request", &["request_key"]),
    ]
}

fn never_negative(table: &'static str, column: &'static str) -> Check {
    Check::named(format!("ck_{table}_{column}"), Expr::col(column).gte(0))
}
