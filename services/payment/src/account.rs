//! All the money of one order: payment's copy of the order, the attempts to pay it, their refunds.
//!
//! Every change of any of them is decided here on the whole account and saved under the copy's row
//! version. So of two changes that race, the second to commit sees the first and is decided anew.

mod order;

use souk_events::{PaymentFailed, PaymentRefunded, PaymentSucceeded};
use souk_values::{Money, PaymentId, RefundId, Timestamp, UserId};

pub use order::{OrderNews, OrderState};

use crate::{
    error::PaymentError,
    payment::{AskedBy, FailureCode, Outcome, Payment, Refund, RefundStatus, RequestKey, Status},
};

/// The money of one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The newest that is known of the order.
    pub order: OrderNews,
    /// Every attempt to pay it, oldest first.
    pub payments: Vec<Payment>,
    /// Grows with each saved change.
    pub row_version: i64,
}

/// What a change makes true, to be told in the transaction that saves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A capture.
    Succeeded(PaymentSucceeded),
    /// A refusal.
    Failed(PaymentFailed),
    /// A return.
    Refunded(PaymentRefunded),
}

/// A changed account, and what that makes true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// As it is to be saved.
    pub account: Account,
    /// What is to be told.
    pub facts: Vec<Fact>,
}

/// What a new row may need: an id that is used only if one is made, and the time.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    /// For the refund, if one becomes due.
    pub refund_id: RefundId,
    /// Now.
    pub now: Timestamp,
}

impl Account {
    /// What `news` makes of what is known; `None` when it is not newer. An order that is over gives
    /// back what is captured.
    #[must_use]
    pub fn learn(known: Option<Self>, news: &OrderNews, fresh: Fresh) -> Option<Self> {
        let Some(mut account) = known else {
            return Some(Self { order: news.clone(), payments: Vec::new(), row_version: 0 });
        };
        if news.version <= account.order.version {
            return None;
        }
        // Over is over: a version that says otherwise would be a defect of order's, not a second chance to pay.
        let was_closed = account.order.is_closed();
        account.order = news.clone();
        if was_closed {
            account.order.state = OrderState::Cancelled;
        }
        if account.order.is_closed() {
            let captured = |payment: &&mut Payment| matches!(payment.outcome, Outcome::Captured { .. });
            if let Some(payment) = account.payments.iter_mut().find(captured) {
                payment.refund_the_rest(fresh);
            }
        }
        Some(account)
    }

    /// Claims the order for one attempt by `payer`, before any provider is called.
    ///
    /// Errors: another's order, an order that cannot be paid now, another attempt that holds the claim.
    pub fn claim(
        mut self,
        payment_id: PaymentId,
        payer: UserId,
        key: RequestKey,
        now: Timestamp,
    ) -> Result<Self, PaymentError> {
        if self.order.user_id != payer {
            return Err(PaymentError::OrderNotFound);
        }
        if self.order.is_closed() {
            return Err(PaymentError::OrderNotPayable);
        }
        match self.payments.iter().find(|payment| payment.holds_claim()).map(Payment::status) {
            Some(Status::Processing) => return Err(PaymentError::InProgress),
            Some(_) => return Err(PaymentError::AlreadyPaid),
            None => {}
        }
        if !self.order.is_payable(now) {
            return Err(PaymentError::OrderNotPayable);
        }
        self.payments.push(Payment {
            payment_id,
            order_id: self.order.order_id,
            user_id: payer,
            amount: self.order.amount,
            outcome: Outcome::Pending,
            claimed_at: now,
            version: 1,
            key,
            refunds: Vec::new(),
        });
        Ok(self)
    }

    /// The provider captured `payment_id` at `at`. `None` when that is known already.
    #[must_use]
    pub fn captured(mut self, payment_id: PaymentId, at: Timestamp, fresh: Fresh) -> Option<Decision> {
        let is_closed = self.order.is_closed();
        let payment = self.payment_mut(payment_id)?;
        let mut facts = Vec::new();
        match payment.outcome {
            Outcome::Captured { .. } | Outcome::CapturedLate { .. } => return None,
            Outcome::Pending => {
                payment.outcome = Outcome::Captured { at };
                payment.version += 1;
                facts.push(Fact::Succeeded(succeeded(payment, at)));
                if is_closed {
                    payment.refund_the_rest(fresh);
                }
            }
            Outcome::Refused { code } => {
                payment.outcome = Outcome::CapturedLate { code, at };
                payment.version += 1;
                payment.refund_the_rest(fresh);
            }
        }
        Some(Decision { account: self, facts })
    }

    /// `payment_id` provably was not captured. `None` when its outcome is known already.
    #[must_use]
    pub fn refused(mut self, payment_id: PaymentId, code: FailureCode) -> Option<Decision> {
        let payment = self.payment_mut(payment_id)?;
        if payment.outcome != Outcome::Pending {
            return None;
        }
        payment.outcome = Outcome::Refused { code };
        payment.version += 1;
        let fact = Fact::Failed(PaymentFailed {
            payment_id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            amount: payment.amount,
            failure_code: code.as_str().to_owned(),
            version: payment.version,
        });
        Some(Decision { account: self, facts: vec![fact] })
    }

    /// An admin asks for `amount` back, or for all that is left. The refund is due from then on.
    ///
    /// Errors: unknown payment, nothing that could go back, more than is left, another currency.
    pub fn ask_refund(
        mut self,
        payment_id: PaymentId,
        amount: Option<Money>,
        asked: AskedBy,
        fresh: Fresh,
    ) -> Result<Self, PaymentError> {
        let payment = self.payment_mut(payment_id).ok_or(PaymentError::NotFound)?;
        let left = payment.refundable();
        if payment.status() != Status::Succeeded || left.minor == 0 {
            return Err(PaymentError::NotRefundable);
        }
        let amount = amount.unwrap_or(left);
        if amount.currency != left.currency {
            return Err(PaymentError::CurrencyMismatch);
        }
        if amount.minor <= 0 || amount.minor > left.minor {
            return Err(PaymentError::RefundTooLarge);
        }
        payment.add_refund(amount, Some(asked), fresh);
        Ok(self)
    }

    /// The provider returned `refund_id` at `at`. `None` when its outcome is known already.
    #[must_use]
    pub fn returned(mut self, refund_id: RefundId, at: Timestamp) -> Option<Decision> {
        let (payment, refund) = self.settle_refund(refund_id, RefundStatus::Succeeded, at)?;
        let facts = vec![Fact::Refunded(refunded(payment, &refund, at))];
        Some(Decision { account: self, facts })
    }

    /// The provider refused `refund_id`. `None` when its outcome is known already.
    #[must_use]
    pub fn refund_refused(mut self, refund_id: RefundId, at: Timestamp) -> Option<Decision> {
        self.settle_refund(refund_id, RefundStatus::Failed, at)?;
        Some(Decision { account: self, facts: Vec::new() })
    }

    /// One of its payments.
    #[must_use]
    pub fn payment(&self, payment_id: PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.payment_id == payment_id)
    }

    /// The capture that pays the order, as its event tells it.
    #[must_use]
    pub fn capture(&self) -> Option<(PaymentSucceeded, Money)> {
        self.payments.iter().find_map(|payment| match payment.outcome {
            Outcome::Captured { at } => Some((succeeded(payment, at), payment.refunded())),
            Outcome::Pending | Outcome::Refused { .. } | Outcome::CapturedLate { .. } => None,
        })
    }

    fn payment_mut(&mut self, payment_id: PaymentId) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.payment_id == payment_id)
    }

    fn settle_refund(
        &mut self,
        refund_id: RefundId,
        status: RefundStatus,
        at: Timestamp,
    ) -> Option<(&Payment, Refund)> {
        self.payments.iter_mut().find_map(|payment| {
            let refund = payment.refunds.iter_mut().find(|refund| refund.refund_id == refund_id)?;
            if refund.status != RefundStatus::Processing {
                return None;
            }
            refund.status = status;
            refund.settled_at = Some(at);
            let refund = refund.clone();
            payment.version += 1;
            Some((&*payment, refund))
        })
    }
}

impl Payment {
    /// Makes a refund of all that is left due by itself, if anything is left.
    fn refund_the_rest(&mut self, fresh: Fresh) {
        let left = self.refundable();
        if left.minor > 0 {
            self.add_refund(left, None, fresh);
        }
    }

    fn add_refund(&mut self, amount: Money, asked: Option<AskedBy>, Fresh { refund_id, now }: Fresh) {
        let status = RefundStatus::Processing;
        self.refunds.push(Refund { refund_id, amount, status, due_at: now, settled_at: None, asked });
    }
}

fn succeeded(payment: &Payment, at: Timestamp) -> PaymentSucceeded {
    PaymentSucceeded {
        payment_id: payment.payment_id,
        order_id: payment.order_id,
        user_id: payment.user_id,
        amount: payment.amount,
        captured_at: at,
        version: Payment::VERSION_AT_CAPTURE,
    }
}

fn refunded(payment: &Payment, refund: &Refund, at: Timestamp) -> PaymentRefunded {
    PaymentRefunded {
        payment_id: payment.payment_id,
        refund_id: refund.refund_id,
        order_id: payment.order_id,
        user_id: payment.user_id,
        amount: refund.amount,
        refunded_amount: payment.refunded(),
        // Never of a failed attempt: its money was not the order's, which may be paid by another.
        in_full: payment.status() == Status::Refunded,
        refunded_at: at,
        version: payment.version,
    }
}
