//! The rows that a decided change writes, the same on every engine.

use super::{
    Change,
    entities::{payment, payment_refund},
    rows,
};
use crate::payment::{Payment, Refund};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChangedRow {
    NewPayment(payment::Model),
    Payment(payment::Model),
    NewRefund(payment_refund::Model),
    Refund(payment_refund::Model),
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
            Some(_) => Some(ChangedRow::Refund(rows::refund(payment, refund))),
            None => Some(ChangedRow::NewRefund(rows::refund(payment, refund))),
        }
    });
    changed.collect()
}
