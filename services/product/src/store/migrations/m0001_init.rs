//! Products, categories, reservations and the stock ledger.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string_len, string_len_null, text},
};
use souk_sql::create_table;

/// The first tables.
pub(super) struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "product_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_table(manager, categories(), indexes("category")).await?;
        create_table(manager, products(), indexes("product")).await?;
        create_table(manager, reservations(), []).await?;
        create_table(manager, movements(), []).await?;
        create_table(manager, adjustments(), indexes("stock_adjustment")).await
    }
}

type Named = (&'static str, &'static str, &'static [&'static str]);

const UNIQUE: &[Named] = &[
    ("uq_category_slug", "category", &["slug"]),
    ("uq_category_request", "category", &["request_key"]),
    ("uq_product_sku", "product", &["sku"]),
    ("uq_product_slug", "product", &["slug"]),
    ("uq_product_request", "product", &["request_key"]),
    ("uq_stock_adjustment_request", "stock_adjustment", &["request_key"]),
];

/// Each sorting of the catalogue has its index. None holds `stock`, which every order changes.
const INDEXES: &[Named] = &[
    ("ix_product_category", "product", &["category_id", "hidden"]),
    ("ix_product_price", "product", &["hidden", "price_minor", "product_id"]),
    ("ix_product_name", "product", &["hidden", "name_key", "product_id"]),
    ("ix_product_newest", "product", &["hidden", "created_at", "product_id"]),
    ("ix_product_sold", "product", &["hidden", "sold", "product_id"]),
];

/// The indexes of `table`.
fn indexes(table: &'static str) -> Vec<IndexCreateStatement> {
    let of_table = |named: &&Named| named.1 == table;
    let unique =
        UNIQUE.iter().filter(of_table).map(|(name, table, columns)| index(name, table, columns).unique().take());
    unique.chain(INDEXES.iter().filter(of_table).map(|(name, table, columns)| index(name, table, columns))).collect()
}

fn index(name: &str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).take();
    for column in columns {
        index.col(*column);
    }
    index
}

fn never_negative(table: &'static str, column: &'static str) -> Check {
    Check::named(format!("ck_{table}_{column}"), Expr::col(column).gte(0))
}

fn categories() -> TableCreateStatement {
    Table::create()
        .table("category")
        .col(big_integer("category_id").primary_key())
        .col(big_integer_null("parent_id"))
        .col(string_len("slug", 150))
        .col(string_len("name", 120))
        .col(big_integer("position"))
        .col(string_len_null("request_key", 64))
        .col(string_len_null("request_hash", 64))
        .take()
}

fn products() -> TableCreateStatement {
    Table::create()
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
        .take()
}

fn reservations() -> TableCreateStatement {
    Table::create()
        .table("reservation")
        .col(big_integer("order_id").primary_key())
        .col(string_len("state", 20))
        .col(big_integer("order_version"))
        .col(text("order_lines"))
        .col(big_integer("created_at"))
        .col(big_integer("updated_at"))
        .take()
}

fn movements() -> TableCreateStatement {
    Table::create()
        .table("stock_movement")
        .col(big_integer("product_id"))
        .col(string_len("cause", 40))
        .col(string_len("kind", 20))
        .col(big_integer("quantity"))
        .col(big_integer_null("order_id"))
        .col(big_integer("created_at"))
        .primary_key(Index::create().col("product_id").col("cause").col("kind"))
        .take()
}

fn adjustments() -> TableCreateStatement {
    Table::create()
        .table("stock_adjustment")
        .col(string_len("adjustment_id", 36).primary_key())
        .col(big_integer("product_id"))
        .col(big_integer("delta"))
        .col(string_len("reason", 200))
        .col(big_integer("admin_id"))
        .col(string_len("request_key", 64))
        .col(string_len("request_hash", 64))
        .col(big_integer("created_at"))
        .take()
}
