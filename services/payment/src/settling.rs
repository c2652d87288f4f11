//! Settles what a crash or a lost answer left open, by asking the provider and never by charging again.
//!
//! Several replicas may settle the same row at once: each asks, and recording is version-checked.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_values::{Id, OrderId, PaymentId, clock};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    charging,
    error::PaymentError,
    metrics,
    payment::{Refund, RefundStatus},
    provider::{Charge, Notice, Return},
    refunding,
    store::OpenRefund,
};

/// Questions asked of the provider side by side.
const AT_ONCE: usize = 16;
/// A payment that is open for longer is stuck.
const STUCK_AFTER: Duration = Duration::from_mins(5);

/// Settles until `stop`: at the start, and then every so often.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            settled = settle(&app) => if let Err(error) = settled {
                tracing::warn!(error = %error, "what is open could not be read; it is tried again");
            },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = clock::sleep(&*app.clock, app.config.settle_every()) => {}
        }
    }
}

/// Asks once about everything that is open for long enough.
async fn settle(app: &App) -> Result<(), PaymentError> {
    let before = app.clock.now().minus(app.config.settle_after());
    let mut after = 0;
    loop {
        let open = app.store.open_payments(before, after).await?;
        let Some(last) = open.last() else { break };
        after = last.payment_id.get();
        let asking = open.into_iter().map(|open| async move {
            if let Err(error) = settle_payment(app, open.order_id, open.payment_id).await {
                tracing::warn!(payment.id = %open.payment_id, error = %error, "a payment stays open and is asked about again");
            }
        });
        stream::iter(asking).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
    let mut after = 0;
    loop {
        let open = app.store.open_refunds(before, after).await?;
        let Some(last) = open.last() else { break };
        after = last.refund_id.get();
        let asking = open.into_iter().map(|open| async move {
            if let Err(error) = settle_refund(app, open).await {
                tracing::warn!(refund.id = %open.refund_id, error = %error, "a refund stays due and is asked about again");
            }
        });
        stream::iter(asking).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
    metrics::show(app.store.standing(app.clock.now().minus(STUCK_AFTER)).await?);
    Ok(())
}

/// A key that the provider has not heard of is closed there first: only then is it certain that a
/// charge which is still on its way will not be taken, and the payment may be called failed.
async fn settle_payment(app: &App, order: OrderId, payment: PaymentId) -> Result<(), PaymentError> {
    let mut charge = app.provider.lookup(payment).await?;
    if charge == Charge::Unknown {
        charge = app.provider.close(payment).await?;
    }
    charging::note(app, order, payment, charge).await?;
    Ok(())
}

/// A refund that the provider has not heard of is sent, under its own key: it has effect once.
async fn settle_refund(app: &App, due: OpenRefund) -> Result<(), PaymentError> {
    let mut said = app.provider.lookup_refund(due.refund_id, due.payment_id).await?;
    if said == Return::Unknown {
        said = app.provider.refund(due.refund_id, due.payment_id, due.amount).await?;
    }
    refunding::note(app, due, said).await
}

/// Asks about a payment, and about refunds of it that are open, because the provider said that something
/// happened to it.
pub(crate) async fn look_again(app: &App, notice: Notice) -> Result<(), PaymentError> {
    let Notice { payment_id, refund_id: told } = notice;
    let Some(order_id) = app.store.order_of(payment_id).await? else { return Ok(()) };
    let charge = app.provider.lookup(payment_id).await?;
    charging::note(app, order_id, payment_id, charge).await?;
    let account = app.store.account(order_id).await?;
    let refunds = account.iter().filter_map(|account| account.payment(payment_id)).flat_map(|payment| &payment.refunds);
    for refund in refunds {
        let Refund { refund_id, amount, status, .. } = *refund;
        if status != RefundStatus::Processing && told != Some(refund_id) {
            continue;
        }
        let said = app.provider.lookup_refund(refund_id, payment_id).await?;
        if status == RefundStatus::Succeeded && said == Return::Refused {
            tracing::error!(
                payment.id = %payment_id, refund.id = %refund_id,
                "money that went back came back to the provider: somebody has to return it by other means"
            );
        }
        refunding::note(app, OpenRefund { order_id, payment_id, refund_id, amount }, said).await?;
    }
    Ok(())
}
