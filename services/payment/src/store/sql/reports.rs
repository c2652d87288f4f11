//! Lists, sums and counts of payments.

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Alias, Expr},
};
use souk_bus::{BusError, Outbox};
use souk_events::Envelope;
use souk_sql::{SqlError, local_day, newest_page};
use souk_values::{BusinessDay, Id, OffsetPeriod, Page, PageRequest, Timestamp, UtcDay};

use super::SqlStore;
use crate::{
    payment::{Payment, RefundStatus, Status},
    store::{
        Filter, OpenCounts, PaymentTally, RefundTally, Reports, StoreError, Tallies,
        entities::{payment, payment_refund},
        rows,
    },
};

#[async_trait::async_trait]
impl Reports for SqlStore {
    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError> {
        let db = self.0.reader();
        let mut query = payment::Entity::find();
        if let Some(user) = filter.user_id {
            query = query.filter(payment::Column::UserId.eq(user.get()));
        }
        if let Some(order) = filter.order_id {
            query = query.filter(payment::Column::OrderId.eq(order.get()));
        }
        let found = newest_page(db, query, &[payment::Column::PaymentId], page).await?;
        let payments = &found.items;
        let captured = payments.iter().filter(|row| row.captured_at.is_some());
        let ids: Vec<i64> = captured.map(|row| row.payment_id).collect();
        let mut refunds = Vec::new();
        if !ids.is_empty() {
            // Filtered by order too, because only that column is indexed.
            let orders: Vec<i64> = payments.iter().map(|row| row.order_id).collect();
            refunds = payment_refund::Entity::find()
                .filter(payment_refund::Column::OrderId.is_in(orders))
                .filter(payment_refund::Column::PaymentId.is_in(ids))
                .order_by_asc(payment_refund::Column::RefundId)
                .all(db)
                .await?;
        }
        found.try_map_all(|payments| rows::payments(payments, refunds))
    }

    // Grouped by amount and summed up in Rust: engines disagree on the type of a sum of 64-bit integers.
    async fn tallies(&self, period: &OffsetPeriod) -> Result<Tallies, StoreError> {
        use payment::Column as P;
        use payment_refund::Column as R;
        let db = self.0.reader();
        let (start, end) = (period.instants.start, period.instants.end);
        // The stored days are those of UTC, and find the rows of the period by their index.
        let (first, last) = (UtcDay::of(start).number(), UtcDay::of(end).number());
        let day = |utc_day: Expr, at: Expr| local_day(&utc_day, &at, period.offset_ms);
        // Grouped by its name: PostgreSQL takes the repeated expression for another, as its parameters have other numbers.
        let by_day = || Expr::col(Alias::new("shop_day"));
        let alike: Vec<(i64, String, Option<String>, i64, String, i64)> = payment::Entity::find()
            .select_only()
            .expr_as(day(Expr::col(P::ClaimedDay), Expr::col(P::ClaimedAt)), "shop_day")
            .columns([P::Status, P::FailureCode, P::AmountMinor, P::Currency])
            .column_as(P::PaymentId.count(), "alike")
            .filter(P::ClaimedDay.between(first, last))
            .filter(P::ClaimedAt.gte(start.millis()))
            .filter(P::ClaimedAt.lt(end.millis()))
            .group_by(by_day())
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
                day: BusinessDay::from_number(day),
                status: rows::status(&status)?,
                failure: failure.as_deref().map(rows::failure_code).transpose()?,
                amount: rows::money(minor, &currency)?,
                count,
            });
        }
        let alike: Vec<(i64, i64, String, i64)> = payment_refund::Entity::find()
            .select_only()
            .expr_as(day(Expr::col(R::SettledDay), Expr::col(R::SettledAt)), "shop_day")
            .columns([R::AmountMinor, R::Currency])
            .column_as(R::RefundId.count(), "alike")
            .filter(R::SettledDay.between(first, last))
            .filter(R::SettledAt.gte(start.millis()))
            .filter(R::SettledAt.lt(end.millis()))
            .filter(R::Status.eq(RefundStatus::Succeeded.as_str()))
            .group_by(by_day())
            .group_by(R::AmountMinor)
            .group_by(R::Currency)
            .into_tuple()
            .all(db)
            .await?;
        for (day, minor, currency, count) in alike {
            let amount = rows::money(minor, &currency)?;
            tallies.refunds.push(RefundTally { day: BusinessDay::from_number(day), amount, count });
        }
        Ok(tallies)
    }

    async fn open_counts(&self, stuck_before: Timestamp) -> Result<OpenCounts, StoreError> {
        let db = self.0.reader();
        let processing = payment::Entity::find().filter(payment::Column::Status.eq(Status::Processing.as_str()));
        let stuck = processing.clone().filter(payment::Column::ClaimedAt.lt(stuck_before.millis()));
        Ok(OpenCounts { processing: processing.count(db).await?, stuck: stuck.count(db).await? })
    }

    async fn audit_snapshot(&self) -> Result<(Vec<Payment>, u64), StoreError> {
        let backlog = self.outbox().backlog().await;
        let pending = backlog.map_err(|error| SqlError::Failed(error.to_string()))?.pending;
        let snapshot = self.0.snapshot().await?;
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

    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError> {
        // The largest limit that every engine accepts.
        let all = self.outbox().unpublished(i64::MAX.unsigned_abs()).await;
        all.map_err(|error| match error {
            BusError::Store(error) => error.into(),
            error => SqlError::Failed(error.to_string()).into(),
        })
    }
}
