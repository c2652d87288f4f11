//! Payments and the provider's books, read in ranges of order ids.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ConnectionTrait, ExprTrait, FromQueryResult,
    sea_query::{Expr, Order, Query, SelectStatement},
};
use souk_sql::{Access, Db, SqlError, nth_key};
use souk_values::{Id, Timestamp};

use super::{AuditedPayment, AuditedRefund, Held, ProviderList, audited};
use crate::{
    provider_account::ProviderName,
    store::{self, entities::payment, is_mssql, rows},
};

/// The rows and the sandbox's ledger, opened read-only and read in ranges of order ids, so that memory does not grow
/// with the number of payments. On SQL Server the rows are read at once instead.
#[derive(Debug)]
pub struct PaymentAudit {
    rows: Rows,
    ledger: Option<Db>,
    list: Option<ProviderList>,
}

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
    provider: Option<String>,
    provider_account: Option<String>,
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

    /// Adds Stripe's own list.
    #[must_use]
    pub fn with_list(self, list: ProviderList) -> Self {
        Self { list: Some(list), ..self }
    }

    /// Returns the order id of the `rows`-th payment above the order `after`; `None` when there are fewer.
    pub async fn boundary(&self, after: i64, rows: u64) -> Result<Option<i64>, SqlError> {
        match &self.rows {
            Rows::Sql(db) => nth_key(db.reader(), payment::Column::OrderId, after, rows).await,
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
            for payment in &mut payments {
                payment.held = list.held(payment);
            }
        }
        if let Some(ledger) = &self.ledger {
            let snapshot = ledger.snapshot().await?;
            for payments in payments.chunks_mut(KEYS) {
                let mut held = held(&snapshot, payments).await?;
                for payment in payments.iter_mut().filter(|payment| payment.provider() != Some(ProviderName::Stripe)) {
                    let in_ledger = held.remove(&payment.payment_id.get());
                    // One without a provider is at the sandbox only if the ledger has it.
                    let is_there = payment.account.is_some() || in_ledger.is_some() || payment.held.is_none();
                    if is_there {
                        payment.held = Some(in_ledger.unwrap_or_default());
                    }
                }
            }
            snapshot.rollback().await?;
        }
        Ok(payments)
    }

    /// Returns the ids of the captures in Stripe's list of which payment has no row.
    pub async fn unknown_in_list(&self) -> Result<Vec<i64>, SqlError> {
        match &self.list {
            Some(list) => self.unknown(&list.payment_ids()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Reads a page of the captures in the sandbox's ledger with payment ids above `after`; returns the last id of the
    /// page, `None` after the last page, and the ids of which payment has no row.
    pub async fn unknown_in_ledger(&self, after: i64) -> Result<(Option<i64>, Vec<i64>), SqlError> {
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
    let of_payment = select(
        "payment",
        [
            "payment_id",
            "order_id",
            "amount_minor",
            "currency",
            "status",
            "claimed_at",
            "captured_at",
            "provider",
            "provider_account",
        ],
    );
    let payments = snapshot.query_all(&of_orders(of_payment)).await?;
    let columns = ["refund_id", "payment_id", "amount_minor", "currency", "status"];
    let refunds = snapshot.query_all(&of_orders(select("payment_refund", columns))).await?;
    snapshot.rollback().await?;
    let mut refunds_of: HashMap<i64, Vec<AuditedRefund>> = HashMap::new();
    for row in &refunds {
        let row = RefundRow::from_query_result(row, "")?;
        refunds_of.entry(row.payment_id).or_default().push(AuditedRefund {
            refund_id: rows::id(row.refund_id)?,
            amount: rows::money(row.amount_minor, &row.currency)?,
            status: rows::refund_status(&row.status)?,
        });
    }
    let payments = payments.iter().map(|row| {
        let row = PaymentRow::from_query_result(row, "")?;
        Ok(AuditedPayment {
            payment_id: rows::id(row.payment_id)?,
            order_id: rows::id(row.order_id)?,
            status: rows::status(&row.status)?,
            amount: rows::money(row.amount_minor, &row.currency)?,
            captured: row.captured_at.is_some(),
            account: rows::account(row.provider.as_deref(), row.provider_account)?,
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
