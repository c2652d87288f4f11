//! What handlers, consumer and tasks share, and the one way in which an account is changed.

use std::sync::Arc;

use souk_bus::Stamper;
use souk_peers::OrderPeer;
use souk_values::{Clock, Currency, IdGen, OrderId};

use crate::{
    account::{Account, Decision, Fact, Fresh},
    config::PaymentConfig,
    error::PaymentError,
    metrics,
    payment::{Payment, RefundStatus},
    provider::Provider,
    refunding,
    store::{Cause, Change, OpenRefund, PaymentStore, Saved, StoreError},
};

/// How often a change is decided anew when others change the same account.
pub(crate) const ATTEMPTS: usize = 16;

/// What handlers, consumer and tasks share. Cloning shares it.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) store: Arc<dyn PaymentStore>,
    pub(crate) provider: Provider,
    pub(crate) orders: OrderPeer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: IdGen,
    pub(crate) stamper: Stamper,
    pub(crate) config: Arc<PaymentConfig>,
    pub(crate) currency: Currency,
}

/// What is to be done with an account that was read.
pub(crate) enum Step<T> {
    /// Save this, then answer that.
    Save(Decision, T),
    /// Answer this; nothing changes.
    Leave(T),
}

/// What became of a step.
pub(crate) enum Tried<T> {
    /// It is done.
    Done(T),
    /// Somebody changed the account meanwhile; nothing is done.
    Conflict,
    /// The causing event had its effect before; nothing is done.
    Duplicate,
}

impl App {
    /// What a new row may need.
    pub(crate) fn fresh(&self) -> Fresh {
        Fresh { refund_id: self.ids.next(), now: self.clock.now() }
    }

    /// Reads the account of `order`, lets `decide` say what becomes of it, and saves that until nobody
    /// else changed it in between.
    pub(crate) async fn change<T>(
        &self,
        order: OrderId,
        cause: Option<Cause>,
        decide: impl Fn(Option<Account>) -> Step<T> + Send + Sync,
    ) -> Result<Tried<T>, PaymentError> {
        for _ in 0..ATTEMPTS {
            match self.try_change(order, cause, &decide).await? {
                Tried::Conflict => {}
                tried => return Ok(tried),
            }
        }
        Err(PaymentError::Contended)
    }

    /// The same, once.
    pub(crate) async fn try_change<T>(
        &self,
        order: OrderId,
        cause: Option<Cause>,
        decide: impl Fn(Option<Account>) -> Step<T> + Send + Sync,
    ) -> Result<Tried<T>, PaymentError> {
        let before = self.store.account(order).await?;
        let (Decision { account: after, facts }, answer) = match decide(before.clone()) {
            Step::Leave(answer) => return Ok(Tried::Done(answer)),
            Step::Save(decision, answer) => (decision, answer),
        };
        let events = facts.iter().map(|fact| self.stamp(fact)).collect::<Result<_, _>>()?;
        let due = newly_due(before.as_ref(), &after);
        let change = Change { before, after, events, cause, now: self.clock.now() };
        match self.store.save(change).await {
            Ok(Saved::Done) => {
                metrics::tell(&facts);
                for refund in due {
                    refunding::start(self.clone(), refund);
                }
                Ok(Tried::Done(answer))
            }
            Ok(Saved::Duplicate) => Ok(Tried::Duplicate),
            Err(StoreError::Conflict) => Ok(Tried::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    fn stamp(&self, fact: &Fact) -> Result<souk_events::Envelope, PaymentError> {
        let envelope = match fact {
            Fact::Succeeded(event) => self.stamper.stamp(event),
            Fact::Failed(event) => self.stamper.stamp(event),
            Fact::Refunded(event) => self.stamper.stamp(event),
        };
        Ok(envelope?)
    }
}

/// The refunds that this change makes due by themselves.
fn newly_due(before: Option<&Account>, after: &Account) -> Vec<OpenRefund> {
    let known = |payment: &Payment, refund_id| {
        before
            .and_then(|before| before.payment(payment.payment_id))
            .is_some_and(|known| known.refunds.iter().any(|refund| refund.refund_id == refund_id))
    };
    let mut due = Vec::new();
    for payment in &after.payments {
        for refund in &payment.refunds {
            let is_due = refund.status == RefundStatus::Processing && refund.asked.is_none();
            if is_due && !known(payment, refund.refund_id) {
                due.push(OpenRefund {
                    order_id: payment.order_id,
                    payment_id: payment.payment_id,
                    refund_id: refund.refund_id,
                    amount: refund.amount,
                });
            }
        }
    }
    due
}
