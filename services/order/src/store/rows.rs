//! Conversion between orders and their rows.

use std::collections::BTreeSet;

use sea_orm::{NotSet, Set};
use souk_events::{CancelReason, PaymentTerms};
use souk_sql::{Json, SqlError};
use souk_values::{Id, Money, Timestamp, UtcDay};

use super::{
    StoredKey,
    entities::{order_step, ordered_cart_line, shop_order},
};
use crate::order::{Deadlines, Order, Step, StepCause, StepDetail, StepKind};

/// Error for a row that this version cannot have written.
pub(crate) fn damaged(what: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("a stored row cannot be read: {what}"))
}

pub(super) fn order_row(order: &Order, key: &StoredKey, deadlines: Deadlines) -> shop_order::ActiveModel {
    shop_order::ActiveModel {
        order_id: Set(order.order_id.get()),
        user_id: Set(order.user_id.get()),
        order_date: Set(order.order_date.millis()),
        total_minor: Set(order.total_amount.minor),
        currency: Set(order.total_amount.currency.code().to_owned()),
        order_lines: Set(Json(order.lines.clone())),
        shipping_address: Set(Json(order.shipping_address.clone())),
        payment_terms: Set(terms_text(order.payment_terms).to_owned()),
        idempotency_key: Set(key.digest.clone()),
        body_hash: Set(key.body_hash.clone()),
        ..changed_columns(order, deadlines)
    }
}

/// Returns the rows that reserve the order's cart lines, in the order of their ids: transactions that insert the same
/// lines in one order wait for one another instead of deadlocking.
pub(super) fn cart_line_rows(order: &Order) -> Vec<ordered_cart_line::ActiveModel> {
    let items: BTreeSet<&String> = order.lines.iter().filter_map(|line| line.cart_item_id.as_ref()).collect();
    let row = |item: &String| ordered_cart_line::ActiveModel {
        order_id: Set(order.order_id.get()),
        user_id: Set(order.user_id.get()),
        cart_item_id: Set(item.clone()),
    };
    items.into_iter().map(row).collect()
}

/// Sets the columns that a change may alter, and leaves the others.
pub(super) fn changed_columns(order: &Order, deadlines: Deadlines) -> shop_order::ActiveModel {
    let millis = |time: Option<Timestamp>| Set(time.map(Timestamp::millis));
    shop_order::ActiveModel {
        status: Set(order.status().as_str().to_owned()),
        pay_by: millis(order.pay_by),
        payment_id: Set(order.payment_id.map(Id::get)),
        cancel_reason: Set(order.cancel_reason.map(|reason| reason_text(reason).to_owned())),
        refused_lines: Set((!order.refused_lines.is_empty()).then(|| Json(order.refused_lines.clone()))),
        confirmed_at: millis(order.confirmed_at),
        paid_at: millis(order.paid_at),
        shipped_at: millis(order.shipped_at),
        delivered_at: millis(order.delivered_at),
        cancelled_at: millis(order.cancelled_at),
        refunded_at: millis(order.refunded_at),
        lapse_at: millis(order.due_at(deadlines)),
        lapse_attempts: Set(0),
        version: Set(order.version),
        order_id: NotSet,
        user_id: NotSet,
        order_date: NotSet,
        total_minor: NotSet,
        currency: NotSet,
        order_lines: NotSet,
        shipping_address: NotSet,
        payment_terms: NotSet,
        idempotency_key: NotSet,
        body_hash: NotSet,
    }
}

pub(super) fn order(row: shop_order::Model) -> Result<Order, SqlError> {
    let time = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let currency = row.currency.parse().map_err(|error| damaged(&error))?;
    Ok(Order {
        order_id: id(row.order_id)?,
        user_id: id(row.user_id)?,
        order_date: Timestamp::from_millis(row.order_date),
        total_amount: Money::new(row.total_minor, currency),
        lines: row.order_lines.0,
        shipping_address: row.shipping_address.0,
        payment_terms: terms(&row.payment_terms)?,
        pay_by: time(row.pay_by),
        payment_id: row.payment_id.map(id).transpose()?,
        cancel_reason: row.cancel_reason.as_deref().map(reason).transpose()?,
        refused_lines: row.refused_lines.map(|refused| refused.0).unwrap_or_default(),
        confirmed_at: time(row.confirmed_at),
        paid_at: time(row.paid_at),
        shipped_at: time(row.shipped_at),
        delivered_at: time(row.delivered_at),
        cancelled_at: time(row.cancelled_at),
        refunded_at: time(row.refunded_at),
        version: row.version,
    })
}

/// Row of the step that brought `order` to its version.
pub(super) fn step_row(
    order: &Order,
    kind: StepKind,
    at: Timestamp,
    cause: StepCause,
    detail: Option<StepDetail>,
) -> order_step::ActiveModel {
    let is_income = kind == StepKind::Paid;
    order_step::ActiveModel {
        order_id: Set(order.order_id.get()),
        number: Set(order.version),
        happened_at: Set(at.millis()),
        utc_day: Set(UtcDay::of(at).number()),
        step: Set(kind.as_str().to_owned()),
        cause: Set(cause.to_string()),
        amount_minor: Set(if is_income { order.total_amount.minor } else { 0 }),
        detail: Set(detail.map(Json)),
    }
}

pub(super) fn step(row: order_step::Model) -> Result<Step, SqlError> {
    let kind = StepKind::ALL.into_iter().find(|kind| kind.as_str() == row.step);
    Ok(Step {
        number: row.number,
        at: Timestamp::from_millis(row.happened_at),
        kind: kind.ok_or_else(|| damaged(&row.step))?,
        cause: row.cause,
        detail: row.detail.map(|detail| detail.0),
    })
}

pub(super) fn id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|error| damaged(&error))
}

fn terms_text(terms: PaymentTerms) -> &'static str {
    match terms {
        PaymentTerms::Prepaid => "prepaid",
        PaymentTerms::OnDelivery => "onDelivery",
    }
}

fn terms(text: &str) -> Result<PaymentTerms, SqlError> {
    let all = [PaymentTerms::Prepaid, PaymentTerms::OnDelivery];
    all.into_iter().find(|terms| terms_text(*terms) == text).ok_or_else(|| damaged(&text))
}

/// Text in the store and in metrics.
pub(crate) fn reason_text(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::OutOfStock => "out_of_stock",
        CancelReason::Customer => "customer",
        CancelReason::Admin => "admin",
        CancelReason::Unpaid => "unpaid",
        CancelReason::Refunded => "refunded",
        CancelReason::Undecided => "undecided",
    }
}

fn reason(text: &str) -> Result<CancelReason, SqlError> {
    use CancelReason::{Admin, Customer, OutOfStock, Refunded, Undecided, Unpaid};
    let all = [OutOfStock, Customer, Admin, Unpaid, Refunded, Undecided];
    all.into_iter().find(|reason| reason_text(*reason) == text).ok_or_else(|| damaged(&text))
}
