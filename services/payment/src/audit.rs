//! What the operator's audit reads of payment: rows and the sandbox's ledger, for reading only.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use souk_events::Envelope;
use souk_sql::SqlError;
use souk_values::{Id, Money, OrderId, PaymentId, RefundId};

use crate::{
    payment::{Payment, RefundStatus, Status},
    provider::sandbox::{self, Entry, EntryKind},
    store::{self, StoreError},
};

/// Everything the invariants of payment rest on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Every payment, in the order of ids.
    pub payments: Vec<PaymentFact>,
    /// Every movement at the sandbox; empty without a ledger.
    pub ledger: Vec<LedgerEntry>,
    /// Events not yet published.
    pub outbox_pending: u64,
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentFact {
    /// Which.
    pub payment_id: PaymentId,
    /// Of which order.
    pub order_id: OrderId,
    /// Where it is.
    pub status: Status,
    /// What was asked.
    pub amount: Money,
    /// Whether the provider captured it.
    pub captured: bool,
    /// What goes back.
    pub refunds: Vec<RefundFact>,
}

/// One refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefundFact {
    /// Which.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// Where it is.
    pub status: RefundStatus,
}

/// One movement of money at the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerEntry {
    /// Which way.
    pub kind: EntryKind,
    /// The `paymentId` of a capture, the `refundId` of a refund.
    pub key: i64,
    /// Which payment.
    pub payment_id: i64,
    /// Its order; `None` when payment has no such payment.
    pub order_id: Option<OrderId>,
    /// How much.
    pub amount: Money,
}

/// Reads the store at `store_url` and the sandbox's ledger, each at one instant, beside a running shop or not.
///
/// The ledger is read before and after the rows. What it holds before must have its row, which is
/// claimed earlier; what it holds only after is shown if the rows know of it. So nothing that merely
/// happened in between looks like a disagreement.
/// Errors: one of them cannot be opened or read.
pub async fn read(store_url: &str, sandbox_ledger_url: Option<&str>) -> Result<Facts, SqlError> {
    let before = movements(sandbox_ledger_url).await?;
    let store = store::open_to_read(store_url).await?;
    let (payments, outbox_pending) = store.everything().await.map_err(sql_error)?;
    let after = movements(sandbox_ledger_url).await?;
    let known: HashMap<i64, &Payment> = payments.iter().map(|payment| (payment.payment_id.get(), payment)).collect();
    let is_recorded = |entry: &Entry| known.get(&entry.payment_id).is_some_and(|payment| records(payment, entry));
    let seen: HashSet<(EntryKind, i64)> = before.iter().map(|entry| (entry.kind, entry.key)).collect();
    let since = after.into_iter().filter(|entry| !seen.contains(&(entry.kind, entry.key)) && is_recorded(entry));
    let ledger = before.iter().cloned().chain(since).map(|entry| LedgerEntry {
        kind: entry.kind,
        key: entry.key,
        payment_id: entry.payment_id,
        order_id: known.get(&entry.payment_id).map(|payment| payment.order_id),
        amount: entry.amount,
    });
    Ok(Facts { ledger: ledger.collect(), payments: payments.iter().map(fact).collect(), outbox_pending })
}

/// The events at `store_url` that are not published yet, oldest first.
pub async fn unpublished(store_url: &str) -> Result<Vec<Envelope>, SqlError> {
    store::open_to_read(store_url).await?.unpublished().await.map_err(sql_error)
}

fn sql_error(error: StoreError) -> SqlError {
    match error {
        StoreError::Sql(error) => error,
        StoreError::Conflict => SqlError::Busy(error.to_string()),
    }
}

async fn movements(ledger_url: Option<&str>) -> Result<Vec<Entry>, SqlError> {
    match ledger_url {
        // Boxed: whoever awaits this would nest too many futures for the compiler otherwise.
        Some(url) => Box::pin(sandbox::read(url)).await,
        None => Ok(Vec::new()),
    }
}

/// Whether the rows have recorded this movement.
fn records(payment: &Payment, entry: &Entry) -> bool {
    match entry.kind {
        EntryKind::Capture => payment.captured_at().is_some(),
        EntryKind::Refund => payment
            .refunds
            .iter()
            .any(|refund| refund.refund_id.get() == entry.key && refund.status == RefundStatus::Succeeded),
    }
}

fn fact(payment: &Payment) -> PaymentFact {
    let refunds = payment.refunds.iter().map(|refund| RefundFact {
        refund_id: refund.refund_id,
        amount: refund.amount,
        status: refund.status,
    });
    PaymentFact {
        payment_id: payment.payment_id,
        order_id: payment.order_id,
        status: payment.status(),
        amount: payment.amount,
        captured: payment.captured_at().is_some(),
        refunds: refunds.collect(),
    }
}
