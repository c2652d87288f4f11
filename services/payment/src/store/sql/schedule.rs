//! The schedule of settling: due rows, and their turns.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter,
    sea_query::{Expr, ExprTrait, Order, Query, SelectStatement},
};
use souk_values::{Id, Timestamp};

use super::SqlStore;
use crate::{
    payment::{RefundStatus, Status},
    provider_account::ProviderAccount,
    store::{
        DueBy, DuePayment, DueRefund, NeededAccount, OpenRefund, Row, Schedule, StoreError, entities::payment, rows,
        schedule::PAGE,
    },
};

#[derive(FromQueryResult)]
struct PaymentRow {
    payment_id: i64,
    order_id: i64,
    provider: Option<String>,
    provider_account: Option<String>,
    claimed_at: i64,
    next_ask_at: i64,
}

#[derive(FromQueryResult)]
struct RefundRow {
    refund_id: i64,
    payment_id: i64,
    order_id: i64,
    amount_minor: i64,
    currency: String,
    attempt: i64,
    answered_at: Option<i64>,
    /// `due_at` or `settled_at`, by status.
    since: i64,
    next_ask_at: i64,
}

#[derive(FromQueryResult)]
struct AccountRow {
    provider: String,
    provider_account: Option<String>,
    alike: i64,
}

#[async_trait::async_trait]
impl Schedule for SqlStore {
    async fn due_payments(&self, due: DueBy, after: i64) -> Result<Vec<DuePayment>, StoreError> {
        let page = Query::select()
            .columns(["payment_id", "order_id", "provider", "provider_account", "claimed_at", "next_ask_at"])
            .from("payment")
            .and_where(Expr::col("status").eq(Status::Processing.as_str()))
            .and_where(Expr::col("next_ask_at").lte(due.now.millis()))
            .and_where(Expr::col("claimed_at").lte(due.open_since.millis()))
            .and_where(Expr::col("payment_id").gt(after))
            .order_by("payment_id", Order::Asc)
            .limit(u64::from(PAGE))
            .take();
        let found = self.0.reader().query_all(&page).await?;
        let due = found.iter().map(|row| {
            let row = PaymentRow::from_query_result(row, "")?;
            Ok(DuePayment {
                order_id: rows::id(row.order_id)?,
                payment_id: rows::id(row.payment_id)?,
                account: rows::account(row.provider.as_deref(), row.provider_account)?,
                claimed_at: Timestamp::from_millis(row.claimed_at),
                next_query: Timestamp::from_millis(row.next_ask_at),
            })
        });
        due.collect()
    }

    async fn due_refunds(&self, status: RefundStatus, due: DueBy, after: i64) -> Result<Vec<DueRefund>, StoreError> {
        let since = if status == RefundStatus::Processing { "due_at" } else { "settled_at" };
        let page = Query::select()
            .columns(["refund_id", "payment_id", "order_id", "amount_minor", "currency", "attempt", "answered_at"])
            .column("next_ask_at")
            .expr_as(Expr::col(since), "since")
            .from("payment_refund")
            .and_where(Expr::col("status").eq(status.as_str()))
            .and_where(Expr::col("next_ask_at").lte(due.now.millis()))
            .and_where(Expr::col(since).lte(due.open_since.millis()))
            .and_where(Expr::col("refund_id").gt(after))
            .order_by("refund_id", Order::Asc)
            .limit(u64::from(PAGE))
            .take();
        let found = self.0.reader().query_all(&page).await?;
        let found = found.iter().map(|row| RefundRow::from_query_result(row, "")).collect::<Result<Vec<_>, _>>()?;
        let accounts = self.accounts(found.iter().map(|row| row.payment_id).collect()).await?;
        let due = found.into_iter().map(|row| {
            Ok(DueRefund {
                since: Timestamp::from_millis(row.since),
                next_query: Timestamp::from_millis(row.next_ask_at),
                refund: OpenRefund {
                    order_id: rows::id(row.order_id)?,
                    payment_id: rows::id(row.payment_id)?,
                    refund_id: rows::id(row.refund_id)?,
                    amount: rows::money(row.amount_minor, &row.currency)?,
                    account: accounts.get(&row.payment_id).cloned().flatten(),
                    attempt: row.attempt,
                    answered_at: row.answered_at.map(Timestamp::from_millis),
                },
            })
        });
        due.collect()
    }

    async fn take_turn(&self, row: Row, seen: Timestamp, next: Timestamp) -> Result<bool, StoreError> {
        let (table, key, id) = match row {
            Row::Payment(id) => ("payment", "payment_id", id.get()),
            Row::Refund(id, _) => ("payment_refund", "refund_id", id.get()),
        };
        let turn = Query::update()
            .table(table)
            .value("next_ask_at", next.millis())
            .and_where(Expr::col(key).eq(id))
            .and_where(Expr::col("next_ask_at").eq(seen.millis()))
            .take();
        let taken = self.0.write(turn, |tx, turn| {
            Box::pin(async move { Ok::<_, StoreError>(tx.execute(turn).await?.rows_affected() == 1) })
        });
        taken.await
    }

    async fn needed_accounts(&self) -> Result<Vec<NeededAccount>, StoreError> {
        let mut needed: BTreeMap<ProviderAccount, NeededAccount> = BTreeMap::new();
        let payments = by_account().and_where(Expr::col(("payment", "status")).eq(Status::Processing.as_str())).take();
        for (account, count) in self.counts(&payments).await? {
            needed.entry(account.clone()).or_insert_with(|| NeededAccount::none(account)).payments = count;
        }
        let same = Expr::col(("payment", "payment_id")).equals(("payment_refund", "payment_id"));
        let refunds = by_account()
            .inner_join("payment_refund", same)
            .and_where(Expr::col(("payment_refund", "status")).eq(RefundStatus::Processing.as_str()))
            .take();
        for (account, count) in self.counts(&refunds).await? {
            needed.entry(account.clone()).or_insert_with(|| NeededAccount::none(account)).refunds = count;
        }
        Ok(needed.into_values().collect())
    }
}

impl SqlStore {
    /// Reads the accounts of payments by their ids.
    async fn accounts(&self, payments: Vec<i64>) -> Result<HashMap<i64, Option<ProviderAccount>>, StoreError> {
        if payments.is_empty() {
            return Ok(HashMap::new());
        }
        let found = payment::Entity::find().filter(payment::Column::PaymentId.is_in(payments));
        let found = found.all(self.0.reader()).await?;
        let accounts = found.into_iter().map(|row| {
            let account = rows::account(row.provider.as_deref(), row.provider_account)?;
            Ok((row.payment_id, account))
        });
        accounts.collect()
    }

    async fn counts(&self, statement: &SelectStatement) -> Result<Vec<(ProviderAccount, u64)>, StoreError> {
        let found = self.0.reader().query_all(statement).await?;
        let counts = found.iter().map(|row| {
            let row = AccountRow::from_query_result(row, "")?;
            let account = rows::account(Some(&row.provider), row.provider_account)?;
            Ok(account.map(|account| (account, row.alike.unsigned_abs())))
        });
        counts.filter_map(Result::transpose).collect()
    }
}

/// Counts rows by the account of their payment. Those without one are looked at when they are settled.
fn by_account() -> SelectStatement {
    Query::select()
        .columns([("payment", "provider"), ("payment", "provider_account")])
        .expr_as(Expr::col(("payment", "payment_id")).count(), "alike")
        .from("payment")
        .and_where(Expr::col(("payment", "provider")).is_not_null())
        .group_by_columns([("payment", "provider"), ("payment", "provider_account")])
        .take()
}
