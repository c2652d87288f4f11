//! Conversions between rows and domain values.

use std::collections::HashMap;

use souk_events::PaymentTerms;
use souk_sql::SqlError;
use souk_values::{Id, IdError, Money, Timestamp, UtcDay};

use super::{
    StoreError,
    entities::{known_order, payment, payment_refund},
};
use crate::{
    order_payments::{KnownOrder, OrderState},
    payment::{FailureCode, Outcome, Payment, Refund, RefundRequest, RefundStatus, RequestKey, Status},
    provider_account::{ProviderAccount, ProviderName},
};

const CREATED: &str = "created";
const CONFIRMED: &str = "confirmed";
const CANCELLED: &str = "cancelled";
const PREPAID: &str = "prepaid";
const ON_DELIVERY: &str = "onDelivery";

pub(super) fn known_order(order: &KnownOrder, row_version: i64) -> known_order::Model {
    let state = match order.state {
        OrderState::Created => CREATED,
        OrderState::Confirmed => CONFIRMED,
        OrderState::Cancelled => CANCELLED,
    };
    let terms = match order.terms {
        PaymentTerms::Prepaid => PREPAID,
        PaymentTerms::OnDelivery => ON_DELIVERY,
    };
    known_order::Model {
        order_id: order.order_id.get(),
        user_id: order.user_id.get(),
        amount_minor: order.amount.minor,
        currency: order.amount.currency.to_string(),
        terms: terms.to_owned(),
        state: state.to_owned(),
        pay_by: order.pay_by.map(Timestamp::millis),
        version: order.version,
        row_version,
    }
}

pub(super) fn order(row: &known_order::Model) -> Result<KnownOrder, SqlError> {
    let state = match row.state.as_str() {
        CREATED => OrderState::Created,
        CONFIRMED => OrderState::Confirmed,
        CANCELLED => OrderState::Cancelled,
        other => return Err(damaged("the state of an order", other)),
    };
    let terms = match row.terms.as_str() {
        PREPAID => PaymentTerms::Prepaid,
        ON_DELIVERY => PaymentTerms::OnDelivery,
        other => return Err(damaged("the terms of an order", other)),
    };
    Ok(KnownOrder {
        order_id: id(row.order_id)?,
        user_id: id(row.user_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        terms,
        state,
        pay_by: row.pay_by.map(Timestamp::from_millis),
        version: row.version,
    })
}

pub(super) fn payment(payment: &Payment) -> payment::Model {
    payment::Model {
        payment_id: payment.payment_id.get(),
        order_id: payment.order_id.get(),
        active_order_id: payment.holds_claim().then(|| payment.order_id.get()),
        user_id: payment.user_id.get(),
        amount_minor: payment.amount.minor,
        currency: payment.amount.currency.to_string(),
        status: payment.status().as_str().to_owned(),
        failure_code: payment.failure_code().map(|code| code.as_str().to_owned()),
        claimed_at: payment.claimed_at.millis(),
        claimed_day: UtcDay::of(payment.claimed_at).number(),
        captured_at: payment.captured_at().map(Timestamp::millis),
        version: payment.version,
        key_hash: payment.key.key_hash.clone(),
        body_hash: payment.key.body_hash.clone(),
        provider: payment.account.as_ref().map(|account| account.provider.as_str().to_owned()),
        provider_account: payment.account.as_ref().and_then(|account| account.account.clone()),
    }
}

/// Joins payments with their refunds; both keep the order of their rows.
pub(super) fn payments(
    payments: Vec<payment::Model>,
    refunds: Vec<payment_refund::Model>,
) -> Result<Vec<Payment>, StoreError> {
    let mut of_payment: HashMap<i64, Vec<_>> = HashMap::new();
    for row in refunds {
        of_payment.entry(row.payment_id).or_default().push(refund_from_row(row)?);
    }
    let payments = payments.into_iter().map(|row| {
        let refunds = of_payment.remove(&row.payment_id).unwrap_or_default();
        Ok(Payment { refunds, ..payment_without_refunds(row)? })
    });
    payments.collect()
}

fn payment_without_refunds(row: payment::Model) -> Result<Payment, SqlError> {
    let failure = row.failure_code.as_deref().map(failure_code).transpose()?;
    let outcome = match (failure, row.captured_at.map(Timestamp::from_millis)) {
        (None, None) => Outcome::Pending,
        (None, Some(at)) => Outcome::Captured { at },
        (Some(code), None) => Outcome::Failed { code },
        (Some(code), Some(at)) => Outcome::CapturedAfterFailure { code, at },
    };
    Ok(Payment {
        payment_id: id(row.payment_id)?,
        order_id: id(row.order_id)?,
        user_id: id(row.user_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        account: account(row.provider.as_deref(), row.provider_account)?,
        outcome,
        claimed_at: Timestamp::from_millis(row.claimed_at),
        version: row.version,
        key: RequestKey { key_hash: row.key_hash, body_hash: row.body_hash },
        refunds: Vec::new(),
    })
}

pub(super) fn refund(payment: &Payment, refund: &Refund) -> payment_refund::Model {
    let request = refund.request.as_ref();
    payment_refund::Model {
        refund_id: refund.refund_id.get(),
        payment_id: payment.payment_id.get(),
        order_id: payment.order_id.get(),
        amount_minor: refund.amount.minor,
        currency: refund.amount.currency.to_string(),
        status: refund.status.as_str().to_owned(),
        due_at: refund.due_at.millis(),
        settled_at: refund.settled_at.map(Timestamp::millis),
        settled_day: refund.settled_at.map(|at| UtcDay::of(at).number()),
        asked_by: request.map(|request| request.admin.get()),
        key_hash: request.map(|request| request.key.key_hash.clone()),
        body_hash: request.map(|request| request.key.body_hash.clone()),
        attempt: refund.attempt,
        answered_at: refund.answered_at.map(Timestamp::millis),
    }
}

fn refund_from_row(row: payment_refund::Model) -> Result<Refund, SqlError> {
    let request = match (row.asked_by, row.key_hash, row.body_hash) {
        (Some(admin), Some(key_hash), Some(body_hash)) => {
            Some(RefundRequest { admin: id(admin)?, key: RequestKey { key_hash, body_hash } })
        }
        _ => None,
    };
    Ok(Refund {
        refund_id: id(row.refund_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        status: refund_status(&row.status)?,
        due_at: Timestamp::from_millis(row.due_at),
        settled_at: row.settled_at.map(Timestamp::from_millis),
        attempt: row.attempt,
        answered_at: row.answered_at.map(Timestamp::from_millis),
        request,
    })
}

pub(crate) fn status(text: &str) -> Result<Status, SqlError> {
    [Status::Processing, Status::Succeeded, Status::Failed, Status::Refunded]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| damaged("the status of a payment", text))
}

pub(crate) fn refund_status(text: &str) -> Result<RefundStatus, SqlError> {
    [RefundStatus::Processing, RefundStatus::Succeeded, RefundStatus::Failed]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| damaged("the status of a refund", text))
}

/// Returns the account of a payment; `None` for a payment that was open before accounts were stored.
pub(crate) fn account(provider: Option<&str>, account: Option<String>) -> Result<Option<ProviderAccount>, SqlError> {
    let Some(provider) = provider else { return Ok(None) };
    let provider = ProviderName::parse(provider).ok_or_else(|| damaged("a provider", provider))?;
    Ok(Some(ProviderAccount { provider, account }))
}

pub(super) fn failure_code(text: &str) -> Result<FailureCode, SqlError> {
    FailureCode::parse(text).ok_or_else(|| damaged("a failure code", text))
}

pub(crate) fn id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|error: IdError| SqlError::Failed(format!("the store has {number} as an id: {error}")))
}

pub(crate) fn money(minor: i64, currency: &str) -> Result<Money, SqlError> {
    let currency = currency.parse().map_err(|_| damaged("a currency", currency))?;
    Ok(Money::new(minor, currency))
}

fn damaged(what: &str, text: &str) -> SqlError {
    SqlError::Failed(format!("the store has '{text}' as {what}"))
}
