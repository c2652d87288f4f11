//! The rows and the provider's books as the operator's audit reads them, without changing either.

mod provider_list;
mod ranges;

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use souk_bus::{BusError, Outbox, SqlOutbox};
use souk_events::Envelope;
use souk_sql::{Access, Db, SqlError};
use souk_values::{Id, Money, OrderId, PaymentId, RefundId, Timestamp};

use crate::{
    payment::{Payment, RefundStatus, Status},
    provider::sandbox::{self, Entry, EntryKind},
    provider_account::{ProviderAccount, ProviderName},
    store,
};

pub use provider_list::ProviderList;
pub use ranges::PaymentAudit;

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
    /// Account that took it; `None` for a payment that was open before accounts were stored.
    #[serde(skip)]
    pub account: Option<ProviderAccount>,
    #[serde(skip)]
    pub claimed_at: Timestamp,
    pub refunds: Vec<AuditedRefund>,
    /// The provider's books; `None` when they were not read.
    #[serde(skip)]
    pub held: Option<Held>,
}

impl AuditedPayment {
    /// Returns the provider that took it; `None` for a payment that was open before accounts were stored.
    #[must_use]
    pub fn provider(&self) -> Option<ProviderName> {
        self.account.as_ref().map(|account| account.provider)
    }
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

/// Reads the oldest unpublished events in the store at `store_url`, at most `limit`; on SQL Server all of them.
pub async fn unpublished(store_url: &str, limit: u64) -> Result<Vec<Envelope>, BusError> {
    if store::is_mssql(store_url) {
        let read = async { store::open_to_read(store_url).await?.unpublished().await.map_err(SqlError::from) };
        return Ok(read.await?);
    }
    SqlOutbox::new(Db::open(store_url, Access::ReadOnly).await?).unpublished(limit).await
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
        account: payment.account.clone(),
        claimed_at: payment.claimed_at,
        refunds: refunds.collect(),
        held: None,
    }
}

/// Minor units that the provider's books have under a payment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Held {
    pub captured: i64,
    pub refunded: i64,
    /// True when the books were read before the rows, so that a row may be newer.
    pub is_older: bool,
}
