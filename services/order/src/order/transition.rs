//! All state transitions of an order, decided in one pure function: [`apply`].

use std::time::Duration;

use souk_bus::Stamper;
use souk_events::{
    CancelReason, Envelope, EventError, OrderCancelled, OrderConfirmed, OrderDelivered, OrderPaid, OrderShipped,
    PaymentTerms, RefusedLine,
};
use souk_values::{Money, PaymentId, Timestamp};

use super::{Order, OrderStatus, StepDetail, StepKind};

/// A fact or request that may change an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    StockReserved {
        /// Time to pay, counted from now; applies to prepaid orders.
        pay_within: Duration,
    },
    StockRejected {
        lines: Vec<RefusedLine>,
    },
    Paid {
        payment_id: PaymentId,
        amount: Money,
        at: Timestamp,
    },
    PaymentFailed {
        payment_id: PaymentId,
        failure_code: String,
    },
    Refunded {
        payment_id: PaymentId,
        amount: Money,
        /// True if the whole capture is refunded now.
        in_full: bool,
        /// True if this payment was reported as failed before: its late capture never paid this order.
        had_failed: bool,
        /// True if the refund is known to have failed afterwards: its money came back.
        came_back: bool,
        at: Timestamp,
    },
    RefundFailed {
        payment_id: PaymentId,
        amount: Money,
        at: Timestamp,
    },
    CancelByCustomer,
    CancelByAdmin,
    /// The deadline passed, and payment confirmed that nothing is captured or under way.
    LapseUnpaid,
    /// Product did not answer about the stock in time.
    LapseUndecided {
        /// Time to answer, counted from the placing of the order.
        decide_within: Duration,
    },
    Ship {
        carrier: String,
        tracking_number: String,
    },
    Deliver,
}

/// Reason for which an order stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Refusal {
    /// An event that is late, repeated or out of order.
    NothingToDo,
    /// A capture of another amount than the order's total. There is no rule for it: a person has to decide.
    AmountMismatch,
    NotCancellable,
    NotShippable,
    NotDeliverable,
}

/// Event that a change publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrderEvent {
    Confirmed(OrderConfirmed),
    Cancelled(OrderCancelled),
    Paid(OrderPaid),
    Shipped(OrderShipped),
    Delivered(OrderDelivered),
}

impl OrderEvent {
    /// Puts the event into an envelope. Errors: it cannot be serialized.
    pub(crate) fn stamped(&self, stamper: &Stamper) -> Result<Envelope, EventError> {
        match self {
            Self::Confirmed(event) => stamper.stamp(event),
            Self::Cancelled(event) => stamper.stamp(event),
            Self::Paid(event) => stamper.stamp(event),
            Self::Shipped(event) => stamper.stamp(event),
            Self::Delivered(event) => stamper.stamp(event),
        }
    }
}

/// A decided change: the order after it, its one step on the timeline, and the event it publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The order with its version increased by one.
    pub(crate) order: Order,
    pub(crate) step: StepKind,
    /// Time of the step on the timeline.
    pub(crate) at: Timestamp,
    pub(crate) detail: Option<StepDetail>,
    pub(crate) event: Option<OrderEvent>,
}

/// Applies `input` to `order`.
///
/// Errors: the state of the order does not allow it. A refused request is reported to its caller; a refused
/// event has no effect.
pub(crate) fn apply(order: &Order, input: &Input, now: Timestamp) -> Result<Change, Refusal> {
    match input {
        Input::StockReserved { pay_within } => confirm(order, *pay_within, now),
        Input::StockRejected { lines } => match order.status() {
            OrderStatus::Created => Ok(cancelled(order, CancelReason::OutOfStock, lines.clone(), now)),
            _ => Err(Refusal::NothingToDo),
        },
        Input::Paid { payment_id, amount, at } => pay(order, *payment_id, *amount, *at),
        Input::PaymentFailed { payment_id, failure_code } => Ok(record_failure(order, *payment_id, failure_code, now)),
        Input::Refunded { payment_id, amount, in_full, had_failed, came_back, at } => {
            // A refund may overtake the event of its own capture; its payment is not recorded yet then.
            let is_ours = order.payment_id.map_or(!had_failed, |ours| ours == *payment_id);
            let detail = StepDetail {
                payment_id: Some(*payment_id),
                amount: Some(*amount),
                in_full: Some(*in_full),
                ..StepDetail::default()
            };
            Ok(refund(order, *in_full && is_ours && !came_back, detail, *at))
        }
        Input::RefundFailed { payment_id, amount, at } => Ok(record_refund_failure(order, *payment_id, *amount, *at)),
        Input::CancelByCustomer => match order.status() {
            OrderStatus::Created | OrderStatus::Confirmed => {
                Ok(cancelled(order, CancelReason::Customer, Vec::new(), now))
            }
            _ => Err(Refusal::NotCancellable),
        },
        Input::CancelByAdmin => match order.status() {
            OrderStatus::Created | OrderStatus::Confirmed | OrderStatus::Paid if order.shipped_at.is_none() => {
                Ok(cancelled(order, CancelReason::Admin, Vec::new(), now))
            }
            _ => Err(Refusal::NotCancellable),
        },
        Input::LapseUnpaid => match order.pay_by {
            Some(pay_by) if order.may_lapse() && now >= pay_by => {
                Ok(cancelled(order, CancelReason::Unpaid, Vec::new(), now))
            }
            _ => Err(Refusal::NothingToDo),
        },
        Input::LapseUndecided { decide_within } => match order.status() {
            OrderStatus::Created if now >= order.decide_by(*decide_within) => {
                Ok(cancelled(order, CancelReason::Undecided, Vec::new(), now))
            }
            _ => Err(Refusal::NothingToDo),
        },
        Input::Ship { carrier, tracking_number } => ship(order, carrier, tracking_number, now),
        Input::Deliver => deliver(order, now),
    }
}

fn next(order: &Order) -> Order {
    Order { version: order.version.saturating_add(1), ..order.clone() }
}

fn confirm(order: &Order, pay_within: Duration, now: Timestamp) -> Result<Change, Refusal> {
    if order.status() != OrderStatus::Created {
        return Err(Refusal::NothingToDo);
    }
    let pay_by = (order.payment_terms == PaymentTerms::Prepaid).then(|| now.plus(pay_within));
    let order = Order { confirmed_at: Some(now), pay_by, ..next(order) };
    let event = OrderEvent::Confirmed(OrderConfirmed { order: order.facts() });
    Ok(Change { order, step: StepKind::Confirmed, at: now, detail: None, event: Some(event) })
}

/// Allowed once, in every state from `confirmed` on except `cancelled`.
fn pay(order: &Order, payment_id: PaymentId, amount: Money, at: Timestamp) -> Result<Change, Refusal> {
    if matches!(order.status(), OrderStatus::Created | OrderStatus::Cancelled) || order.paid_at.is_some() {
        return Err(Refusal::NothingToDo);
    }
    if amount != order.total_amount {
        return Err(Refusal::AmountMismatch);
    }
    let order = Order { paid_at: Some(at), payment_id: Some(payment_id), ..next(order) };
    let detail = StepDetail { payment_id: Some(payment_id), amount: Some(amount), ..StepDetail::default() };
    let event = OrderEvent::Paid(OrderPaid { order: order.facts(), paid_at: at });
    Ok(Change { order, step: StepKind::Paid, at, detail: Some(detail), event: Some(event) })
}

fn record_failure(order: &Order, payment_id: PaymentId, failure_code: &str, now: Timestamp) -> Change {
    let detail = StepDetail {
        payment_id: Some(payment_id),
        failure_code: Some(failure_code.to_owned()),
        ..StepDetail::default()
    };
    Change { order: next(order), step: StepKind::PaymentFailed, at: now, detail: Some(detail), event: None }
}

/// Cancels an unshipped order whose own payment is refunded completely; only records any other refund.
fn refund(order: &Order, is_complete: bool, detail: StepDetail, at: Timestamp) -> Change {
    let refunded_at = if is_complete { Some(at) } else { order.refunded_at };
    if is_complete && order.shipped_at.is_none() && order.cancelled_at.is_none() {
        let mut change = cancelled(order, CancelReason::Refunded, Vec::new(), at);
        change.order.refunded_at = refunded_at;
        change.detail = Some(StepDetail { reason: Some(CancelReason::Refunded), ..detail });
        return change;
    }
    let order = Order { refunded_at, ..next(order) };
    Change { order, step: StepKind::Refunded, at, detail: Some(detail), event: None }
}

/// Records that a refund failed. Whatever of the order's own payment was refunded before, it is not all of it any more.
fn record_refund_failure(order: &Order, payment_id: PaymentId, amount: Money, at: Timestamp) -> Change {
    let is_ours = order.payment_id.is_none_or(|ours| ours == payment_id);
    let refunded_at = order.refunded_at.filter(|_| !is_ours);
    let detail = StepDetail { payment_id: Some(payment_id), amount: Some(amount), ..StepDetail::default() };
    let order = Order { refunded_at, ..next(order) };
    Change { order, step: StepKind::RefundFailed, at, detail: Some(detail), event: None }
}

fn cancelled(order: &Order, reason: CancelReason, refused: Vec<RefusedLine>, at: Timestamp) -> Change {
    let order =
        Order { cancelled_at: Some(at), cancel_reason: Some(reason), refused_lines: refused.clone(), ..next(order) };
    let event = OrderEvent::Cancelled(OrderCancelled { order: order.facts(), reason, refused_lines: refused.clone() });
    let detail = StepDetail { reason: Some(reason), refused_lines: refused, ..StepDetail::default() };
    Change { order, step: StepKind::Cancelled, at, detail: Some(detail), event: Some(event) }
}

/// Requires the capture for a prepaid order, but not for one paid on delivery.
fn ship(order: &Order, carrier: &str, tracking_number: &str, now: Timestamp) -> Result<Change, Refusal> {
    let is_reserved = order.confirmed_at.is_some() && order.cancelled_at.is_none();
    let is_payable_later = order.payment_terms == PaymentTerms::OnDelivery;
    if !is_reserved || order.shipped_at.is_some() || !(is_payable_later || order.paid_at.is_some()) {
        return Err(Refusal::NotShippable);
    }
    let order = Order { shipped_at: Some(now), ..next(order) };
    let detail = StepDetail {
        carrier: Some(carrier.to_owned()),
        tracking_number: Some(tracking_number.to_owned()),
        ..StepDetail::default()
    };
    let event = OrderEvent::Shipped(OrderShipped {
        order: order.facts(),
        carrier: carrier.to_owned(),
        tracking_number: tracking_number.to_owned(),
        shipped_at: now,
    });
    Ok(Change { order, step: StepKind::Shipped, at: now, detail: Some(detail), event: Some(event) })
}

fn deliver(order: &Order, now: Timestamp) -> Result<Change, Refusal> {
    if order.shipped_at.is_none() || order.delivered_at.is_some() {
        return Err(Refusal::NotDeliverable);
    }
    let order = Order { delivered_at: Some(now), ..next(order) };
    let event = OrderEvent::Delivered(OrderDelivered { order: order.facts(), delivered_at: now });
    Ok(Change { order, step: StepKind::Delivered, at: now, detail: None, event: Some(event) })
}
