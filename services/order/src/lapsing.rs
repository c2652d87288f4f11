//! Gives up orders that are not paid in time; but only when payment says that no money is there or on
//! its way. While payment cannot say, it is asked again: no paid order is ever cancelled for its silence.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_kit::CallError;
use souk_peers::payment::PaymentState;
use souk_sql::SqlError;
use souk_values::{Timestamp, clock};
use tokio_util::sync::CancellationToken;

use crate::{
    App,
    order::{Cause, transition::Input},
    store::{Changed, Due},
};

/// How often due orders are looked for though none is known to be due.
const LOOK: Duration = Duration::from_secs(5);
/// Orders claimed at once.
const BATCH: u64 = 64;
/// Questions to payment at the same time.
const AT_ONCE: usize = 8;

/// What keeps one order from being settled now.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error(transparent)]
    Store(#[from] SqlError),
    #[error(transparent)]
    Payment(#[from] CallError),
}

/// Settles orders as they become due, until `stop`.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    loop {
        // Dropping a round between two steps is safe: what it claimed is asked about again.
        let round = async {
            let next = settle_due(&app).await;
            clock::sleep_until(&*app.clock, next).await;
        };
        tokio::select! { () = stop.cancelled() => return, () = round => {} }
    }
}

/// Settles what is due; answers when to look again.
async fn settle_due(app: &App) -> Timestamp {
    let later = app.clock.now().plus(LOOK);
    match settle_all(app).await {
        Ok(next) => next.map_or(later, |next| next.min(later)),
        Err(error) => {
            tracing::warn!(error = %error, "unpaid orders could not be looked for; tried again");
            later
        }
    }
}

async fn settle_all(app: &App) -> Result<Option<Timestamp>, SqlError> {
    loop {
        let due = app.store.due_to_lapse(app.clock.now(), BATCH).await?;
        if due.is_empty() {
            return app.store.next_lapse().await;
        }
        let mut settling =
            stream::iter(due).map(|due| async move { (due, settle(app, due).await) }).buffer_unordered(AT_ONCE);
        while let Some((due, settled)) = settling.next().await {
            match settled {
                Ok(()) => {}
                Err(Unsettled::Payment(error)) => {
                    tracing::info!(order.id = %due.order_id, error = %error, "payment is asked again about an order");
                }
                // Without a claim the order would be due again at once; leave the round instead.
                Err(Unsettled::Store(error)) => return Err(error),
            }
        }
    }
}

async fn settle(app: &App, due: Due) -> Result<(), Unsettled> {
    let again = app.clock.now().plus(app.config.lapse_again());
    if !app.store.claim_lapse(due, again).await? {
        return Ok(());
    }
    let state = app.payments.state(due.order_id).await?;
    let Some(act) = judge(state, app.clock.now()) else { return Ok(()) };
    if let Changed::Refused(refusal, status) = app.act(due.order_id, None, act, None).await? {
        tracing::warn!(order.id = %due.order_id, order.status = %status, reason = ?refusal, "an order did not lapse");
    }
    Ok(())
}

/// What payment's word means for an unpaid order; `None`: it cannot say yet.
fn judge(state: PaymentState, now: Timestamp) -> Option<(Input, Cause)> {
    match state.captured {
        Some(capture) if capture.amount.minor > 0 && state.refunded == Some(capture.amount) => Some((
            Input::Refunded {
                payment_id: capture.payment_id,
                amount: capture.amount,
                in_full: true,
                had_failed: false,
                at: now,
            },
            Cause::FullRefund(capture.payment_id),
        )),
        Some(capture) => Some((
            Input::Paid { payment_id: capture.payment_id, amount: capture.amount, at: capture.captured_at },
            Cause::Capture(capture.payment_id),
        )),
        None if state.processing => None,
        None => Some((Input::LapseUnpaid, Cause::Lapse)),
    }
}
