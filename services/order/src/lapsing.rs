//! Orders lapse that are not paid in time, but only once payment confirms that nothing is captured or under way.
//! Without a clear answer payment is queried again: its silence never cancels a paid order.

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
    // Claimed before payment is queried: if this process dies or the query fails, the order is due again at `retry_at`.
    let retry_at = app.clock.now().plus(app.config.lapse_again());
    if !app.store.claim_lapse(due, retry_at).await? {
        return Ok(());
    }
    let state = app.payments.state(due.order_id).await?;
    let Some((input, cause)) = decide(state, app.clock.now()) else { return Ok(()) };
    let act = OrderAct { order_id: due.order_id, owner: None, input, cause, inbox: None };
    if let ActOutcome::Refused(refusal, status) = app.apply(act).await? {
        tracing::warn!(order.id = %due.order_id, order.status = %status, reason = ?refusal, "an order did not lapse");
    }
    Ok(())
}

/// Decides from payment's answer what becomes of an unpaid order; `None` while a payment is under way.
fn decide(state: PaymentState, now: Timestamp) -> Option<(Input, StepCause)> {
    match state.captured {
        // An order of 0 has as much refunded as captured, and is paid nevertheless.
        Some(capture) if capture.amount.minor > 0 && state.refunded == Some(capture.amount) => Some((
            Input::Refunded {
                payment_id: capture.payment_id,
                amount: capture.amount,
                in_full: true,
                had_failed: false,
                at: now,
            },
            StepCause::FullRefund(capture.payment_id),
        )),
        Some(capture) => Some((
            Input::Paid { payment_id: capture.payment_id, amount: capture.amount, at: capture.captured_at },
            StepCause::Capture(capture.payment_id),
        )),
        None if state.processing => None,
        None => Some((Input::LapseUnpaid, StepCause::Lapse)),
    }
}
