//! The rows and the sandbox's ledger as the operator's audit reads them, without changing either.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use sea_orm::{
    ConnectionTrait, ExprTrait, FromQueryResult,
    sea_query::{Expr, Order, Query, SelectStatement},
};
use serde::Serialize;
use souk_bus::{BusError, Outbox, SqlOutbox};
use souk_events::Envelope;
use souk_sql::{Access, Db, SqlError};
use souk_values::{Id, Money, OrderId, PaymentId, RefundId, Timestamp};

use crate::{
    payment::{Payment, RefundStatus, Status},
    provider::{
        ProviderError,
        sandbox::{self, Entry, EntryKind},
        stripe::{Captures, StripeAccount},
    },
    store,
};

/// Everything that the invariants of payment are checked on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentAuditFacts {
    /// All payments, in the order of their ids.
    pub payments: Vec<AuditedPayment>,
    /// All movements at the sandbox; empty without a ledger.
    pub ledger: Vec<LedgerEntry>,
    /// Number of events that are not published yet.
    pub outbox_pending: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedPayment {
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub status: Status,
    pub amount: Money,
    /// True also for a capture that was reported after the payment had failed.
    pub captured: bool,
    #[serde(skip)]
    pub claimed_at: Timestamp,
    pub refunds: Vec<AuditedRefund>,
    /// The provider's books; `None` when they were not read.
    #[serde(skip)]
    pub held: Option<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedRefund {
    pub refund_id: RefundId,
    pub amount: Money,
    pub status: RefundStatus,
}

/// A movement of money at the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    pub kind: EntryKind,
    /// The `paymentId` of a capture, the `refundId` of a refund.
    pub key: i64,
    pub payment_id: i64,
    /// Order of the payment; `None` when the store has no such payment.
    pub order_id: Option<OrderId>,
    pub amount: Money,
}

/// Reads the store at `store_url` and the sandbox's ledger, each in one snapshot, whether the shop runs or not.
///
/// Errors: one of them cannot be opened or read.
pub async fn read(store_url: &str, sandbox_ledger_url: Option<&str>) -> Result<PaymentAuditFacts, SqlError> {
    // The two stores have no common snapshot, so the ledger is read before and after the rows. Its earlier entries must
    // have their row, which is claimed before the provider is called; later ones are taken only if the rows know them.
    // So a charge in between does not look like a disagreement.
    let before = movements(sandbox_ledger_url).await?;
    let (payments, outbox_pending) = store::open_to_read(store_url).await?.audit_snapshot().await?;
    let after = movements(sandbox_ledger_url).await?;
    let known: HashMap<i64, &Payment> = payments.iter().map(|payment| (payment.payment_id.get(), payment)).collect();
    let is_recorded = |entry: &Entry| known.get(&entry.payment_id).is_some_and(|payment| has_recorded(payment, entry));
    let seen: HashSet<(EntryKind, i64)> = before.iter().map(|entry| (entry.kind, entry.key)).collect();
    let since = after.into_iter().filter(|entry| !seen.contains(&(entry.kind, entry.key)) && is_recorded(entry));
    let ledger = before.iter().cloned().chain(since).map(|entry| LedgerEntry {
        kind: entry.kind,
        key: entry.key,
        payment_id: entry.payment_id,
        order_id: known.get(&entry.payment_id).map(|payment| payment.order_id),
        amount: entry.amount,
    });
    let ledger = ledger.collect();
    Ok(PaymentAuditFacts { payments: payments.iter().map(audited).collect(), ledger, outbox_pending })
}

/// Reads the oldest unpublished events in the store at `store_url`, at most 10,000; on SQL Server all of them.
pub async fn unpublished(store_url: &str) -> Result<Vec<Envelope>, BusError> {
    if is_mssql(store_url) {
        let read = async { store::open_to_read(store_url).await?.unpublished().await.map_err(SqlError::from) };
        return Ok(read.await?);
    }
    SqlOutbox::new(Db::open(store_url, Access::ReadOnly).await?).unpublished(MAX_UNPUBLISHED).await
}

async fn movements(ledger_url: Option<&str>) -> Result<Vec<Entry>, SqlError> {
    match ledger_url {
        // Boxed: otherwise the futures of callers nest too deep for the compiler.
        Some(url) => Box::pin(sandbox::read(url)).await,
        None => Ok(Vec::new()),
    }
}

/// True when the rows of `payment` contain the movement.
fn has_recorded(payment: &Payment, entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::Capture => payment.captured_at().is_some(),
        EntryKind::Refund => payment
            .refunds
            .iter()
            .any(|refund| refund.refund_id.get() == entry.key && refund.status == RefundStatus::Succeeded),
    }
}

fn audited(payment: &Payment) -> AuditedPayment {
    let refunds = payment.refunds.iter().map(|refund| AuditedRefund {
        refund_id: refund.refund_id,
        amount: refund.amount,
        status: refund.status,
    });
    AuditedPayment {
        payment_id: payment.payment_id,
        order_id: payment.order_id,
        status: payment.status(),
        amount: payment.amount,
        captured: payment.captured_at().is_some(),
        claimed_at: payment.claimed_at,
        refunds: refunds.collect(),
        held: None,
    }
}

/// The rows and the sandbox's ledger, opened read-only and read in ranges of order ids, so that memory does not grow
/// with the number of payments. On SQL Server the rows are read at once instead.
#[derive(Debug)]
pub struct PaymentAudit {
    rows: Rows,
    ledger: Option<Db>,
    list: Option<ProviderList>,
}

/// The captures that the provider lists since a moment. It is in memory, so that moment bounds it.
#[derive(Debug)]
pub struct ProviderList {
    by_payment: HashMap<i64, Held>,
    since: Timestamp,
    until: Timestamp,
}

impl ProviderList {
    /// Reads what Stripe captured for intents created since `since`; `now` is the time of the reading.
    ///
    /// Errors: Stripe does not list them; a part of the list is no list.
    pub async fn read(account: StripeAccount, since: Timestamp, now: Timestamp) -> Result<Self, ProviderError> {
        let failed = |error: reqwest::Error| ProviderError::Lost(error.to_string());
        let mut captures = Captures::new(account, since).map_err(failed)?;
        let mut by_payment: HashMap<i64, Held> = HashMap::new();
        while let Some(page) = captures.next_page().await? {
            for capture in page {
                let held = by_payment.entry(capture.payment_id.get()).or_default();
                held.captured += capture.captured.minor;
                held.refunded += capture.refunded;
            }
        }
        by_payment.values_mut().for_each(|held| held.is_older = true);
        Ok(Self { by_payment, since, until: now })
    }

    /// Returns what the list has under a payment; `None` for one that was claimed outside its time.
    fn held(&self, payment: &AuditedPayment) -> Option<Held> {
        // The intent is created after the claim, by the provider's clock.
        let is_covered = (self.since.plus(CLOCKS)..self.until).contains(&payment.claimed_at);
        let nothing = Held { is_older: true, ..Held::default() };
        is_covered.then(|| self.by_payment.get(&payment.payment_id.get()).copied().unwrap_or(nothing))
    }
}

/// Difference between the clocks of shop and provider that is allowed for.
const CLOCKS: Duration = Duration::from_mins(5);

#[derive(Debug)]
enum Rows {
    Sql(Db),
    /// All payments, sorted by order.
    All(Vec<AuditedPayment>),
}

/// The columns of a payment that the audit needs.
#[derive(FromQueryResult)]
struct PaymentRow {
    payment_id: i64,
    order_id: i64,
    amount_minor: i64,
    currency: String,
    status: String,
    claimed_at: i64,
    captured_at: Option<i64>,
}

/// The columns of a refund that the audit needs.
#[derive(FromQueryResult)]
struct RefundRow {
    refund_id: i64,
    payment_id: i64,
    amount_minor: i64,
    currency: String,
    status: String,
}

/// Minor units that the provider's books have under a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    pub captured: i64,
    pub refunded: i64,
    /// True when the books were read before the rows, so that a row may be newer.
    pub is_older: bool,
}

/// Limit of unpublished events that are read.
const MAX_UNPUBLISHED: u64 = 10_000;

/// Rows of a page of the ledger and keys in one statement; below every engine's limit of bound parameters.
const KEYS: usize = 500;

impl PaymentAudit {
    /// Opens the store at `store_url` and the sandbox's ledger, if there is one, whether the shop runs or not.
    pub async fn open(store_url: &str, sandbox_ledger_url: Option<&str>) -> Result<Self, SqlError> {
        let rows = if is_mssql(store_url) {
            let (payments, _) = store::open_to_read(store_url).await?.audit_snapshot().await?;
            let mut payments: Vec<_> = payments.iter().map(audited).collect();
            payments.sort_by_key(|payment| (payment.order_id, payment.payment_id));
            Rows::All(payments)
        } else {
            Rows::Sql(Db::open(store_url, Access::ReadOnly).await?)
        };
        let ledger = match sandbox_ledger_url {
            Some(url) => Some(Db::open(url, Access::ReadOnly).await?),
            None => None,
        };
        Ok(Self { rows, ledger, list: None })
    }

    /// Adds the provider's own list, for payments that are not in the sandbox's ledger.
    #[must_use]
    pub fn with_list(self, list: ProviderList) -> Self {
        Self { list: Some(list), ..self }
    }

    /// Returns the order id of the `rows`-th payment above the order `after`; `None` when there are fewer.
    pub async fn boundary(&self, after: i64, rows: u64) -> Result<Option<i64>, SqlError> {
        match &self.rows {
            Rows::Sql(db) => {
                let boundary = select("payment", ["order_id"])
                    .and_where(Expr::col("order_id").gt(after))
                    .order_by("order_id", Order::Asc)
                    .offset(rows.saturating_sub(1))
                    .limit(1)
                    .take();
                let row = db.reader().query_one(&boundary).await?;
                Ok(row.map(|row| row.try_get("", "order_id")).transpose()?)
            }
            Rows::All(payments) => {
                let nth = usize::try_from(rows.saturating_sub(1)).unwrap_or(usize::MAX);
                Ok(in_range(payments, after, i64::MAX).get(nth).map(|payment| payment.order_id.get()))
            }
        }
    }

    /// Reads the payments of the orders with ids above `after` and up to `until`, and then what the provider's books
    /// have under them. So every row is in the books; an entry of the books may not be in its row yet.
    pub async fn payments(&self, after: i64, until: i64) -> Result<Vec<AuditedPayment>, SqlError> {
        let mut payments = match &self.rows {
            Rows::Sql(db) => read_range(db, after, until).await?,
            Rows::All(payments) => in_range(payments, after, until).to_vec(),
        };
        if let Some(list) = &self.list {
            payments.iter_mut().for_each(|payment| payment.held = list.held(payment));
        }
        if let Some(ledger) = &self.ledger {
            let snapshot = ledger.snapshot().await?;
            for payments in payments.chunks_mut(KEYS) {
                let mut held = held(&snapshot, payments).await?;
                for payment in payments {
                    payment.held = Some(held.remove(&payment.payment_id.get()).unwrap_or_default());
                }
            }
            snapshot.rollback().await?;
        }
        Ok(payments)
    }

    /// Reads a page of the captures in the provider's books with payment ids above `after`; returns the last id of the
    /// page, `None` after the last page, and the ids of which payment has no row.
    pub async fn unknown_captures(&self, after: i64) -> Result<(Option<i64>, Vec<i64>), SqlError> {
        if let Some(list) = &self.list {
            let mut keys: Vec<i64> = list.by_payment.keys().copied().collect();
            keys.sort_unstable();
            return Ok((None, self.unknown(&keys).await?));
        }
        let Some(ledger) = &self.ledger else { return Ok((None, Vec::new())) };
        let page = select("sandbox_charge", ["payment_id"])
            .and_where(Expr::col("payment_id").gt(after))
            .and_where(Expr::col("standing").eq("captured"))
            .order_by("payment_id", Order::Asc)
            .limit(u64::try_from(KEYS).unwrap_or(u64::MAX))
            .take();
        let rows = ledger.reader().query_all(&page).await?;
        let keys = rows.iter().map(|row| row.try_get::<i64>("", "payment_id")).collect::<Result<Vec<_>, _>>()?;
        Ok((keys.last().copied(), self.unknown(&keys).await?))
    }

    /// Returns those of the payment ids `keys` of which the store has no row.
    pub async fn unknown(&self, keys: &[i64]) -> Result<Vec<i64>, SqlError> {
        let mut known = HashSet::new();
        match &self.rows {
            Rows::All(payments) => known.extend(payments.iter().map(|payment| payment.payment_id.get())),
            Rows::Sql(db) => {
                for keys in keys.chunks(KEYS) {
                    let rows = select("payment", ["payment_id"])
                        .and_where(Expr::col("payment_id").is_in(keys.iter().copied()))
                        .take();
                    for row in db.reader().query_all(&rows).await? {
                        known.insert(row.try_get::<i64>("", "payment_id")?);
                    }
                }
            }
        }
        Ok(keys.iter().copied().filter(|key| !known.contains(key)).collect())
    }
}

fn is_mssql(store_url: &str) -> bool {
    store_url.starts_with("mssql:")
}

fn select<const N: usize>(table: &'static str, columns: [&'static str; N]) -> SelectStatement {
    Query::select().columns(columns).from(table).take()
}

/// Returns the payments of the orders with ids above `after` and up to `until`; `payments` are sorted by order.
fn in_range(payments: &[AuditedPayment], after: i64, until: i64) -> &[AuditedPayment] {
    let first = payments.partition_point(|payment| payment.order_id.get() <= after);
    let end = payments.partition_point(|payment| payment.order_id.get() <= until);
    payments.get(first..end).unwrap_or_default()
}

async fn read_range(db: &Db, after: i64, until: i64) -> Result<Vec<AuditedPayment>, SqlError> {
    let of_orders = |mut statement: SelectStatement| {
        statement.and_where(Expr::col("order_id").gt(after)).and_where(Expr::col("order_id").lte(until)).take()
    };
    // In one snapshot, so that a payment and its refunds belong together.
    let snapshot = db.snapshot().await?;
    let columns = ["payment_id", "order_id", "amount_minor", "currency", "status", "claimed_at", "captured_at"];
    let payments = snapshot.query_all(&of_orders(select("payment", columns))).await?;
    let columns = ["refund_id", "payment_id", "amount_minor", "currency", "status"];
    let refunds = snapshot.query_all(&of_orders(select("payment_refund", columns))).await?;
    snapshot.rollback().await?;
    let mut refunds_of: HashMap<i64, Vec<AuditedRefund>> = HashMap::new();
    for row in &refunds {
        let row = RefundRow::from_query_result(row, "")?;
        refunds_of.entry(row.payment_id).or_default().push(AuditedRefund {
            refund_id: id(row.refund_id)?,
            amount: money(row.amount_minor, &row.currency)?,
            status: [RefundStatus::Processing, RefundStatus::Succeeded, RefundStatus::Failed]
                .into_iter()
                .find(|status| status.as_str() == row.status)
                .ok_or_else(|| damaged(&row.status))?,
        });
    }
    let payments = payments.iter().map(|row| {
        let row = PaymentRow::from_query_result(row, "")?;
        Ok(AuditedPayment {
            payment_id: id(row.payment_id)?,
            order_id: id(row.order_id)?,
            status: [Status::Processing, Status::Succeeded, Status::Failed, Status::Refunded]
                .into_iter()
                .find(|status| status.as_str() == row.status)
                .ok_or_else(|| damaged(&row.status))?,
            amount: money(row.amount_minor, &row.currency)?,
            captured: row.captured_at.is_some(),
            claimed_at: Timestamp::from_millis(row.claimed_at),
            refunds: refunds_of.remove(&row.payment_id).unwrap_or_default(),
            held: None,
        })
    });
    payments.collect()
}

/// Reads what the ledger has under `payments`, by their ids.
async fn held(ledger: &impl ConnectionTrait, payments: &[AuditedPayment]) -> Result<HashMap<i64, Held>, SqlError> {
    let of_payments = |mut statement: SelectStatement| {
        let keys = payments.iter().map(|payment| payment.payment_id.get());
        statement.and_where(Expr::col("payment_id").is_in(keys)).take()
    };
    let mut held: HashMap<i64, Held> = HashMap::new();
    let mut captures = select("sandbox_charge", ["payment_id", "amount_minor"]);
    captures.and_where(Expr::col("standing").eq("captured"));
    for row in ledger.query_all(&of_payments(captures)).await? {
        held.entry(row.try_get("", "payment_id")?).or_default().captured += row.try_get::<i64>("", "amount_minor")?;
    }
    let refunds = select("sandbox_refund", ["payment_id", "amount_minor"]);
    for row in ledger.query_all(&of_payments(refunds)).await? {
        held.entry(row.try_get("", "payment_id")?).or_default().refunded += row.try_get::<i64>("", "amount_minor")?;
    }
    Ok(held)
}

fn id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|error| damaged(&error))
}

fn money(minor: i64, currency: &str) -> Result<Money, SqlError> {
    Ok(Money::new(minor, currency.parse().map_err(|_| damaged(&currency))?))
}

fn damaged(what: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("a row of payment cannot be read: {what}"))
}
