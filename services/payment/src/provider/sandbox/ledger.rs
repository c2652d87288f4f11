//! The sandbox's ledger: on disk before the sandbox answers, so that no crash makes it forget.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};
use serde::Serialize;
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{Currency, Money, PaymentId, RefundId, Timestamp};

use super::tables::{LedgerMigrations, sandbox_charge, sandbox_refund};
use crate::{
    payment::FailureCode,
    provider::{Charge, Return},
};

const CAPTURED: &str = "captured";
const CLOSED: &str = "closed";

/// What came of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Captured,
    Declined(FailureCode),
    Closed,
}

impl Standing {
    fn as_str(self) -> &'static str {
        match self {
            Self::Captured => CAPTURED,
            Self::Declined(code) => code.as_str(),
            Self::Closed => CLOSED,
        }
    }
}

/// What moved money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// To the shop.
    Capture,
    /// Back.
    Refund,
}

/// One movement of money in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which way.
    pub kind: EntryKind,
    /// The `paymentId` of a capture, the `refundId` of a refund.
    pub key: i64,
    /// Which payment.
    pub payment_id: i64,
    /// How much.
    pub amount: Money,
}

/// The open ledger.
#[derive(Debug, Clone)]
pub(super) struct Ledger(Db);

impl Ledger {
    pub async fn open(url: &str) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<LedgerMigrations>().await?;
        Ok(Self(db))
    }

    /// Enters `standing` under `payment_id` unless something stands there; answers what stands.
    pub async fn settle(
        &self,
        payment_id: PaymentId,
        amount: Money,
        standing: Standing,
        at: Timestamp,
    ) -> Result<Charge, SqlError> {
        let row = sandbox_charge::Model {
            payment_id: souk_values::Id::get(payment_id),
            standing: standing.as_str().to_owned(),
            amount_minor: amount.minor,
            currency: amount.currency.to_string(),
            settled_at: at.millis(),
        };
        let entered = self.0.write(row, |tx, row| Box::pin(enter_charge(tx, row.clone()))).await;
        match entered {
            // Another connection entered the key meanwhile: what it entered stands.
            Err(SqlError::Unique(_)) => self.charge(payment_id).await,
            answer => answer,
        }
    }

    /// Closes a key that nothing stands under; answers what stands.
    pub async fn close(&self, payment_id: PaymentId, at: Timestamp) -> Result<Charge, SqlError> {
        self.settle(payment_id, Money::zero(Currency::EUR), Standing::Closed, at).await
    }

    pub async fn charge(&self, payment_id: PaymentId) -> Result<Charge, SqlError> {
        let row = sandbox_charge::Entity::find_by_id(souk_values::Id::get(payment_id)).one(self.0.reader()).await?;
        Ok(row.map_or(Charge::Unknown, |row| stands(&row)))
    }

    /// Returns `amount` of what `payment_id` captured, if that much is left; answers what stands
    /// under `refund_id`.
    pub async fn refund(
        &self,
        refund_id: RefundId,
        payment_id: PaymentId,
        amount: Money,
        at: Timestamp,
    ) -> Result<Return, SqlError> {
        let row = sandbox_refund::Model {
            refund_id: souk_values::Id::get(refund_id),
            payment_id: souk_values::Id::get(payment_id),
            amount_minor: amount.minor,
            currency: amount.currency.to_string(),
            returned_at: at.millis(),
        };
        let entered = self.0.write(row, |tx, row| Box::pin(enter_refund(tx, row.clone()))).await;
        match entered {
            Err(SqlError::Unique(_)) => self.returned(refund_id).await,
            answer => answer,
        }
    }

    pub async fn returned(&self, refund_id: RefundId) -> Result<Return, SqlError> {
        let row = sandbox_refund::Entity::find_by_id(souk_values::Id::get(refund_id)).one(self.0.reader()).await?;
        Ok(row.map_or(Return::Unknown, |row| Return::Done { at: Timestamp::from_millis(row.returned_at) }))
    }
}

fn stands(row: &sandbox_charge::Model) -> Charge {
    match (row.standing.as_str(), FailureCode::parse(&row.standing)) {
        (CAPTURED, _) => Charge::Captured { at: Timestamp::from_millis(row.settled_at) },
        (_, Some(code)) => Charge::Declined(code),
        _ => Charge::Closed,
    }
}

async fn enter_charge(tx: &Tx, row: sandbox_charge::Model) -> Result<Charge, SqlError> {
    if let Some(known) = sandbox_charge::Entity::find_by_id(row.payment_id).one(tx).await? {
        return Ok(stands(&known));
    }
    let charge = stands(&row);
    sandbox_charge::Entity::insert(sandbox_charge::ActiveModel {
        payment_id: Set(row.payment_id),
        standing: Set(row.standing),
        amount_minor: Set(row.amount_minor),
        currency: Set(row.currency),
        settled_at: Set(row.settled_at),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(charge)
}

async fn enter_refund(tx: &Tx, row: sandbox_refund::Model) -> Result<Return, SqlError> {
    if let Some(known) = sandbox_refund::Entity::find_by_id(row.refund_id).one(tx).await? {
        return Ok(Return::Done { at: Timestamp::from_millis(known.returned_at) });
    }
    let Some(charge) = sandbox_charge::Entity::find_by_id(row.payment_id).one(tx).await? else {
        return Ok(Return::Refused);
    };
    let earlier = refunds_of(tx, row.payment_id).await?.iter().map(|refund| refund.amount_minor).sum::<i64>();
    let left = charge.amount_minor.saturating_sub(earlier);
    if charge.standing != CAPTURED || charge.currency != row.currency || row.amount_minor > left {
        return Ok(Return::Refused);
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
    Ok(Return::Done { at })
}

async fn refunds_of(tx: &Tx, payment_id: i64) -> Result<Vec<sandbox_refund::Model>, SqlError> {
    let of_payment = sandbox_refund::Column::PaymentId.eq(payment_id);
    Ok(sandbox_refund::Entity::find().filter(of_payment).all(tx).await?)
}

/// Every movement in the ledger at `url`, at one instant; opens it for reading only.
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
        let (kind, id) = (EntryKind::Capture, row.payment_id);
        entries.push(Entry { kind, key: id, payment_id: id, amount: money(row.amount_minor, &row.currency)? });
    }
    for row in sandbox_refund::Entity::find().all(snapshot).await? {
        let amount = money(row.amount_minor, &row.currency)?;
        entries.push(Entry { kind: EntryKind::Refund, key: row.refund_id, payment_id: row.payment_id, amount });
    }
    Ok(entries)
}

fn money(minor: i64, currency: &str) -> Result<Money, SqlError> {
    let currency = currency.parse().map_err(|_| SqlError::Failed(format!("'{currency}' is no currency")))?;
    Ok(Money::new(minor, currency))
}
