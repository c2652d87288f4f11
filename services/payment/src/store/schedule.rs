//! The schedule of settling: which payments and refunds are queried at the provider next, and by which replica.
//!
//! Each row has the time of its next query, in a column of its own: whoever moves that time on from the value that was
//! read has the row's turn, and no other replica queries before the new time. So the time is also the lease of a turn
//! that a killed process took, and a saved change of the row's state neither waits for it nor overwrites it.

use std::time::Duration;

use souk_values::{Money, OrderId, PaymentId, RefundId, Timestamp};

use super::StoreError;
use crate::{
    payment::{Payment, Refund, RefundStatus},
    provider_account::ProviderAccount,
};

/// Rows in a page of due payments or refunds.
pub(super) const PAGE: u32 = 200;
/// Time from the success of a refund to its first check.
pub const FIRST_CHECK: Duration = Duration::from_hours(24);
/// Time from the success of a refund to the end of its checks. Money that a bank could not place comes back within weeks.
pub const CHECKED_FOR: Duration = Duration::from_hours(30 * 24);
/// Time of the next query of a row that is not queried any more: the end of the year 9999.
pub const NEVER: Timestamp = Timestamp::MAX;

#[async_trait::async_trait]
pub trait Schedule: Send + Sync + std::fmt::Debug {
    /// Lists a page of the payments without a known outcome whose query is due, ordered by id, from the first id above
    /// `after` on.
    async fn due_payments(&self, due: DueBy, after: i64) -> Result<Vec<DuePayment>, StoreError>;
    /// Lists a page of the refunds in `status` whose query is due, ordered by id, from the first id above `after` on.
    async fn due_refunds(&self, status: RefundStatus, due: DueBy, after: i64) -> Result<Vec<DueRefund>, StoreError>;
    /// Takes the turn of a row by moving its next query from `seen` to `next`; false when another replica has the turn.
    async fn take_turn(&self, row: Row, seen: Timestamp, next: Timestamp) -> Result<bool, StoreError>;
    /// Lists the accounts that open payments and refunds need.
    async fn needed_accounts(&self) -> Result<Vec<NeededAccount>, StoreError>;
}

/// Rows that are due: their next query was planned for `now` or earlier, and they are open since `open_since` or longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueBy {
    pub now: Timestamp,
    pub open_since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Payment(PaymentId),
    /// A refund, and the payment that it refunds.
    Refund(RefundId, PaymentId),
}

impl Row {
    #[must_use]
    pub fn payment_id(self) -> PaymentId {
        match self {
            Self::Payment(id) | Self::Refund(_, id) => id,
        }
    }
}

/// A payment whose outcome is not known, and whose query is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePayment {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub account: Option<ProviderAccount>,
    pub claimed_at: Timestamp,
    /// Planned time of the query.
    pub next_query: Timestamp,
}

/// A refund whose query is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRefund {
    pub refund: OpenRefund,
    /// Time since which it is due or, if it succeeded, since it did.
    pub since: Timestamp,
    /// Planned time of the query.
    pub next_query: Timestamp,
}

/// A refund as it is sent and looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRefund {
    pub order_id: OrderId,
    pub payment_id: PaymentId,
    pub refund_id: RefundId,
    pub amount: Money,
    /// Account that took the payment.
    pub account: Option<ProviderAccount>,
    pub attempt: i64,
    /// Time at which the provider answered the attempt with an error.
    pub answered_at: Option<Timestamp>,
}

impl OpenRefund {
    #[must_use]
    pub fn new(payment: &Payment, refund: &Refund) -> Self {
        Self {
            order_id: payment.order_id,
            payment_id: payment.payment_id,
            refund_id: refund.refund_id,
            amount: refund.amount,
            account: payment.account.clone(),
            attempt: refund.attempt,
            answered_at: refund.answered_at,
        }
    }
}

/// An account that open rows need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededAccount {
    pub account: ProviderAccount,
    /// Payments without a known outcome.
    pub payments: u64,
    /// Refunds that are due.
    pub refunds: u64,
}

impl NeededAccount {
    pub(super) fn none(account: ProviderAccount) -> Self {
        Self { account, payments: 0, refunds: 0 }
    }
}
