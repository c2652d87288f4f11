//! The store's queries.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::Outbox;
use souk_sql::{Db, SqlError};
use souk_values::{Id, OrderId, Page, PageRequest, PaymentId, Timestamp, UserId};

use crate::{
    account::Account,
    payment::{Payment, RefundStatus, Status},
    store::{
        Filter, KeyHit, OpenPayment, OpenRefund, PaymentTally, RefundTally, Standing, StoreError, Tallies, rows,
        tables::{known_order, payment, payment_refund},
    },
};

/// Open rows handed out at once.
const OPEN_PAGE: u64 = 200;

/// The order is read first: what changes after that makes the row version stale, and saving refuses.
pub(super) async fn account(db: &impl ConnectionTrait, order: OrderId) -> Result<Option<Account>, StoreError> {
    let Some(row) = known_order::Entity::find_by_id(order.get()).one(db).await? else { return Ok(None) };
    let payments = payment::Entity::find()
        .filter(payment::Column::OrderId.eq(order.get()))
        .order_by_asc(payment::Column::PaymentId)
        .all(db)
        .await?;
    let mut refunds = Vec::new();
    if payments.iter().any(|payment| payment.captured_at.is_some()) {
        let of_order = payment_refund::Column::OrderId.eq(order.get());
        refunds = payment_refund::Entity::find()
            .filter(of_order)
            .order_by_asc(payment_refund::Column::RefundId)
            .all(db)
            .await?;
    }
    Ok(Some(Account {
        order: rows::order_news(&row)?,
        payments: rows::payments(payments, refunds)?,
        row_version: row.row_version,
    }))
}

pub(super) async fn order_of(db: &impl ConnectionTrait, payment: PaymentId) -> Result<Option<OrderId>, StoreError> {
    let row = payment::Entity::find_by_id(payment.get()).one(db).await?;
    Ok(row.map(|row| rows::id(row.order_id)).transpose()?)
}

pub(super) async fn payment_under(
    db: &impl ConnectionTrait,
    caller: UserId,
    key_hash: &str,
) -> Result<Option<KeyHit>, StoreError> {
    let row = payment::Entity::find()
        .filter(payment::Column::UserId.eq(caller.get()))
        .filter(payment::Column::KeyHash.eq(key_hash))
        .one(db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (order_id, payment_id) = (rows::id(row.order_id)?, rows::id(row.payment_id)?);
    Ok(Some(KeyHit { order_id, payment_id, body_hash: row.body_hash }))
}

pub(super) async fn refund_under(
    db: &impl ConnectionTrait,
    admin: UserId,
    key_hash: &str,
) -> Result<Option<KeyHit>, StoreError> {
    let row = payment_refund::Entity::find()
        .filter(payment_refund::Column::AskedBy.eq(admin.get()))
        .filter(payment_refund::Column::KeyHash.eq(key_hash))
        .one(db)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (order_id, payment_id) = (rows::id(row.order_id)?, rows::id(row.payment_id)?);
    Ok(Some(KeyHit { order_id, payment_id, body_hash: row.body_hash.unwrap_or_default() }))
}

pub(super) async fn open_payments(
    db: &impl ConnectionTrait,
    before: Timestamp,
    after: i64,
) -> Result<Vec<OpenPayment>, StoreError> {
    let rows = payment::Entity::find()
        .filter(payment::Column::Status.eq(Status::Processing.as_str()))
        .filter(payment::Column::PaymentId.gt(after))
        .filter(payment::Column::ClaimedAt.lte(before.millis()))
        .order_by_asc(payment::Column::PaymentId)
        .limit(OPEN_PAGE)
        .all(db)
        .await?;
    rows.iter()
        .map(|row| Ok(OpenPayment { order_id: rows::id(row.order_id)?, payment_id: rows::id(row.payment_id)? }))
        .collect()
}

pub(super) async fn open_refunds(
    db: &impl ConnectionTrait,
    before: Timestamp,
    after: i64,
) -> Result<Vec<OpenRefund>, StoreError> {
    let rows = payment_refund::Entity::find()
        .filter(payment_refund::Column::Status.eq(RefundStatus::Processing.as_str()))
        .filter(payment_refund::Column::RefundId.gt(after))
        .filter(payment_refund::Column::DueAt.lte(before.millis()))
        .order_by_asc(payment_refund::Column::RefundId)
        .limit(OPEN_PAGE)
        .all(db)
        .await?;
    let open = rows.iter().map(|row| {
        Ok(OpenRefund {
            order_id: rows::id(row.order_id)?,
            payment_id: rows::id(row.payment_id)?,
            refund_id: rows::id(row.refund_id)?,
            amount: rows::money(row.amount_minor, &row.currency)?,
        })
    });
    open.collect()
}

pub(super) async fn list(
    db: &impl ConnectionTrait,
    filter: Filter,
    page: PageRequest,
) -> Result<Page<Payment>, StoreError> {
    let mut query = payment::Entity::find();
    if let Some(user) = filter.user_id {
        query = query.filter(payment::Column::UserId.eq(user.get()));
    }
    if let Some(order) = filter.order_id {
        query = query.filter(payment::Column::OrderId.eq(order.get()));
    }
    let total = query.clone().count(db).await?;
    let newest_first = query.order_by_desc(payment::Column::PaymentId);
    let payments = newest_first.offset(page.offset()).limit(page.limit()).all(db).await?;
    let ids: Vec<i64> = payments.iter().filter(|row| row.captured_at.is_some()).map(|row| row.payment_id).collect();
    let mut refunds = Vec::new();
    if !ids.is_empty() {
        // By order, which is indexed.
        let orders: Vec<i64> = payments.iter().map(|row| row.order_id).collect();
        refunds = payment_refund::Entity::find()
            .filter(payment_refund::Column::OrderId.is_in(orders))
            .filter(payment_refund::Column::PaymentId.is_in(ids))
            .order_by_asc(payment_refund::Column::RefundId)
            .all(db)
            .await?;
    }
    Ok(Page::new(rows::payments(payments, refunds)?, page, total))
}

/// Grouped by amount too, and summed here: engines disagree on the type of a sum of 64-bit integers.
pub(super) async fn tallies(db: &impl ConnectionTrait, from_day: i64) -> Result<Tallies, StoreError> {
    use payment::Column as P;
    use payment_refund::Column as R;
    let alike: Vec<(i64, String, Option<String>, i64, String, i64)> = payment::Entity::find()
        .select_only()
        .columns([P::ClaimedDay, P::Status, P::FailureCode, P::AmountMinor, P::Currency])
        .column_as(P::PaymentId.count(), "alike")
        .filter(P::ClaimedDay.gte(from_day))
        .group_by(P::ClaimedDay)
        .group_by(P::Status)
        .group_by(P::FailureCode)
        .group_by(P::AmountMinor)
        .group_by(P::Currency)
        .into_tuple()
        .all(db)
        .await?;
    let mut tallies = Tallies::default();
    for (day, status, failure, minor, currency, count) in alike {
        tallies.payments.push(PaymentTally {
            day,
            status: rows::status(&status)?,
            failure: failure.as_deref().map(rows::failure_code).transpose()?,
            amount: rows::money(minor, &currency)?,
            count,
        });
    }
    let alike: Vec<(i64, i64, String, i64)> = payment_refund::Entity::find()
        .select_only()
        .columns([R::SettledDay, R::AmountMinor, R::Currency])
        .column_as(R::RefundId.count(), "alike")
        .filter(R::SettledDay.gte(from_day))
        .filter(R::Status.eq(RefundStatus::Succeeded.as_str()))
        .group_by(R::SettledDay)
        .group_by(R::AmountMinor)
        .group_by(R::Currency)
        .into_tuple()
        .all(db)
        .await?;
    for (day, minor, currency, count) in alike {
        tallies.refunds.push(RefundTally { day, amount: rows::money(minor, &currency)?, count });
    }
    Ok(tallies)
}

pub(super) async fn standing(db: &impl ConnectionTrait, stuck_before: Timestamp) -> Result<Standing, StoreError> {
    let processing = payment::Entity::find().filter(payment::Column::Status.eq(Status::Processing.as_str()));
    let stuck = processing.clone().filter(payment::Column::ClaimedAt.lt(stuck_before.millis()));
    Ok(Standing { processing: processing.count(db).await?, stuck: stuck.count(db).await? })
}

pub(super) async fn everything(db: &Db) -> Result<(Vec<Payment>, u64), StoreError> {
    let backlog = souk_bus::SqlOutbox::new(db.clone()).backlog().await;
    let pending = backlog.map_err(|error| SqlError::Failed(error.to_string()))?.pending;
    let snapshot = db.snapshot().await?;
    let read = async {
        let payments = payment::Entity::find().order_by_asc(payment::Column::PaymentId).all(&snapshot).await?;
        let refunds =
            payment_refund::Entity::find().order_by_asc(payment_refund::Column::RefundId).all(&snapshot).await?;
        rows::payments(payments, refunds)
    };
    let payments = read.await;
    snapshot.rollback().await?;
    Ok((payments?, pending))
}
