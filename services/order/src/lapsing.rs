//! Orders lapse whose stock is not decided in time, and those that are not paid in time.
//!
//! An unpaid order lapses only once payment confirms that nothing is captured or under way. Without a clear answer payment
//! is queried again, at growing intervals: its silence never cancels a paid order. An undecided order was never payable, so
//! its deadline alone ends it.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_kit::CallError;
use souk_peers::payment::PaymentState;
use souk_sql::SqlError;
use souk_values::{IdGen, Timestamp};

use crate::{
    app::App,
    order::{StepCause, transition::Input},
    store::{ActOutcome, DueOrder, OrderAct},
};

/// Orders read from the store in one go.
const BATCH: u64 = 64;
const CONCURRENT_QUERIES: usize = 8;

/// Error that leaves an order unsettled until the next attempt.
#[derive(Debug, thiserror::Error)]
enum SettleError {
    #[error(transparent)]
    Store(#[from] SqlError),
    #[error(transparent)]
    Payment(#[from] CallError),
}

/// Settles every order that is due. Returns the time at which the next one is.
///
/// May be dropped between two steps: an order that was claimed and not settled becomes due again.
pub(crate) async fn settle_due(app: App) -> Result<Option<Timestamp>, SqlError> {
    let app = &app;
    loop {
        let due = app.store.due_to_lapse(app.clock.now(), BATCH).await?;
        if due.is_empty() {
            return app.store.next_lapse().await;
        }
        let mut settling = stream::iter(due)
            .map(|due| async move { (due, settle(app, due).await) })
            .buffer_unordered(CONCURRENT_QUERIES);
        while let Some((due, settled)) = settling.next().await {
            match settled {
                Ok(()) => {}
                Err(SettleError::Payment(error)) => {
                    tracing::info!(order.id = %due.order_id, error = %error, "payment is queried again about an order");
                }
                // Unclaimed, the order would still be due and this loop would spin; the next run retries.
                Err(SettleError::Store(error)) => return Err(error),
            }
        }
    }
}

async fn settle(app: &App, due: DueOrder) -> Result<(), SettleError> {
    let undecided_at = due.is_undecided.then(|| undecided_at(app, due));
    if let Some(at) = undecided_at.filter(|at| app.clock.now() < *at) {
        // Product still has time to answer.
        app.store.claim_lapse(due, at).await?;
        return Ok(());
    }
    // Claimed first: if this process dies or the query fails, the order is due again then.
    if !app.store.claim_lapse(due, retry_at(app, due.queries)).await? {
        return Ok(());
    }
    let (input, cause) = if due.is_undecided {
        (Input::LapseUndecided { decide_within: app.config.decide_within() }, StepCause::Undecided)
    } else {
        let state = app.payments.state(due.order_id).await?;
        let Some(decided) = decide(state, app.clock.now()) else { return Ok(()) };
        decided
    };
    let act = OrderAct { order_id: due.order_id, owner: None, input, cause, inbox: None };
    if let ActOutcome::Refused(refusal, status) = app.apply(act).await? {
        tracing::warn!(order.id = %due.order_id, order.status = %status, reason = ?refusal, "an order did not lapse");
    }
    Ok(())
}

/// Returns the time at which an order without product's answer is cancelled. Answers that arrived while the service was
/// stopped wait in the queue, so after a start they are given as long as payment is after `payBy`.
fn undecided_at(app: &App, due: DueOrder) -> Timestamp {
    let answered_by = due.order_date.plus(app.config.decide_within());
    answered_by.max(app.started_at.plus(app.config.lapse_after()))
}

/// Returns the time at which a claimed order is due again.
fn retry_at(app: &App, queries: u32) -> Timestamp {
    app.clock.now().plus(retry_pause(app.config.lapse_again(queries), &app.ids))
}

/// Draws a pause. The jitter spreads the queries about orders that became due together; as it takes at most half of
/// `longest`, which doubles from query to query, no pause is shorter than the one before.
fn retry_pause(longest: Duration, ids: &IdGen) -> Duration {
    longest / 2 + ids.jitter(longest / 2)
}

/// Decides from payment's answer what becomes of an unpaid order; `None` while a payment is under way.
fn decide(state: PaymentState, now: Timestamp) -> Option<(Input, StepCause)> {
    match state.captured {
        // An order of 0 has as much refunded as captured, and is paid nevertheless.
        Some(capture) if capture.amount.minor > 0 && state.refunded == Some(capture.amount) => {
            let input = Input::Refunded {
                payment_id: capture.payment_id,
                amount: capture.amount,
                in_full: true,
                had_failed: false,
                came_back: false,
                at: now,
            };
            // A payment service from before refunds were named does not name this one; its event does.
            state.full_refund.map(|refund| (input, StepCause::Refund(refund)))
        }
        Some(capture) => Some((
            Input::Paid { payment_id: capture.payment_id, amount: capture.amount, at: capture.captured_at },
            StepCause::Capture(capture.payment_id),
        )),
        None if state.processing => None,
        None => Some((Input::LapseUnpaid, StepCause::Lapse)),
    }
}

#[cfg(test)]
mod tests {
    use souk_events::PaymentSucceeded;
    use souk_values::{Currency, Id, Money, OrderId, PaymentId, SystemClock, UserId};

    use super::*;

    #[test]
    fn a_pause_is_between_half_and_all_of_the_longest() {
        let ids = IdGen::new(std::sync::Arc::new(SystemClock));
        let longest = Duration::from_secs(100);
        let pauses: Vec<_> = (0..1_000).map(|_| retry_pause(longest, &ids).as_secs()).collect();
        let (shortest, longest) = (pauses.iter().min().copied(), pauses.iter().max().copied());
        assert!(shortest.is_some_and(|shortest| (50..60).contains(&shortest)), "{shortest:?}");
        assert!(longest.is_some_and(|longest| (90..=100).contains(&longest)), "{longest:?}");
    }

    #[test]
    fn an_order_of_nothing_is_paid_though_as_much_is_refunded_as_captured() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let nothing = Money::new(0, Currency::EUR);
        let capture = PaymentSucceeded {
            payment_id: PaymentId::new(9).unwrap(),
            order_id: OrderId::new(1).unwrap(),
            user_id: UserId::new(2).unwrap(),
            amount: nothing,
            captured_at: now,
            version: 2,
        };
        let state =
            PaymentState { captured: Some(capture), processing: false, refunded: Some(nothing), full_refund: None };
        assert!(matches!(decide(state, now), Some((Input::Paid { .. }, StepCause::Capture(_)))));
    }
}
