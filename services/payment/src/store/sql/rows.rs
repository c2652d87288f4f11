//! Rows to domain values and back.

use sea_orm::Set;
use souk_events::PaymentTerms;
use souk_sql::SqlError;
use souk_values::{Id, IdError, Money, Timestamp};

use super::entities::{known_order, payment, payment_refund};
use crate::{
    account::{OrderNews, OrderState},
    payment::{AskedBy, FailureCode, Outcome, Payment, Refund, RefundStatus, RequestKey, Status},
    store::day_of,
};

const CREATED: &str = "created";
const CONFIRMED: &str = "confirmed";
const CANCELLED: &str = "cancelled";
const PREPAID: &str = "prepaid";
const ON_DELIVERY: &str = "onDelivery";

pub(super) fn known_order(order: &OrderNews, row_version: i64) -> known_order::ActiveModel {
    let state = match order.state {
        OrderState::Created => CREATED,
        OrderState::Confirmed => CONFIRMED,
        OrderState::Cancelled => CANCELLED,
    };
    let terms = match order.terms {
        PaymentTerms::Prepaid => PREPAID,
        PaymentTerms::OnDelivery => ON_DELIVERY,
    };
    known_order::ActiveModel {
        order_id: Set(order.order_id.get()),
        user_id: Set(order.user_id.get()),
        amount_minor: Set(order.amount.minor),
        currency: Set(order.amount.currency.to_string()),
        terms: Set(terms.to_owned()),
        state: Set(state.to_owned()),
        pay_by: Set(order.pay_by.map(Timestamp::millis)),
        version: Set(order.version),
        row_version: Set(row_version),
    }
}

pub(super) fn order_news(row: &known_order::Model) -> Result<OrderNews, SqlError> {
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
    Ok(OrderNews {
        order_id: id(row.order_id)?,
        user_id: id(row.user_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        terms,
        state,
        pay_by: row.pay_by.map(Timestamp::from_millis),
        version: row.version,
    })
}

pub(super) fn payment(payment: &Payment) -> payment::ActiveModel {
    payment::ActiveModel {
        payment_id: Set(payment.payment_id.get()),
        order_id: Set(payment.order_id.get()),
        active_order_id: Set(payment.holds_claim().then(|| payment.order_id.get())),
        user_id: Set(payment.user_id.get()),
        amount_minor: Set(payment.amount.minor),
        currency: Set(payment.amount.currency.to_string()),
        status: Set(payment.status().as_str().to_owned()),
        failure_code: Set(payment.failure().map(|code| code.as_str().to_owned())),
        claimed_at: Set(payment.claimed_at.millis()),
        claimed_day: Set(day_of(payment.claimed_at)),
        captured_at: Set(payment.captured_at().map(Timestamp::millis)),
        version: Set(payment.version),
        key_hash: Set(payment.key.key_hash.clone()),
        body_hash: Set(payment.key.body_hash.clone()),
    }
}

/// A payment without its refunds.
pub(super) fn bare_payment(row: payment::Model) -> Result<Payment, SqlError> {
    let failure = row.failure_code.as_deref().map(failure_code).transpose()?;
    let outcome = match (failure, row.captured_at.map(Timestamp::from_millis)) {
        (None, None) => Outcome::Pending,
        (None, Some(at)) => Outcome::Captured { at },
        (Some(code), None) => Outcome::Refused { code },
        (Some(code), Some(at)) => Outcome::CapturedLate { code, at },
    };
    Ok(Payment {
        payment_id: id(row.payment_id)?,
        order_id: id(row.order_id)?,
        user_id: id(row.user_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        outcome,
        claimed_at: Timestamp::from_millis(row.claimed_at),
        version: row.version,
        key: RequestKey { key_hash: row.key_hash, body_hash: row.body_hash },
        refunds: Vec::new(),
    })
}

pub(super) fn refund(payment: &Payment, refund: &Refund) -> payment_refund::ActiveModel {
    let asked = refund.asked.as_ref();
    payment_refund::ActiveModel {
        refund_id: Set(refund.refund_id.get()),
        payment_id: Set(payment.payment_id.get()),
        order_id: Set(payment.order_id.get()),
        amount_minor: Set(refund.amount.minor),
        currency: Set(refund.amount.currency.to_string()),
        status: Set(refund.status.as_str().to_owned()),
        due_at: Set(refund.due_at.millis()),
        settled_at: Set(refund.settled_at.map(Timestamp::millis)),
        settled_day: Set(refund.settled_at.map(day_of)),
        asked_by: Set(asked.map(|asked| asked.admin.get())),
        key_hash: Set(asked.map(|asked| asked.key.key_hash.clone())),
        body_hash: Set(asked.map(|asked| asked.key.body_hash.clone())),
    }
}

pub(super) fn domain_refund(row: payment_refund::Model) -> Result<Refund, SqlError> {
    let status = match row.status.as_str() {
        "processing" => RefundStatus::Processing,
        "succeeded" => RefundStatus::Succeeded,
        "failed" => RefundStatus::Failed,
        other => return Err(damaged("the status of a refund", other)),
    };
    let asked = match (row.asked_by, row.key_hash, row.body_hash) {
        (Some(admin), Some(key_hash), Some(body_hash)) => {
            Some(AskedBy { admin: id(admin)?, key: RequestKey { key_hash, body_hash } })
        }
        _ => None,
    };
    Ok(Refund {
        refund_id: id(row.refund_id)?,
        amount: money(row.amount_minor, &row.currency)?,
        status,
        due_at: Timestamp::from_millis(row.due_at),
        settled_at: row.settled_at.map(Timestamp::from_millis),
        asked,
    })
}

pub(super) fn status(text: &str) -> Result<Status, SqlError> {
    [Status::Processing, Status::Succeeded, Status::Failed, Status::Refunded]
        .into_iter()
        .find(|status| status.as_str() == text)
        .ok_or_else(|| damaged("the status of a payment", text))
}

pub(super) fn failure_code(text: &str) -> Result<FailureCode, SqlError> {
    FailureCode::parse(text).ok_or_else(|| damaged("a failure code", text))
}

pub(super) fn id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|error: IdError| SqlError::Failed(format!("{number} is stored as an id: {error}")))
}

pub(super) fn money(minor: i64, currency: &str) -> Result<Money, SqlError> {
    let currency = currency.parse().map_err(|_| damaged("a currency", currency))?;
    Ok(Money::new(minor, currency))
}

fn damaged(what: &str, text: &str) -> SqlError {
    SqlError::Failed(format!("{what} is stored as '{text}'"))
}
