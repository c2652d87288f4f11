//! The order: what it holds, how far it is, and how one is placed. How it changes is in [`transition`].

mod placing;
mod step;
pub mod transition;

#[cfg(test)]
mod transition_table;

use serde::{Deserialize, Serialize};
use souk_events::{CancelReason, OrderFacts, OrderLine, PaymentTerms, RefusedLine, ShippingAddress};
use souk_values::{Money, OrderId, PaymentId, Timestamp, UserId};
use utoipa::ToSchema;

pub use placing::{CannotPlace, Draft, WantedLine};
pub use step::{Cause, Detail, Step, StepKind};

/// The latest milestone of an order's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = OrderStatus)]
pub enum Status {
    /// Placed; its stock is being reserved.
    Created,
    /// Its stock is reserved.
    Confirmed,
    /// Its money is captured.
    Paid,
    /// It left the house.
    Shipped,
    /// It arrived.
    Delivered,
    /// It is over without a sale.
    Cancelled,
}

impl Status {
    /// As stores and bodies write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
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

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A whole order. Its milestones are times; its status follows from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Which order.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// When it was placed.
    pub order_date: Timestamp,
    /// Sum of its lines.
    pub total_amount: Money,
    /// What was ordered, at the prices of that moment. Never changes.
    pub lines: Vec<OrderLine>,
    /// Where it goes.
    pub shipping_address: ShippingAddress,
    /// When it is paid.
    pub payment_terms: PaymentTerms,
    /// Until when a confirmed prepaid order can be paid.
    pub pay_by: Option<Timestamp>,
    /// The payment that paid it.
    pub payment_id: Option<PaymentId>,
    /// Why it was cancelled.
    pub cancel_reason: Option<CancelReason>,
    /// With `out_of_stock`: which lines.
    pub refused_lines: Vec<RefusedLine>,
    /// When its stock was known to be reserved.
    pub confirmed_at: Option<Timestamp>,
    /// When its money was captured.
    pub paid_at: Option<Timestamp>,
    /// When it was shipped.
    pub shipped_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When all of its money was returned.
    pub refunded_at: Option<Timestamp>,
    /// 1 when placed; each change adds one, and one step to the timeline.
    pub version: i64,
}

impl Order {
    /// The latest milestone of its way: an order paid on delivery is shipped before it is paid.
    #[must_use]
    pub fn status(&self) -> Status {
        let late = match self.payment_terms {
            PaymentTerms::Prepaid => [(Status::Shipped, self.shipped_at), (Status::Paid, self.paid_at)],
            PaymentTerms::OnDelivery => [(Status::Paid, self.paid_at), (Status::Shipped, self.shipped_at)],
        };
        let ends = [(Status::Cancelled, self.cancelled_at), (Status::Delivered, self.delivered_at)];
        let begins = [(Status::Confirmed, self.confirmed_at)];
        let reached = ends.into_iter().chain(late).chain(begins).find(|(_, at)| at.is_some());
        reached.map_or(Status::Created, |(status, _)| status)
    }

    /// Whether it waits for its money, and is given up when none comes by `pay_by`.
    #[must_use]
    pub fn may_lapse(&self) -> bool {
        self.status() == Status::Confirmed && self.pay_by.is_some()
    }

    /// The order as its events carry it.
    #[must_use]
    pub fn facts(&self) -> OrderFacts {
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
