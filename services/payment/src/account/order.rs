//! What payment knows of an order: who may pay it, how much, and whether it may be paid now.

use souk_events::{OrderFacts, PaymentTerms};
use souk_peers::order::OrderNow;
use souk_values::{Money, OrderId, Timestamp, UserId};

/// How far an order is, as far as paying it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderState {
    /// Placed; its stock is not reserved yet.
    Created,
    /// Its stock is reserved or sold.
    Confirmed,
    /// Over: whatever is captured goes back.
    Cancelled,
}

/// An order at one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderNews {
    /// Which.
    pub order_id: OrderId,
    /// Whose.
    pub user_id: UserId,
    /// What it costs.
    pub amount: Money,
    /// When it is paid.
    pub terms: PaymentTerms,
    /// How far it is.
    pub state: OrderState,
    /// Until when a prepaid order can be paid.
    pub pay_by: Option<Timestamp>,
    /// The order's own version; the highest wins.
    pub version: i64,
}

impl OrderNews {
    /// What `facts` say of an order that is in `state`.
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

    /// Whether it is over.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == OrderState::Cancelled
    }

    /// Whether it can be paid at `now`: from its confirmation until `payBy`, onDelivery without limit.
    #[must_use]
    pub fn is_payable(&self, now: Timestamp) -> bool {
        self.state == OrderState::Confirmed
            && match self.terms {
                PaymentTerms::OnDelivery => true,
                PaymentTerms::Prepaid => self.pay_by.is_some_and(|pay_by| now <= pay_by),
            }
    }
}

impl From<OrderNow> for OrderNews {
    fn from(now: OrderNow) -> Self {
        let state = match (now.cancel_reason, now.is_confirmed) {
            (Some(_), _) => OrderState::Cancelled,
            (None, true) => OrderState::Confirmed,
            (None, false) => OrderState::Created,
        };
        Self::new(&now.order, state)
    }
}
