//! Records of open orders what earlier versions did not: their cart lines, and the deadline for product's answer.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{prelude::*, schema};

/// Orders read in one go.
const PAGE: u64 = 500;

pub(super) struct OpenOrders;

impl MigrationName for OpenOrders {
    fn name(&self) -> &'static str {
        "order_m0003_open_orders"
    }
}

/// Repeatable: MySQL commits after the change of the table, so a killed process may leave any part of the rest undone.
#[async_trait::async_trait]
impl MigrationTrait for OpenOrders {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if !manager.has_column("shop_order", "lapse_queries").await? {
            let column = schema::integer("lapse_queries").default(0).take();
            manager.alter_table(Table::alter().table("shop_order").add_column(column).take()).await?;
        }
        let connection = manager.get_connection();
        // Due immediately: the service knows the configured time and moves those that have some of it left.
        let due = Query::update()
            .table("shop_order")
            .value("lapse_at", Expr::col("order_date"))
            .and_where(Expr::col("status").eq("created"))
            .and_where(Expr::col("lapse_at").is_null())
            .take();
        connection.execute(&due).await?;
        connection.execute(&Query::delete().from_table("ordered_cart_line").take()).await?;
        take_lines(connection).await
    }
}

/// Inserts the cart lines of orders that are neither cancelled nor delivered. If two orders have the same line, as earlier
/// versions allowed, it belongs to the first.
async fn take_lines(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let mut taken: HashSet<(i64, String)> = HashSet::new();
    let mut last = 0_i64;
    loop {
        let page = Query::select()
            .columns(["order_id", "user_id", "order_lines"])
            .from("shop_order")
            .and_where(Expr::col("order_id").gt(last))
            .and_where(Expr::col("cancelled_at").is_null())
            .and_where(Expr::col("delivered_at").is_null())
            .order_by("order_id", Order::Asc)
            .limit(PAGE)
            .take();
        let rows = connection.query_all(&page).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            last = row.try_get("", "order_id")?;
            let user: i64 = row.try_get("", "user_id")?;
            let lines: serde_json::Value = row.try_get("", "order_lines")?;
            let items = lines.as_array().into_iter().flatten().filter_map(|line| line.get("cartItemId")?.as_str());
            for item in items {
                if !taken.insert((user, item.to_owned())) {
                    continue;
                }
                let mut insert = Query::insert();
                insert.into_table("ordered_cart_line").columns(["order_id", "cart_item_id", "user_id"]);
                insert.values_panic([last.into(), item.into(), user.into()]);
                connection.execute(&insert).await?;
            }
        }
    }
}
