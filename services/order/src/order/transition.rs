//! Every change of an order, decided in one pure function: [`apply`].

use std::time::Duration;

use souk_bus::Stamper;
use souk_events::{
    CancelReason, Envelope, EventError, OrderCancelled, OrderConfirmed, OrderDelivered, OrderPaid, OrderShipped,
    PaymentTerms, RefusedLine,
};
use souk_values::{Money, PaymentId, Timestamp};

use super::{Detail, Order, Status, StepKind};

/// What may change an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Product set its lines aside.
    StockReserved {
        /// How long a prepaid order can be paid from now on.
        pay_within: Duration,
    },
    /// Product could not set some line aside.
    StockRejected {
        /// Which lines.
        lines: Vec<RefusedLine>,
    },
    /// Payment captured its amount.
    Paid {
        /// By which attempt.
        payment_id: PaymentId,
        /// How much.
        amount: Money,
        /// When.
        at: Timestamp,
    },
    /// An attempt to pay failed.
    PaymentFailed {
        /// Which.
        payment_id: PaymentId,
        /// Why.
        failure_code: String,
    },
    /// Payment returned money.
    Refunded {
        /// Of which attempt.
        payment_id: PaymentId,
        /// How much.
        amount: Money,
        /// Whether all of that capture is returned now.
        in_full: bool,
        /// Whether that attempt had been told to have failed: its late capture never paid this order.
        had_failed: bool,
        /// When.
        at: Timestamp,
    },
    /// The customer wants no more of it.
    CancelByCustomer,
    /// An admin stops it.
    CancelByAdmin,
    /// Payment was asked after `pay_by`, and has nothing captured or under way.
    LapseUnpaid,
    /// It leaves the house.
    Ship {
        /// Who brings it.
        carrier: String,
        /// The carrier's number for it.
        tracking_number: String,
    },
    /// It arrives.
    Deliver,
}

/// Why an order stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// An event that changes nothing (any more).
    NothingToDo,
    /// A capture of another amount than the order's; nobody promises how to go on from there.
    OtherAmount,
    /// It cannot be cancelled by this person now.
    NotCancellable,
    /// It cannot be shipped now.
    NotShippable,
    /// It cannot be delivered now.
    NotDeliverable,
}

/// What a change tells the other services.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the event of its name")]
pub enum Told {
    Confirmed(OrderConfirmed),
    Cancelled(OrderCancelled),
    Paid(OrderPaid),
    Shipped(OrderShipped),
    Delivered(OrderDelivered),
}

impl Told {
    /// In its envelope. Errors: it cannot be shown as JSON.
    pub fn stamped(&self, stamper: &Stamper) -> Result<Envelope, EventError> {
        match self {
            Self::Confirmed(event) => stamper.stamp(event),
            Self::Cancelled(event) => stamper.stamp(event),
            Self::Paid(event) => stamper.stamp(event),
            Self::Shipped(event) => stamper.stamp(event),
            Self::Delivered(event) => stamper.stamp(event),
        }
    }
}

/// A decided change: the order after it, its one step on the timeline, and what is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The order with its version grown by one.
    pub order: Order,
    /// The step.
    pub step: StepKind,
    /// When it became true.
    pub at: Timestamp,
    /// More about it.
    pub detail: Option<Detail>,
    /// What is told.
    pub told: Option<Told>,
}

/// Decides what `input` makes of `order`.
///
/// Errors: the guards of the order's states. A refused request is the caller's to hear of; a refused
/// event changes nothing.
pub fn apply(order: &Order, input: &Input, now: Timestamp) -> Result<Change, Refusal> {
    match input {
        Input::StockReserved { pay_within } => confirm(order, *pay_within, now),
        Input::StockRejected { lines } => match order.status() {
            Status::Created => Ok(cancelled(order, CancelReason::OutOfStock, lines.clone(), now)),
            _ => Err(Refusal::NothingToDo),
        },
        Input::Paid { payment_id, amount, at } => pay(order, *payment_id, *amount, *at),
        Input::PaymentFailed { payment_id, failure_code } => Ok(note_failure(order, *payment_id, failure_code, now)),
        Input::Refunded { payment_id, amount, in_full, had_failed, at } => {
            // A refund may overtake the event of its own capture; it then is of a payment not yet known.
            let is_ours = order.payment_id.map_or(!had_failed, |ours| ours == *payment_id);
            let detail = Detail {
                payment_id: Some(*payment_id),
                amount: Some(*amount),
                in_full: Some(*in_full),
                ..Detail::default()
            };
            Ok(refund(order, *in_full && is_ours, detail, *at))
        }
        Input::CancelByCustomer => match order.status() {
            Status::Created | Status::Confirmed => Ok(cancelled(order, CancelReason::Customer, Vec::new(), now)),
            _ => Err(Refusal::NotCancellable),
        },
        Input::CancelByAdmin => match order.status() {
            Status::Created | Status::Confirmed | Status::Paid if order.shipped_at.is_none() => {
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
        Input::Ship { carrier, tracking_number } => ship(order, carrier, tracking_number, now),
        Input::Deliver => deliver(order, now),
    }
}

fn next(order: &Order) -> Order {
    Order { version: order.version.saturating_add(1), ..order.clone() }
}

fn confirm(order: &Order, pay_within: Duration, now: Timestamp) -> Result<Change, Refusal> {
    if order.status() != Status::Created {
        return Err(Refusal::NothingToDo);
    }
    let pay_by = (order.payment_terms == PaymentTerms::Prepaid).then(|| now.plus(pay_within));
    let order = Order { confirmed_at: Some(now), pay_by, ..next(order) };
    let told = Told::Confirmed(OrderConfirmed { order: order.facts() });
    Ok(Change { order, step: StepKind::Confirmed, at: now, detail: None, told: Some(told) })
}

/// Taken in every state from `confirmed` on except `cancelled`, once.
fn pay(order: &Order, payment_id: PaymentId, amount: Money, at: Timestamp) -> Result<Change, Refusal> {
    if matches!(order.status(), Status::Created | Status::Cancelled) || order.paid_at.is_some() {
        return Err(Refusal::NothingToDo);
    }
    if amount != order.total_amount {
        return Err(Refusal::OtherAmount);
    }
    let order = Order { paid_at: Some(at), payment_id: Some(payment_id), ..next(order) };
    let detail = Detail { payment_id: Some(payment_id), amount: Some(amount), ..Detail::default() };
    let told = Told::Paid(OrderPaid { order: order.facts(), paid_at: at });
    Ok(Change { order, step: StepKind::Paid, at, detail: Some(detail), told: Some(told) })
}

fn note_failure(order: &Order, payment_id: PaymentId, failure_code: &str, now: Timestamp) -> Change {
    let detail =
        Detail { payment_id: Some(payment_id), failure_code: Some(failure_code.to_owned()), ..Detail::default() };
    Change { order: next(order), step: StepKind::PaymentFailed, at: now, detail: Some(detail), told: None }
}

/// An unshipped order whose money is all returned is over; any other return is noted.
fn refund(order: &Order, is_all_of_it: bool, detail: Detail, at: Timestamp) -> Change {
    let refunded_at = if is_all_of_it { Some(at) } else { order.refunded_at };
    if is_all_of_it && order.shipped_at.is_none() && order.cancelled_at.is_none() {
        let mut change = cancelled(order, CancelReason::Refunded, Vec::new(), at);
        change.order.refunded_at = refunded_at;
        change.detail = Some(Detail { reason: Some(CancelReason::Refunded), ..detail });
        return change;
    }
    let order = Order { refunded_at, ..next(order) };
    Change { order, step: StepKind::Refunded, at, detail: Some(detail), told: None }
}

fn cancelled(order: &Order, reason: CancelReason, refused: Vec<RefusedLine>, at: Timestamp) -> Change {
    let order =
        Order { cancelled_at: Some(at), cancel_reason: Some(reason), refused_lines: refused.clone(), ..next(order) };
    let told = Told::Cancelled(OrderCancelled { order: order.facts(), reason, refused_lines: refused.clone() });
    let detail = Detail { reason: Some(reason), refused_lines: refused, ..Detail::default() };
    Change { order, step: StepKind::Cancelled, at, detail: Some(detail), told: Some(told) }
}

/// Needs `shipped_at` empty, and the money of a prepaid order.
fn ship(order: &Order, carrier: &str, tracking_number: &str, now: Timestamp) -> Result<Change, Refusal> {
    let is_reserved = order.confirmed_at.is_some() && order.cancelled_at.is_none();
    let is_payable_later = order.payment_terms == PaymentTerms::OnDelivery;
    if !is_reserved || order.shipped_at.is_some() || !(is_payable_later || order.paid_at.is_some()) {
        return Err(Refusal::NotShippable);
    }
    let order = Order { shipped_at: Some(now), ..next(order) };
    let detail = Detail {
        carrier: Some(carrier.to_owned()),
        tracking_number: Some(tracking_number.to_owned()),
        ..Detail::default()
    };
    let told = Told::Shipped(OrderShipped {
        order: order.facts(),
        carrier: carrier.to_owned(),
        tracking_number: tracking_number.to_owned(),
        shipped_at: now,
    });
    Ok(Change { order, step: StepKind::Shipped, at: now, detail: Some(detail), told: Some(told) })
}

fn deliver(order: &Order, now: Timestamp) -> Result<Change, Refusal> {
    if order.shipped_at.is_none() || order.delivered_at.is_some() {
        return Err(Refusal::NotDeliverable);
    }
    let order = Order { delivered_at: Some(now), ..next(order) };
    let told = Told::Delivered(OrderDelivered { order: order.facts(), delivered_at: now });
    Ok(Change { order, step: StepKind::Delivered, at: now, detail: None, told: Some(told) })
}
