//! Lists, sums and counts of payments.

use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{
    Id, OffsetPeriod, Page, PageRequest, Timestamp,
    page::{Cursor, MAX_COUNTED, Total},
};
use tiberius::{Query, Row};

use super::{
    MssqlStore,
    cells::{self, count, day, required, time},
    outbox, query, statements,
};
use crate::{
    payment::{Payment, RefundStatus, Status},
    store::{Filter, OpenCounts, PaymentTally, RefundTally, Reports, StoreError, Tallies, rows},
};

/// Binds the bounds of a period, and the distance of its local time from UTC.
fn tallies_of(sql: &'static str, period: &OffsetPeriod) -> Result<Query<'static>, SqlError> {
    let mut tallies = query(sql, time(period.instants.start.millis())?);
    tallies.bind(time(period.instants.end.millis())?);
    tallies.bind(period.offset_ms / 1_000);
    Ok(tallies)
}

#[async_trait::async_trait]
impl Reports for MssqlStore {
    async fn list(&self, filter: Filter, page: PageRequest) -> Result<Page<Payment>, StoreError> {
        let read = self.pool.run((filter, page), |connection, &(filter, page)| {
            Box::pin(async move {
                let mut count = filtered(statements::COUNT_LISTED, filter);
                count.bind(bigint(MAX_COUNTED + 1)?);
                let counted = one_count(connection.row(count).await?, "total")?;
                let total = Total { count: counted.min(MAX_COUNTED), is_exact: counted <= MAX_COUNTED };
                let mut listed = filtered(statements::LISTED, filter);
                listed.bind(page.after.map(|Cursor([payment_id, _])| payment_id));
                listed.bind(bigint(page.offset())?);
                // One more than fit on the page says whether there is another.
                listed.bind(bigint(page.limit() + 1)?);
                let payments = cells::payments(&connection.rows(listed).await?)?;
                let found = Page::of_rows(payments, page, total, |payment| Cursor([payment.payment_id, 0]));
                let payments = &found.items;
                let mut refunds = Vec::new();
                if !payments.is_empty() {
                    let mut query = Query::new(statements::refunds_of_payments(payments.len()));
                    query.bind_iter(payments.iter().map(|payment| payment.payment_id));
                    refunds = cells::refunds(&connection.rows(query).await?)?;
                }
                found.try_map_all(|payments| rows::payments(payments, refunds))
            })
        });
        read.await
    }

    // Grouped by amount too, as on the other engines: summed up in Rust, an overflow does not go unseen.
    async fn tallies(&self, period: &OffsetPeriod) -> Result<Tallies, StoreError> {
        let read = self.pool.run(period.clone(), |connection, period| {
            Box::pin(async move {
                let mut tallies = Tallies::default();
                for row in connection.rows(tallies_of(statements::PAYMENT_TALLIES, period)?).await? {
                    let failure: Option<&str> = cells::optional(&row, "failure_code")?;
                    tallies.payments.push(PaymentTally {
                        day: day(&row, "claimed_day")?,
                        status: rows::status(required(&row, "status")?)?,
                        failure: failure.map(rows::failure_code).transpose()?,
                        amount: rows::money(required(&row, "amount_minor")?, required(&row, "currency")?)?,
                        count: required(&row, "alike")?,
                    });
                }
                let mut refunds = tallies_of(statements::REFUND_TALLIES, period)?;
                refunds.bind(RefundStatus::Succeeded.as_str());
                for row in connection.rows(refunds).await? {
                    tallies.refunds.push(RefundTally {
                        day: day(&row, "settled_day")?,
                        amount: rows::money(required(&row, "amount_minor")?, required(&row, "currency")?)?,
                        count: required(&row, "alike")?,
                    });
                }
                Ok(tallies)
            })
        });
        read.await
    }

    async fn open_counts(&self, stuck_before: Timestamp) -> Result<OpenCounts, StoreError> {
        let read = self.pool.run(stuck_before, |connection, stuck_before| {
            Box::pin(async move {
                let status = Status::Processing.as_str();
                let processing = one_count(connection.row(query(statements::COUNT_STATUS, status)).await?, "total")?;
                let mut stuck = query(statements::COUNT_STATUS_BEFORE, status);
                stuck.bind(time(stuck_before.millis())?);
                Ok(OpenCounts { processing, stuck: one_count(connection.row(stuck).await?, "total")? })
            })
        });
        read.await
    }

    async fn audit_snapshot(&self) -> Result<(Vec<Payment>, u64), StoreError> {
        let read = self.pool.transact(self.begin_snapshot, (), |connection, ()| {
            Box::pin(async move {
                let payments = cells::payments(&connection.rows(Query::new(statements::EVERY_PAYMENT)).await?)?;
                let refunds = cells::refunds(&connection.rows(Query::new(statements::EVERY_REFUND)).await?)?;
                let pending = one_count(connection.row(Query::new(statements::BACKLOG)).await?, "pending")?;
                Ok((rows::payments(payments, refunds)?, pending))
            })
        });
        read.await
    }

    async fn unpublished(&self) -> Result<Vec<Envelope>, StoreError> {
        self.pool.run(i64::MAX, |connection, &limit| Box::pin(outbox::unpublished(connection, limit))).await
    }
}

fn filtered(sql: &'static str, filter: Filter) -> Query<'static> {
    let mut query = query(sql, filter.user_id.map(Id::get));
    query.bind(filter.order_id.map(Id::get));
    query
}

fn one_count(row: Option<Row>, name: &'static str) -> Result<u64, SqlError> {
    let row = row.ok_or_else(|| SqlError::Failed("a count returned no row".to_owned()))?;
    count(&row, name)
}

fn bigint(number: u64) -> Result<i64, SqlError> {
    i64::try_from(number).map_err(|_| SqlError::Failed(format!("{number} is too large for a bigint")))
}
