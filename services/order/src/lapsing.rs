//! Orders lapse whose stock is not decided in time, and those that are not paid in time.
//!
//! An unpaid order lapses only once payment confirms that nothing is captured or under way. Without a clear answer payment
//! is queried again, at growing intervals: its silence never cancels a paid order. An undecided order was never payable, so
//! its deadline alone ends it.

use futures::{StreamExt, stream};
use souk_kit::CallError;
use souk_peers::payment::PaymentState;
use souk_sql::SqlError;
use souk_values::Timestamp;

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

/// Returns the time at which a claimed order is due again. The jitter spreads the queries about orders that became due
/// together; as it takes at most half of a pause, no pause is shorter than the one before.
fn retry_at(app: &App, queries: u32) -> Timestamp {
    let longest = app.config.lapse_again(queries);
    app.clock.now().plus(longest / 2).plus(app.ids.jitter(longest / 2))
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
