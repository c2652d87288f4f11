//! The order as payment needs it: its payer, its amount, and the time in which it can be paid.

use souk_events::{OrderFacts, PaymentTerms};
use souk_peers::order::OrderSnapshot;
use souk_values::{Money, OrderId, Timestamp, UserId};

/// Progress of an order, as far as paying it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// Placed; its stock is not reserved yet.
    Created,
    /// Its stock is reserved or sold.
    Confirmed,
    /// Final; everything captured is refunded.
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownOrder {
    pub order_id: OrderId,
    /// The customer, who alone may pay it.
    pub user_id: UserId,
    pub amount: Money,
    pub terms: PaymentTerms,
    pub state: OrderState,
    /// Deadline for payment; `None` before the confirmation and for orders paid on delivery.
    pub pay_by: Option<Timestamp>,
    /// Version that order assigned; the highest wins.
    pub version: i64,
}

impl KnownOrder {
    /// Returns the copy of an order that an event or a peer describes and that is in `state`.
    #[must_use]
    pub fn new(facts: &OrderFacts, state: OrderState) -> Self {
        Self {
            order_id: facts.order_id,
            user_id: facts.user_id,
            amount: facts.total_amount,
            terms: facts.payment_terms,
            state,
            pay_by: facts.pay_by,
            version: facts.version,
        }
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state == OrderState::Cancelled
    }

    /// True from the order's confirmation until `pay_by`; an order paid on delivery has no deadline.
    #[must_use]
    pub fn is_payable(&self, now: Timestamp) -> bool {
        self.state == OrderState::Confirmed
            && match self.terms {
                PaymentTerms::OnDelivery => true,
                PaymentTerms::Prepaid => self.pay_by.is_some_and(|pay_by| now <= pay_by),
            }
    }
}

impl From<OrderSnapshot> for KnownOrder {
    fn from(snapshot: OrderSnapshot) -> Self {
        let state = match (snapshot.cancel_reason, snapshot.is_confirmed) {
            (Some(_), _) => OrderState::Cancelled,
            (None, true) => OrderState::Confirmed,
            (None, false) => OrderState::Created,
        };
        Self::new(&snapshot.order, state)
    }
}
