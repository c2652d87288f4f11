//! The sandbox's ledger: each entry is on disk before the sandbox responds, as at a real provider.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{Currency, Money, PaymentId, RefundId, Timestamp};

use super::tables::{LedgerMigrations, sandbox_charge, sandbox_refund};
use crate::{
    payment::FailureCode,
    provider::{ChargeOutcome, RefundCall, RefundOutcome},
};

const CAPTURED: &str = "captured";
const CLOSED: &str = "closed";

/// Final state of a charge in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChargeState {
    Captured,
    Declined(FailureCode),
    Closed,
}

impl ChargeState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Captured => CAPTURED,
            Self::Declined(code) => code.as_str(),
            Self::Closed => CLOSED,
        }
    }
}

/// Direction of a movement of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// To the shop, under a `paymentId`.
    Capture,
    /// Back to the customer, under a `refundId`.
    Refund,
}

/// A movement of money in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: EntryKind,
    /// The `paymentId` of a capture, the `refundId` of a refund.
    pub key: i64,
    /// The captured or refunded payment.
    pub payment_id: i64,
    pub amount: Money,
}

#[derive(Debug, Clone)]
pub(super) struct Ledger(Db);

impl Ledger {
    pub async fn open(url: &str) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<LedgerMigrations>().await?;
        Ok(Self(db))
    }

    /// Enters `state` under `payment_id` unless the key has an entry. Returns the outcome that the entry stands for.
    pub async fn settle(
        &self,
        payment_id: PaymentId,
        amount: Money,
        state: ChargeState,
        at: Timestamp,
    ) -> Result<ChargeOutcome, SqlError> {
        let row = sandbox_charge::Model {
            payment_id: souk_values::Id::get(payment_id),
            standing: state.as_str().to_owned(),
            amount_minor: amount.minor,
            currency: amount.currency.to_string(),
            settled_at: at.millis(),
        };
        let entered = self.0.write(row, |tx, row| Box::pin(enter_charge(tx, row.clone()))).await;
        match entered {
            // Another connection entered the key in between; its entry counts.
            Err(SqlError::Unique(_)) => self.charge(payment_id).await,
            outcome => outcome,
        }
    }

    /// Closes a key without an entry. Returns the outcome that the entry of the key stands for.
    pub async fn close(&self, payment_id: PaymentId, at: Timestamp) -> Result<ChargeOutcome, SqlError> {
        self.settle(payment_id, Money::zero(Currency::EUR), ChargeState::Closed, at).await
    }

    pub async fn charge(&self, payment_id: PaymentId) -> Result<ChargeOutcome, SqlError> {
        let row = sandbox_charge::Entity::find_by_id(souk_values::Id::get(payment_id)).one(self.0.reader()).await?;
        Ok(row.map_or(ChargeOutcome::Unknown, |row| outcome(&row)))
    }

    /// Refunds a part of what a payment captured, if that much is left. Returns the outcome under the refund's id.
    pub async fn refund(&self, refund: RefundCall, at: Timestamp) -> Result<RefundOutcome, SqlError> {
        let RefundCall { refund_id, payment_id, amount, .. } = refund;
        let row = sandbox_refund::Model {
            refund_id: souk_values::Id::get(refund_id),
            payment_id: souk_values::Id::get(payment_id),
            amount_minor: amount.minor,
            currency: amount.currency.to_string(),
            returned_at: at.millis(),
        };
        let entered = self.0.write(row, |tx, row| Box::pin(enter_refund(tx, row.clone()))).await;
        match entered {
            Err(SqlError::Unique(_)) => self.lookup_refund(refund_id).await,
            outcome => outcome,
        }
    }

    pub async fn lookup_refund(&self, refund_id: RefundId) -> Result<RefundOutcome, SqlError> {
        let row = sandbox_refund::Entity::find_by_id(souk_values::Id::get(refund_id)).one(self.0.reader()).await?;
        Ok(row
            .map_or(RefundOutcome::Unknown, |row| RefundOutcome::Done { at: Timestamp::from_millis(row.returned_at) }))
    }
}

fn outcome(row: &sandbox_charge::Model) -> ChargeOutcome {
    match (row.standing.as_str(), FailureCode::parse(&row.standing)) {
        (CAPTURED, _) => ChargeOutcome::Captured { at: Timestamp::from_millis(row.settled_at) },
        (_, Some(code)) => ChargeOutcome::Declined(code),
        _ => ChargeOutcome::Closed,
    }
}

async fn enter_charge(tx: &Tx, row: sandbox_charge::Model) -> Result<ChargeOutcome, SqlError> {
    if let Some(known) = sandbox_charge::Entity::find_by_id(row.payment_id).one(tx).await? {
        return Ok(outcome(&known));
    }
    let entered = outcome(&row);
    sandbox_charge::Entity::insert(sandbox_charge::ActiveModel {
        payment_id: Set(row.payment_id),
        standing: Set(row.standing),
        amount_minor: Set(row.amount_minor),
        currency: Set(row.currency),
        settled_at: Set(row.settled_at),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(entered)
}

async fn enter_refund(tx: &Tx, row: sandbox_refund::Model) -> Result<RefundOutcome, SqlError> {
    if let Some(known) = sandbox_refund::Entity::find_by_id(row.refund_id).one(tx).await? {
        return Ok(RefundOutcome::Done { at: Timestamp::from_millis(known.returned_at) });
    }
    let Some(charge) = sandbox_charge::Entity::find_by_id(row.payment_id).one(tx).await? else {
        return Ok(RefundOutcome::Refused);
    };
    let earlier = refunds_of(tx, row.payment_id).await?.iter().map(|refund| refund.amount_minor).sum::<i64>();
    let left = charge.amount_minor.saturating_sub(earlier);
    if charge.standing != CAPTURED || charge.currency != row.currency || row.amount_minor > left {
        return Ok(RefundOutcome::Refused);
    }
    let at = Timestamp::from_millis(row.returned_at);
    sandbox_refund::Entity::insert(sandbox_refund::ActiveModel {
        refund_id: Set(row.refund_id),
        payment_id: Set(row.payment_id),
        amount_minor: Set(row.amount_minor),
        currency: Set(row.currency),
        returned_at: Set(row.returned_at),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(RefundOutcome::Done { at })
}

async fn refunds_of(tx: &Tx, payment_id: i64) -> Result<Vec<sandbox_refund::Model>, SqlError> {
    let of_payment = sandbox_refund::Column::PaymentId.eq(payment_id);
    Ok(sandbox_refund::Entity::find().filter(of_payment).all(tx).await?)
}

/// Reads every movement in the ledger at `url` in one snapshot; opens it for reading only.
pub async fn read(url: &str) -> Result<Vec<Entry>, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    let snapshot = db.snapshot().await?;
    let entries = entries(&snapshot).await;
    snapshot.rollback().await?;
    entries
}

async fn entries(snapshot: &impl ConnectionTrait) -> Result<Vec<Entry>, SqlError> {
    let captured = sandbox_charge::Column::Standing.eq(CAPTURED);
    let mut entries = Vec::new();
    for row in sandbox_charge::Entity::find().filter(captured).all(snapshot).await? {
        let amount = money(row.amount_minor, &row.currency)?;
        let payment_id = row.payment_id;
        entries.push(Entry { kind: EntryKind::Capture, key: payment_id, payment_id, amount });
    }
    for row in sandbox_refund::Entity::find().all(snapshot).await? {
        let amount = money(row.amount_minor, &row.currency)?;
        entries.push(Entry { kind: EntryKind::Refund, key: row.refund_id, payment_id: row.payment_id, amount });
    }
    Ok(entries)
}

fn money(minor: i64, currency: &str) -> Result<Money, SqlError> {
    let currency =
        currency.parse().map_err(|_| SqlError::Failed(format!("the ledger has '{currency}' as a currency")))?;
    Ok(Money::new(minor, currency))
}
