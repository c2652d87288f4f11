//! The rows that a decided change writes, the same on every engine.

use souk_values::Timestamp;

use super::{
    Change,
    entities::{payment, payment_refund},
    rows,
    schedule::FIRST_CHECK,
};
use crate::payment::{Payment, Refund, RefundStatus};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChangedRow {
    NewPayment(payment::Model),
    Payment(payment::Model),
    NewRefund(payment_refund::Model),
    /// A refund, and the time at which the provider is queried next, if the change moves it.
    Refund(payment_refund::Model, Option<Timestamp>),
}

/// Returns the payments and refunds that differ from those that were read, each payment before its refunds.
pub(super) fn changed_rows(change: &Change) -> Vec<ChangedRow> {
    let known: &[Payment] = change.before.as_ref().map_or(&[], |before| &before.payments);
    let mut changed = Vec::new();
    for payment in &change.after.payments {
        let before = known.iter().find(|before| before.payment_id == payment.payment_id);
        match before {
            Some(before) if before == payment => continue,
            Some(_) => changed.push(ChangedRow::Payment(rows::payment(payment))),
            None => changed.push(ChangedRow::NewPayment(rows::payment(payment))),
        }
        changed.extend(changed_refunds(before, payment));
    }
    changed
}

fn changed_refunds(before: Option<&Payment>, payment: &Payment) -> Vec<ChangedRow> {
    let known: &[Refund] = before.map_or(&[], |before| &before.refunds);
    let changed = payment.refunds.iter().filter_map(|refund| {
        let before = known.iter().find(|before| before.refund_id == refund.refund_id);
        match before {
            Some(before) if before == refund => None,
            Some(before) => Some(ChangedRow::Refund(rows::refund(payment, refund), next_query(before, refund))),
            None => Some(ChangedRow::NewRefund(rows::refund(payment, refund))),
        }
    });
    changed.collect()
}

/// Returns the time of the first check of a refund that has just succeeded; `None` for any other change.
fn next_query(before: &Refund, after: &Refund) -> Option<Timestamp> {
    let has_succeeded = after.status == RefundStatus::Succeeded && before.status != RefundStatus::Succeeded;
    after.settled_at.filter(|_| has_succeeded).map(|at| at.plus(FIRST_CHECK))
}
