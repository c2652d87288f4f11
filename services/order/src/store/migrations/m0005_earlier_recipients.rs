//! Indexes the orders of earlier versions by the words of their recipients' names.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::prelude::*;

use crate::recipient;

/// Orders read in one go.
const PAGE: u64 = 500;

pub(super) struct EarlierRecipients;

impl MigrationName for EarlierRecipients {
    fn name(&self) -> &'static str {
        "order_m0005_earlier_recipients"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for EarlierRecipients {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let mut last = 0_i64;
        loop {
            let page = Query::select()
                .columns(["order_id", "shipping_address"])
                .from("shop_order")
                .and_where(Expr::col("order_id").gt(last))
                .order_by("order_id", Order::Asc)
                .limit(PAGE)
                .take();
            let rows = connection.query_all(&page).await?;
            if rows.is_empty() {
                return Ok(());
            }
            let mut insert = Query::insert();
            insert.into_table("recipient_word").columns(["word", "order_id"]);
            let mut has_words = false;
            for row in rows {
                last = row.try_get("", "order_id")?;
                let address: serde_json::Value = row.try_get("", "shipping_address")?;
                let name = address.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
                for word in recipient::words(name) {
                    insert.values_panic([word.into(), last.into()]);
                    has_words = true;
                }
            }
            // Repeatable: on MySQL an interrupted run leaves its rows.
            insert
                .on_conflict(OnConflict::columns(["word", "order_id"]).do_nothing_on(["word", "order_id"]).to_owned());
            if has_words {
                connection.execute(&insert).await?;
            }
        }
    }
}
