//! The schedule of settling: due rows, and their turns.

use std::collections::BTreeMap;

use souk_sql::SqlError;
use souk_values::{Id, Timestamp};
use tiberius::{Query, Row as Cells};

use super::{
    MssqlStore,
    cells::{count, millis, optional, optional_millis, optional_text, required, time},
    query, statements,
};
use crate::{
    payment::{RefundStatus, Status},
    provider_account::ProviderAccount,
    store::{DueBy, DuePayment, DueRefund, NeededAccount, OpenRefund, Row, Schedule, StoreError, rows, schedule::PAGE},
};

#[async_trait::async_trait]
impl Schedule for MssqlStore {
    async fn due_payments(&self, due: DueBy, after: i64) -> Result<Vec<DuePayment>, StoreError> {
        let read = self.pool.run((due, after), |connection, &(due, after)| {
            Box::pin(async move {
                let page = page(statements::DUE_PAYMENTS, Status::Processing.as_str(), due, after)?;
                let found = connection.rows(page).await?;
                let due = found.iter().map(|row| {
                    Ok(DuePayment {
                        order_id: rows::id(required(row, "order_id")?)?,
                        payment_id: rows::id(required(row, "payment_id")?)?,
                        account: account(row)?,
                        claimed_at: Timestamp::from_millis(millis(row, "claimed_at")?),
                        next_query: Timestamp::from_millis(millis(row, "next_ask_at")?),
                    })
                });
                due.collect()
            })
        });
        read.await
    }

    async fn due_refunds(&self, status: RefundStatus, due: DueBy, after: i64) -> Result<Vec<DueRefund>, StoreError> {
        let read = self.pool.run((status, due, after), |connection, &(status, due, after)| {
            Box::pin(async move {
                let sql = match status {
                    RefundStatus::Processing => statements::DUE_REFUNDS,
                    RefundStatus::Succeeded | RefundStatus::Failed => statements::DUE_CHECKS,
                };
                let found = connection.rows(page(sql, status.as_str(), due, after)?).await?;
                let due = found.iter().map(|row| Ok(due_refund(row)?));
                due.collect()
            })
        });
        read.await
    }

    async fn take_turn(&self, row: Row, seen: Timestamp, next: Timestamp) -> Result<bool, StoreError> {
        let turn = self.pool.transact(statements::BEGIN, (row, seen, next), |connection, &(row, seen, next)| {
            Box::pin(async move {
                let (sql, id) = match row {
                    Row::Payment(id) => (statements::TAKE_PAYMENT, id.get()),
                    Row::Refund(id, _) => (statements::TAKE_REFUND, id.get()),
                };
                let mut turn = query(sql, id);
                turn.bind(time(seen.millis())?);
                turn.bind(time(next.millis())?);
                Ok(connection.row(turn).await?.is_some())
            })
        });
        turn.await
    }

    async fn needed_accounts(&self) -> Result<Vec<NeededAccount>, StoreError> {
        let read = self.pool.run((), |connection, ()| {
            Box::pin(async move {
                let mut needed: BTreeMap<ProviderAccount, NeededAccount> = BTreeMap::new();
                let processing = Status::Processing.as_str();
                for row in connection.rows(query(statements::ACCOUNTS_OF_PAYMENTS, processing)).await? {
                    let Some(account) = account(&row)? else { continue };
                    let needed = needed.entry(account.clone()).or_insert_with(|| NeededAccount::none(account));
                    needed.payments = count(&row, "alike")?;
                }
                let processing = RefundStatus::Processing.as_str();
                for row in connection.rows(query(statements::ACCOUNTS_OF_REFUNDS, processing)).await? {
                    let Some(account) = account(&row)? else { continue };
                    let needed = needed.entry(account.clone()).or_insert_with(|| NeededAccount::none(account));
                    needed.refunds = count(&row, "alike")?;
                }
                Ok(needed.into_values().collect())
            })
        });
        read.await
    }
}

fn page(sql: &'static str, status: &'static str, due: DueBy, after: i64) -> Result<Query<'static>, SqlError> {
    let mut page = query(sql, status);
    page.bind(after);
    page.bind(time(due.now.millis())?);
    page.bind(time(due.open_since.millis())?);
    page.bind(i64::from(PAGE));
    Ok(page)
}

fn due_refund(row: &Cells) -> Result<DueRefund, SqlError> {
    Ok(DueRefund {
        refund: OpenRefund {
            order_id: rows::id(required(row, "order_id")?)?,
            payment_id: rows::id(required(row, "payment_id")?)?,
            refund_id: rows::id(required(row, "refund_id")?)?,
            amount: rows::money(required(row, "amount_minor")?, required(row, "currency")?)?,
            account: account(row)?,
            attempt: required(row, "attempt")?,
            answered_at: optional_millis(row, "answered_at")?.map(Timestamp::from_millis),
        },
        since: Timestamp::from_millis(millis(row, "open_since")?),
        next_query: Timestamp::from_millis(millis(row, "next_ask_at")?),
    })
}

fn account(row: &Cells) -> Result<Option<ProviderAccount>, SqlError> {
    rows::account(optional::<&str>(row, "provider")?, optional_text(row, "provider_account")?)
}
