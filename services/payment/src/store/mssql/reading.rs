//! The store's queries on SQL Server.

use souk_sql::SqlError;
use souk_values::{Id, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};
use tiberius::{IntoSql, Query, Row};

use super::{
    cells::{self, count, day, required, text, time},
    link::Link,
    statements,
};
use crate::{
    account::Account,
    payment::{Payment, RefundStatus, Status},
    store::{
        Filter, KeyHit, OpenPayment, OpenRefund, PaymentTally, RefundTally, Standing, StoreError, Tallies, rows,
        start_of,
        tables::{payment, payment_refund},
    },
};

/// Open rows handed out at once.
const OPEN_PAGE: i64 = 200;

/// `sql` with one parameter.
fn by(sql: &'static str, value: impl IntoSql<'static> + 'static) -> Query<'static> {
    let mut query = Query::new(sql);
    query.bind(value);
    query
}

fn payment_rows(rows: &[Row]) -> Result<Vec<payment::Model>, SqlError> {
    rows.iter().map(cells::payment).collect()
}

fn refund_rows(rows: &[Row]) -> Result<Vec<payment_refund::Model>, SqlError> {
    rows.iter().map(cells::refund).collect()
}

/// The order is read first: what changes after that makes the row version stale, and saving refuses.
pub(super) async fn account(link: &mut Link, order: OrderId) -> Result<Option<Account>, StoreError> {
    let Some(row) = link.row(by(statements::ORDER, order.get())).await? else { return Ok(None) };
    let row = cells::order(&row)?;
    let payments = payment_rows(&link.rows(by(statements::PAYMENTS_OF_ORDER, order.get())).await?)?;
    let mut refunds = Vec::new();
    if payments.iter().any(|payment| payment.captured_at.is_some()) {
        refunds = refund_rows(&link.rows(by(statements::REFUNDS_OF_ORDER, order.get())).await?)?;
    }
    Ok(Some(Account {
        order: rows::order_news(&row)?,
        payments: rows::payments(payments, refunds)?,
        row_version: row.row_version,
    }))
}

pub(super) async fn order_of(link: &mut Link, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
    let row = link.row(by(statements::ORDER_OF_PAYMENT, payment.get())).await?;
    Ok(row.map(|row| rows::id(required(&row, "order_id")?)).transpose()?)
}

pub(super) async fn payment_under(
    link: &mut Link,
    caller: UserId,
    key_hash: &str,
) -> Result<Option<KeyHit>, StoreError> {
    under(link, statements::PAYMENT_UNDER_KEY, caller, key_hash).await
}

pub(super) async fn refund_under(link: &mut Link, admin: UserId, key_hash: &str) -> Result<Option<KeyHit>, StoreError> {
    under(link, statements::REFUND_UNDER_KEY, admin, key_hash).await
}

async fn under(
    link: &mut Link,
    sql: &'static str,
    asked_by: UserId,
    key_hash: &str,
) -> Result<Option<KeyHit>, StoreError> {
    let mut query = by(sql, asked_by.get());
    query.bind(key_hash.to_owned());
    let Some(row) = link.row(query).await? else { return Ok(None) };
    Ok(Some(KeyHit {
        order_id: rows::id(required(&row, "order_id")?)?,
        payment_id: rows::id(required(&row, "payment_id")?)?,
        body_hash: cells::optional::<&str>(&row, "body_hash")?.unwrap_or_default().to_owned(),
    }))
}

fn open(sql: &'static str, status: &'static str, before: Timestamp, after: i64) -> Result<Query<'static>, SqlError> {
    let mut query = by(sql, status);
    query.bind(after);
    query.bind(time(before.millis())?);
    query.bind(OPEN_PAGE);
    Ok(query)
}

pub(super) async fn open_payments(
    link: &mut Link,
    before: Timestamp,
    after: i64,
) -> Result<Vec<OpenPayment>, StoreError> {
    let query = open(statements::OPEN_PAYMENTS, Status::Processing.as_str(), before, after)?;
    let rows = link.rows(query).await?;
    let open = rows.iter().map(|row| {
        Ok(OpenPayment {
            order_id: rows::id(required(row, "order_id")?)?,
            payment_id: rows::id(required(row, "payment_id")?)?,
        })
    });
    open.collect()
}

pub(super) async fn open_refunds(
    link: &mut Link,
    before: Timestamp,
    after: i64,
) -> Result<Vec<OpenRefund>, StoreError> {
    let query = open(statements::OPEN_REFUNDS, RefundStatus::Processing.as_str(), before, after)?;
    let rows = link.rows(query).await?;
    let open = rows.iter().map(|row| {
        Ok(OpenRefund {
            order_id: rows::id(required(row, "order_id")?)?,
            payment_id: rows::id(required(row, "payment_id")?)?,
            refund_id: rows::id(required(row, "refund_id")?)?,
            amount: rows::money(required(row, "amount_minor")?, required(row, "currency")?)?,
        })
    });
    open.collect()
}

pub(super) async fn list(link: &mut Link, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError> {
    let filtered = |sql: &'static str| {
        let mut query = by(sql, filter.user_id.map(Id::get));
        query.bind(filter.order_id.map(Id::get));
        query
    };
    let total = one_count(link.row(filtered(statements::COUNT_LISTED)).await?, "total")?;
    if page.limit() == 0 {
        // FETCH refuses to fetch none.
        return Ok(Page::new(Vec::new(), page, total));
    }
    let mut query = filtered(statements::LISTED);
    query.bind(big(page.offset())?);
    query.bind(big(page.limit())?);
    let payments = payment_rows(&link.rows(query).await?)?;
    let mut refunds = Vec::new();
    if !payments.is_empty() {
        let mut query = Query::new(statements::refunds_of_payments(payments.len()));
        query.bind_iter(payments.iter().map(|payment| payment.payment_id));
        refunds = refund_rows(&link.rows(query).await?)?;
    }
    Ok(Page::new(rows::payments(payments, refunds)?, page, total))
}

/// Grouped by amount too, as on the other engines: sums are made where a sum cannot overflow unseen.
pub(super) async fn tallies(link: &mut Link, from_day: i64) -> Result<Tallies, StoreError> {
    let from = time(start_of(from_day).millis())?;
    let mut tallies = Tallies::default();
    for row in link.rows(by(statements::PAYMENT_TALLIES, from)).await? {
        let failure: Option<&str> = cells::optional(&row, "failure_code")?;
        tallies.payments.push(PaymentTally {
            day: day(&row, "claimed_day")?,
            status: rows::status(required(&row, "status")?)?,
            failure: failure.map(rows::failure_code).transpose()?,
            amount: rows::money(required(&row, "amount_minor")?, required(&row, "currency")?)?,
            count: required(&row, "alike")?,
        });
    }
    let mut query = by(statements::REFUND_TALLIES, from);
    query.bind(RefundStatus::Succeeded.as_str());
    for row in link.rows(query).await? {
        tallies.refunds.push(RefundTally {
            day: day(&row, "settled_day")?,
            amount: rows::money(required(&row, "amount_minor")?, required(&row, "currency")?)?,
            count: required(&row, "alike")?,
        });
    }
    Ok(tallies)
}

pub(super) async fn standing(link: &mut Link, stuck_before: Timestamp) -> Result<Standing, StoreError> {
    let open = Status::Processing.as_str();
    let processing = one_count(link.row(by(statements::COUNT_STATUS, open)).await?, "total")?;
    let mut stuck = by(statements::COUNT_STATUS_BEFORE, open);
    stuck.bind(time(stuck_before.millis())?);
    Ok(Standing { processing, stuck: one_count(link.row(stuck).await?, "total")? })
}

/// In a transaction that sees one state.
pub(super) async fn everything(link: &mut Link) -> Result<(Vec<Payment>, u64), StoreError> {
    let payments = payment_rows(&link.rows(Query::new(statements::EVERY_PAYMENT)).await?)?;
    let refunds = refund_rows(&link.rows(Query::new(statements::EVERY_REFUND)).await?)?;
    let pending = one_count(link.row(Query::new(statements::BACKLOG)).await?, "pending")?;
    Ok((rows::payments(payments, refunds)?, pending))
}

pub(super) async fn reference(link: &mut Link, payment: PaymentId) -> Result<Option<String>, StoreError> {
    let row = link.row(by(statements::REFERENCE, payment.get())).await?;
    Ok(row.map(|row| text(&row, "reference")).transpose()?)
}

fn one_count(row: Option<Row>, name: &'static str) -> Result<u64, SqlError> {
    let row = row.ok_or_else(|| SqlError::Failed("a count came without a row".to_owned()))?;
    count(&row, name)
}

fn big(number: u64) -> Result<i64, SqlError> {
    i64::try_from(number).map_err(|_| SqlError::Failed(format!("{number} is too large for a bigint")))
}
