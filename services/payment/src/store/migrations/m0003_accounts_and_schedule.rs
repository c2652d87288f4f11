//! Adds the account of each payment, the attempts at a refund, and the schedule of queries.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{prelude::*, schema};
use souk_values::{Clock, SystemClock, Timestamp};

use crate::{
    payment::RefundStatus,
    provider_account::ProviderName,
    store::schedule::{CHECKED_FOR, FIRST_CHECK, NEVER},
};

pub(super) struct AccountsAndSchedule;

impl MigrationName for AccountsAndSchedule {
    fn name(&self) -> &'static str {
        "payment_m0003_accounts_and_schedule"
    }
}

/// Repeatable: MySQL commits after each change of a table, so a killed process may leave any part of the rest undone.
#[async_trait::async_trait]
impl MigrationTrait for AccountsAndSchedule {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let columns = [
            ("payment", schema::string_len_null("provider", 16)),
            ("payment", schema::string_len_null("provider_account", 64)),
            ("payment", schema::big_integer("next_ask_at").default(0).take()),
            ("payment_refund", schema::big_integer("attempt").default(1).take()),
            ("payment_refund", schema::big_integer_null("answered_at")),
            ("payment_refund", schema::big_integer("next_ask_at").default(0).take()),
        ];
        for (table, column) in columns {
            if !manager.has_column(table, column.get_column_name()).await? {
                manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            }
        }
        for (table, index, replaced) in [
            ("payment", "ix_payment_turn", "ix_payment_status"),
            ("payment_refund", "ix_refund_turn", "ix_refund_status"),
        ] {
            if !manager.has_index(table, index).await? {
                let turn = Index::create().name(index).table(table).col("status").col("next_ask_at").take();
                manager.create_index(turn).await?;
            }
            if manager.has_index(table, replaced).await? {
                manager.drop_index(Index::drop().name(replaced).table(table).to_owned()).await?;
            }
        }
        store_accounts(manager.get_connection()).await?;
        plan_checks(manager.get_connection()).await
    }
}

/// Stores the provider of each payment that shows it: only Stripe leaves references, and stores one before it takes
/// money. A payment that is open and has none is looked at again when it is settled.
async fn store_accounts(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let referenced = Query::select().column("payment_id").from("provider_reference").take();
    let stripe = Query::update()
        .table("payment")
        .value("provider", ProviderName::Stripe.as_str())
        .and_where(Expr::col("provider").is_null())
        .and_where(Expr::col("payment_id").in_subquery(referenced))
        .take();
    connection.execute(&stripe).await?;
    let sandbox = ProviderName::Sandbox.as_str();
    let captured = Query::update()
        .table("payment")
        .value("provider", sandbox)
        .value("provider_account", sandbox)
        .and_where(Expr::col("provider").is_null())
        .and_where(Expr::col("captured_at").is_not_null())
        .take();
    connection.execute(&captured).await?;
    Ok(())
}

/// Plans the checks of the refunds that succeeded lately; none for older ones.
async fn plan_checks(connection: &SchemaManagerConnection<'_>) -> Result<(), DbErr> {
    let checked_since = SystemClock.now().minus(CHECKED_FOR).millis();
    let first_check = Timestamp::EPOCH.plus(FIRST_CHECK).millis();
    let succeeded = |next: Expr, range: Expr| {
        Query::update()
            .table("payment_refund")
            .value("next_ask_at", next)
            .and_where(Expr::col("status").eq(RefundStatus::Succeeded.as_str()))
            .and_where(Expr::col("next_ask_at").eq(0))
            .and_where(range)
            .take()
    };
    let next = Expr::col("settled_at").add(first_check);
    connection.execute(&succeeded(next, Expr::col("settled_at").gt(checked_since))).await?;
    connection.execute(&succeeded(NEVER.millis().into(), Expr::col("settled_at").lte(checked_since))).await?;
    Ok(())
}
