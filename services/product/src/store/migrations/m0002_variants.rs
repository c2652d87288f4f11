//! Adds groups of variants, options, brand, tags, pictures and reduced prices, and makes SKUs and slugs unique among the
//! visible products only.

use std::collections::BTreeMap;

use futures::{FutureExt, future::BoxFuture};
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExprTrait, Value};
use sea_orm_migration::{
    SchemaManagerConnection,
    prelude::{Expr, Order, Query},
    schema::{big_integer, big_integer_null, string_len_null},
};
use souk_sql::{TableChange, long_text_null};

use crate::product::{MAX_BRAND, tags_of};
use crate::text::truncated;

/// Rows that are read at a time.
const BATCH: u64 = 500;

pub(super) fn change(engine: DbBackend) -> TableChange {
    TableChange::new("product")
        .column(big_integer("group_id").default(0).take())
        .column(big_integer("group_position").default(0).take())
        .column(long_text_null(engine, "options"))
        .column(big_integer_null("compare_at_minor"))
        .column(string_len_null("brand", 120))
        .column(long_text_null(engine, "tags"))
        .column(long_text_null(engine, "pictures"))
        .column(long_text_null(engine, "description_html"))
        .column(string_len_null("import_key", 64))
        .column(string_len_null("visible_sku", 100))
        .column(string_len_null("visible_slug", 191))
        .filled_by(fill)
        .without_index("uq_product_sku")
        .without_index("uq_product_slug")
        .unique("uq_product_visible_sku", &["visible_sku"])
        .unique("uq_product_visible_slug", &["visible_slug"])
        .index("ix_product_sku", &["sku"])
        .index("ix_product_group", &["group_id", "group_position"])
        .index("ix_product_brand", &["brand", "hidden"])
        .index("ix_product_import_key", &["import_key"])
}

fn fill<'c>(connection: &'c SchemaManagerConnection<'c>) -> BoxFuture<'c, Result<(), DbErr>> {
    async move {
        // Every product begins as a group of its own; an import of its file joins it with its variants.
        let groups = Query::update()
            .table("product")
            .value("group_id", Expr::col("product_id"))
            .and_where(Expr::col("group_id").eq(0))
            .take();
        connection.execute(&groups).await?;
        let names = Query::update()
            .table("product")
            .value("visible_sku", Expr::col("sku"))
            .value("visible_slug", Expr::col("slug"))
            .and_where(Expr::col("hidden").eq(false))
            .take();
        connection.execute(&names).await?;
        take_brands(connection).await
    }
    .boxed()
}

/// Moves the attributes `Brand` and `Tags`, which imports made, to their columns.
async fn take_brands(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let mut after = i64::MIN;
    loop {
        let query = Query::select()
            .columns(["product_id", "attributes"])
            .from("product")
            .and_where(Expr::col("product_id").gt(after))
            .order_by("product_id", Order::Asc)
            .limit(BATCH)
            .take();
        let rows = connection.query_all(&query).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            after = row.try_get("", "product_id")?;
            let text: String = row.try_get("", "attributes")?;
            // A row that cannot be read stays as it is, and is reported when it is used.
            let Ok(mut attributes) = serde_json::from_str::<BTreeMap<String, String>>(&text) else { continue };
            let (brand, tags) = (attributes.remove("Brand"), attributes.remove("Tags"));
            if brand.is_none() && tags.is_none() {
                continue;
            }
            let rest = serde_json::to_string(&attributes).map_err(|error| DbErr::Custom(error.to_string()))?;
            let tags = tags_of(&tags.unwrap_or_default());
            let tags = serde_json::to_string(&tags).map_err(|error| DbErr::Custom(error.to_string()))?;
            let brand = brand.map(|brand| truncated(&brand, MAX_BRAND));
            let update = Query::update()
                .table("product")
                .value("brand", Value::from(brand))
                .value("tags", tags)
                .value("attributes", rest)
                .and_where(Expr::col("product_id").eq(after))
                .take();
            connection.execute(&update).await?;
        }
    }
}
