//! The payments of one order: payment's copy of the order, the attempts to pay it, and their refunds.
//!
//! Every change of any of them is decided here, on all of them, and saved under the copy's row version. So of two
//! changes that race, the second to commit conflicts, reads what the first one did, and is decided again.

mod known_order;

use souk_events::{PaymentFailed, PaymentRefundFailed, PaymentRefunded, PaymentSucceeded};
use souk_values::{Money, PaymentId, RefundId, Timestamp, UserId};

pub use known_order::{KnownOrder, OrderState};

use crate::{
    error::PaymentError,
    payment::{FailureCode, Outcome, Payment, Refund, RefundRequest, RefundStatus, RequestKey, Status},
    provider_account::ProviderAccount,
};

/// An order as payment knows it, with everything that was paid and refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderPayments {
    pub order: KnownOrder,
    /// Every attempt to pay the order, oldest first.
    pub payments: Vec<Payment>,
    /// Grows by one with each saved change; optimistic lock of the order and all its payments.
    pub row_version: i64,
}

/// An event that a change publishes, in the transaction that saves the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentEvent {
    Succeeded(PaymentSucceeded),
    Failed(PaymentFailed),
    Refunded(PaymentRefunded),
    RefundFailed(PaymentRefundFailed),
}

/// A change that is decided and not saved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub after: OrderPayments,
    pub events: Vec<PaymentEvent>,
}

/// Id and due time of the refund that a change may create. Generated before the decision, which is pure.
#[derive(Debug, Clone, Copy)]
pub struct NextRefund {
    pub refund_id: RefundId,
    pub now: Timestamp,
}

impl OrderPayments {
    /// Applies a version of the order; `None` unless it is newer than the known one. A cancellation makes the refund
    /// of a captured payment due.
    #[must_use]
    pub fn apply_order(known: Option<Self>, order: &KnownOrder, next_refund: NextRefund) -> Option<Self> {
        let Some(mut after) = known else {
            return Some(Self { order: order.clone(), payments: Vec::new(), row_version: 0 });
        };
        if order.version <= after.order.version {
            return None;
        }
        // Cancelled is final: a later version that is not cancelled would be a defect of order's, and must not open a
        // second chance to pay.
        let was_cancelled = after.order.is_cancelled();
        after.order = order.clone();
        if was_cancelled {
            after.order.state = OrderState::Cancelled;
        }
        if after.order.is_cancelled() {
            let captured = |payment: &&mut Payment| matches!(payment.outcome, Outcome::Captured { .. });
            if let Some(payment) = after.payments.iter_mut().find(captured) {
                payment.refund_remainder(next_refund);
            }
        }
        Some(after)
    }

    /// Claims the order for one attempt by `payer`, whose money `account` takes, before any provider is called.
    ///
    /// Errors: the order of another user; an order that cannot be paid now; another attempt that holds the claim.
    pub fn claim(
        mut self,
        payment_id: PaymentId,
        payer: UserId,
        key: RequestKey,
        account: ProviderAccount,
        now: Timestamp,
    ) -> Result<Self, PaymentError> {
        if self.order.user_id != payer {
            return Err(PaymentError::OrderNotFound);
        }
        if self.order.is_cancelled() {
            return Err(PaymentError::OrderNotPayable);
        }
        match self.payments.iter().find(|payment| payment.holds_claim()).map(Payment::status) {
            Some(Status::Processing) => return Err(PaymentError::InProgress),
            Some(_) => return Err(PaymentError::AlreadyPaid),
            None => {}
        }
        if self.order.state == OrderState::Created {
            return Err(PaymentError::OrderNotConfirmed);
        }
        if !self.order.is_payable(now) {
            return Err(PaymentError::OrderNotPayable);
        }
        self.payments.push(Payment {
            payment_id,
            order_id: self.order.order_id,
            user_id: payer,
            amount: self.order.amount,
            account: Some(account),
            outcome: Outcome::Pending,
            claimed_at: now,
            version: 1,
            key,
            refunds: Vec::new(),
        });
        Ok(self)
    }

    /// Records that the provider captured `payment_id` at `at`; `None` when the capture is already recorded.
    #[must_use]
    pub fn record_capture(mut self, payment_id: PaymentId, at: Timestamp, next_refund: NextRefund) -> Option<Decision> {
        let is_cancelled = self.order.is_cancelled();
        let payment = self.payment_mut(payment_id)?;
        let mut events = Vec::new();
        match payment.outcome {
            Outcome::Captured { .. } | Outcome::CapturedAfterFailure { .. } => return None,
            Outcome::Pending => {
                payment.outcome = Outcome::Captured { at };
                payment.version += 1;
                events.push(PaymentEvent::Succeeded(succeeded(payment, at)));
                if is_cancelled {
                    payment.refund_remainder(next_refund);
                }
            }
            Outcome::Failed { code } => {
                payment.outcome = Outcome::CapturedAfterFailure { code, at };
                payment.version += 1;
                payment.refund_remainder(next_refund);
            }
        }
        Some(Decision { after: self, events })
    }

    /// Records that `payment_id` provably was not captured; `None` when its outcome is already recorded.
    #[must_use]
    pub fn record_failure(mut self, payment_id: PaymentId, code: FailureCode) -> Option<Decision> {
        let payment = self.payment_mut(payment_id)?;
        if payment.outcome != Outcome::Pending {
            return None;
        }
        payment.outcome = Outcome::Failed { code };
        payment.version += 1;
        let event = PaymentEvent::Failed(PaymentFailed {
            payment_id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            amount: payment.amount,
            failure_code: code.as_str().to_owned(),
            version: payment.version,
        });
        Some(Decision { after: self, events: vec![event] })
    }

    /// Makes a refund of `amount` due, or of everything that is left; also of a capture that was reported after the
    /// payment had failed, when its automatic refund failed.
    ///
    /// Errors: an unknown payment; nothing left to refund; more than is left; another currency.
    pub fn request_refund(
        mut self,
        payment_id: PaymentId,
        amount: Option<Money>,
        request: RefundRequest,
        next_refund: NextRefund,
    ) -> Result<Self, PaymentError> {
        let payment = self.payment_mut(payment_id).ok_or(PaymentError::NotFound)?;
        let left = payment.refundable_amount();
        if left.minor == 0 {
            return Err(PaymentError::NotRefundable);
        }
        let amount = amount.unwrap_or(left);
        if amount.currency != left.currency {
            return Err(PaymentError::CurrencyMismatch);
        }
        if amount.minor <= 0 || amount.minor > left.minor {
            return Err(PaymentError::RefundTooLarge);
        }
        payment.add_refund(amount, Some(request), next_refund);
        Ok(self)
    }

    /// Records that the provider returned the money of `refund_id` at `at`; `None` when its outcome is already recorded.
    #[must_use]
    pub fn record_refund(mut self, refund_id: RefundId, at: Timestamp) -> Option<Decision> {
        let (payment, index) = self.refund_mut(refund_id)?;
        let refund = payment.refunds.get_mut(index)?;
        if refund.status != RefundStatus::Processing {
            return None;
        }
        refund.settle(RefundStatus::Succeeded, at);
        let refund = refund.clone();
        payment.version += 1;
        let events = vec![PaymentEvent::Refunded(refunded(payment, &refund, at))];
        Some(Decision { after: self, events })
    }

    /// Records at `at` that `refund_id` failed for good: that the provider refused it, or that money which was returned
    /// came back. Its amount can be refunded again. `None` when the failure is already recorded.
    #[must_use]
    pub fn record_refund_failure(mut self, refund_id: RefundId, at: Timestamp) -> Option<Decision> {
        let (payment, index) = self.refund_mut(refund_id)?;
        let refund = payment.refunds.get_mut(index)?;
        let had_succeeded = match refund.status {
            RefundStatus::Processing => false,
            RefundStatus::Succeeded => true,
            RefundStatus::Failed => return None,
        };
        refund.settle(RefundStatus::Failed, at);
        let amount = refund.amount;
        payment.version += 1;
        let event = PaymentEvent::RefundFailed(PaymentRefundFailed {
            payment_id: payment.payment_id,
            refund_id,
            order_id: payment.order_id,
            user_id: payment.user_id,
            amount,
            refunded_amount: payment.refunded_amount(),
            had_succeeded,
            failed_at: at,
            version: payment.version,
        });
        Some(Decision { after: self, events: vec![event] })
    }

    /// Records that the provider answered the `attempt` at `refund_id` with an error at `at`; `None` unless that is the
    /// current attempt, still without an answer.
    #[must_use]
    pub fn record_refund_answer(mut self, refund_id: RefundId, attempt: i64, at: Timestamp) -> Option<Self> {
        let (payment, index) = self.refund_mut(refund_id)?;
        let refund = payment.refunds.get_mut(index)?;
        let is_news = refund.status == RefundStatus::Processing && refund.answered_at.is_none();
        if !is_news || refund.attempt != attempt {
            return None;
        }
        refund.answered_at = Some(at);
        Some(self)
    }

    /// Begins the next attempt at `refund_id`, after a look-up that began at `looked_up_at` found no such refund at the
    /// provider; `None` unless the `attempt` was answered with an error well before.
    #[must_use]
    pub fn begin_next_attempt(mut self, refund_id: RefundId, attempt: i64, looked_up_at: Timestamp) -> Option<Self> {
        let (payment, index) = self.refund_mut(refund_id)?;
        let refund = payment.refunds.get_mut(index)?;
        let answered_at = refund.answered_at?;
        let is_certain = looked_up_at >= answered_at.plus(Refund::PAUSE_BEFORE_NEXT_ATTEMPT);
        if refund.status != RefundStatus::Processing || refund.attempt != attempt || !is_certain {
            return None;
        }
        refund.attempt += 1;
        refund.answered_at = None;
        Some(self)
    }

    #[must_use]
    pub fn payment(&self, payment_id: PaymentId) -> Option<&Payment> {
        self.payments.iter().find(|payment| payment.payment_id == payment_id)
    }

    /// Returns the capture that pays the order, as its event carries it, and the amount refunded of it.
    #[must_use]
    pub fn capture(&self) -> Option<(PaymentSucceeded, Money)> {
        self.payments.iter().find_map(|payment| match payment.outcome {
            Outcome::Captured { at } => Some((succeeded(payment, at), payment.refunded_amount())),
            Outcome::Pending | Outcome::Failed { .. } | Outcome::CapturedAfterFailure { .. } => None,
        })
    }

    /// Returns the latest refund of the capture that pays the order; `None` unless all of it is refunded.
    #[must_use]
    pub fn full_refund(&self) -> Option<RefundId> {
        let payment = self.payments.iter().find(|payment| payment.status() == Status::Refunded)?;
        let returned = payment.refunds.iter().filter(|refund| refund.status == RefundStatus::Succeeded);
        returned.max_by_key(|refund| (refund.settled_at, refund.refund_id)).map(|refund| refund.refund_id)
    }

    fn payment_mut(&mut self, payment_id: PaymentId) -> Option<&mut Payment> {
        self.payments.iter_mut().find(|payment| payment.payment_id == payment_id)
    }

    /// Returns the payment of a refund, and the refund's index.
    fn refund_mut(&mut self, refund_id: RefundId) -> Option<(&mut Payment, usize)> {
        self.payments.iter_mut().find_map(|payment| {
            let index = payment.refunds.iter().position(|refund| refund.refund_id == refund_id)?;
            Some((payment, index))
        })
    }
}

impl Refund {
    fn settle(&mut self, status: RefundStatus, at: Timestamp) {
        self.status = status;
        self.settled_at = Some(at);
    }
}

impl Payment {
    /// Makes an automatic refund of everything that is left due, if anything is left.
    fn refund_remainder(&mut self, next_refund: NextRefund) {
        let left = self.refundable_amount();
        if left.minor > 0 {
            self.add_refund(left, None, next_refund);
        }
    }

    fn add_refund(&mut self, amount: Money, request: Option<RefundRequest>, next_refund: NextRefund) {
        let NextRefund { refund_id, now } = next_refund;
        self.refunds.push(Refund {
            refund_id,
            amount,
            status: RefundStatus::Processing,
            due_at: now,
            settled_at: None,
            attempt: 1,
            answered_at: None,
            request,
        });
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
        refunded_amount: payment.refunded_amount(),
        // Never of a failed attempt: its money was not the order's, which may be paid by another.
        in_full: payment.status() == Status::Refunded,
        refunded_at: at,
        version: payment.version,
    }
}
