//! An order's content and status. Placing is in [`placing`], every change in [`transition`].

mod placing;
mod step;
pub(crate) mod transition;

#[cfg(test)]
mod transition_table;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, OrderFacts, OrderLine, PaymentTerms, RefusedLine, ShippingAddress};
use souk_values::{Money, OrderId, PaymentId, Timestamp, UserId};
use utoipa::ToSchema;

pub(crate) use placing::{OrderDraft, OrderIds, PlaceError, WantedLine};
pub(crate) use step::{Step, StepCause, StepDetail, StepKind};

/// Latest milestone that an order has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderStatus {
    /// Placed; its stock is being reserved.
    Created,
    Confirmed,
    Paid,
    Shipped,
    Delivered,
    Cancelled,
}

/// Times after which the service settles an order that no message has moved on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// Time for product to answer about the stock, counted from the placing.
    pub(crate) decide_within: Duration,
    /// Delay after `pay_by` before payment is queried.
    pub(crate) lapse_after: Duration,
}

impl OrderStatus {
    /// Text in the store and in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Confirmed => "confirmed",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A whole order. Its milestones are stored as times; its status follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the names that the events and the JSON have")]
pub(crate) struct Order {
    pub(crate) order_id: OrderId,
    pub(crate) user_id: UserId,
    pub(crate) order_date: Timestamp,
    pub(crate) total_amount: Money,
    /// Lines at the prices of the moment of placing; never change.
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) shipping_address: ShippingAddress,
    pub(crate) payment_terms: PaymentTerms,
    /// Deadline for payment; `None` until confirmed, and for payment on delivery.
    pub(crate) pay_by: Option<Timestamp>,
    /// Payment whose capture paid for the order.
    pub(crate) payment_id: Option<PaymentId>,
    pub(crate) cancel_reason: Option<CancelReason>,
    /// Lines that were out of stock; empty unless cancelled as `out_of_stock`.
    pub(crate) refused_lines: Vec<RefusedLine>,
    pub(crate) confirmed_at: Option<Timestamp>,
    /// Time of the capture, as payment reported it.
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) shipped_at: Option<Timestamp>,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) cancelled_at: Option<Timestamp>,
    /// Time of the full refund of the order's own payment.
    pub(crate) refunded_at: Option<Timestamp>,
    /// 1 when placed; each change adds one, and one step to the timeline.
    pub(crate) version: i64,
}

impl Order {
    /// Derives the status from the milestones. An order paid on delivery is shipped before it is paid.
    pub(crate) fn status(&self) -> OrderStatus {
        let late = match self.payment_terms {
            PaymentTerms::Prepaid => [(OrderStatus::Shipped, self.shipped_at), (OrderStatus::Paid, self.paid_at)],
            PaymentTerms::OnDelivery => [(OrderStatus::Paid, self.paid_at), (OrderStatus::Shipped, self.shipped_at)],
        };
        let ends = [(OrderStatus::Cancelled, self.cancelled_at), (OrderStatus::Delivered, self.delivered_at)];
        let begins = [(OrderStatus::Confirmed, self.confirmed_at)];
        let reached = ends.into_iter().chain(late).chain(begins).find(|(_, at)| at.is_some());
        reached.map_or(OrderStatus::Created, |(status, _)| status)
    }

    /// Returns the deadline for product's answer about the stock.
    pub(crate) fn decide_by(&self, decide_within: Duration) -> Timestamp {
        self.order_date.plus(decide_within)
    }

    /// Returns the time at which the service itself has to settle the order; `None` while it waits for nothing but
    /// people, and once it is final.
    pub(crate) fn due_at(&self, deadlines: Deadlines) -> Option<Timestamp> {
        match self.status() {
            OrderStatus::Created => Some(self.decide_by(deadlines.decide_within)),
            _ => self.pay_by.filter(|_| self.may_lapse()).map(|pay_by| pay_by.plus(deadlines.lapse_after)),
        }
    }

    /// True while the order waits for its money and is cancelled if none comes by `pay_by`.
    pub(crate) fn may_lapse(&self) -> bool {
        self.status() == OrderStatus::Confirmed && self.pay_by.is_some()
    }

    /// Returns the order as its events carry it.
    pub(crate) fn facts(&self) -> OrderFacts {
        OrderFacts {
            order_id: self.order_id,
            user_id: self.user_id,
            order_date: self.order_date,
            total_amount: self.total_amount,
            items: self.lines.clone(),
            shipping_address: self.shipping_address.clone(),
            payment_terms: self.payment_terms,
            pay_by: self.pay_by,
            version: self.version,
        }
    }
}
