//! Settling: resolves payments and refunds that a crash or a lost response left open, by queries and never by charging
//! again.
//!
//! Several replicas may settle the same row concurrently: each queries, and recording checks the row version.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_values::{Id, OrderId, PaymentId};

use crate::{
    app::App,
    charging,
    error::PaymentError,
    metrics,
    payment::{Refund, RefundStatus},
    provider::{ChargeOutcome, RefundOutcome, WebhookEvent},
    refunding,
    store::OpenRefund,
};

/// Concurrent queries to the provider.
const CONCURRENCY: usize = 16;
/// Age from which an open payment counts as stuck.
const STUCK_AFTER: Duration = Duration::from_mins(5);

/// Queries the provider once for each payment and refund that has been open for long enough, and sets the gauges.
pub(crate) async fn settle(app: App) -> Result<(), PaymentError> {
    let app = &app;
    let before = app.clock.now().minus(Duration::from_millis(app.config.settle_after_ms));
    let mut after = 0;
    loop {
        let open = app.store.open_payments(before, after).await?;
        let Some(last) = open.last() else { break };
        after = last.payment_id.get();
        let queries = open.into_iter().map(|open| async move {
            if let Err(error) = settle_payment(app, open.order_id, open.payment_id).await {
                tracing::warn!(payment.id = %open.payment_id, error = %error, "the payment stays open and will be queried again");
            }
        });
        stream::iter(queries).buffer_unordered(CONCURRENCY).collect::<()>().await;
    }
    let mut after = 0;
    loop {
        let open = app.store.open_refunds(before, after).await?;
        let Some(last) = open.last() else { break };
        after = last.refund_id.get();
        let queries = open.into_iter().map(|open| async move {
            if let Err(error) = settle_refund(app, open).await {
                tracing::warn!(refund.id = %open.refund_id, error = %error, "the refund stays due and will be queried again");
            }
        });
        stream::iter(queries).buffer_unordered(CONCURRENCY).collect::<()>().await;
    }
    metrics::set_open(app.store.open_counts(app.clock.now().minus(STUCK_AFTER)).await?);
    Ok(())
}

async fn settle_payment(app: &App, order: OrderId, payment: PaymentId) -> Result<(), PaymentError> {
    let mut outcome = app.provider.lookup(payment).await?;
    // A key unknown to the provider is closed there first. Only then is a charge that may still be on its way certain
    // to be refused, and the payment may fail.
    if outcome == ChargeOutcome::Unknown {
        outcome = app.provider.close(payment).await?;
    }
    charging::record_outcome(app, order, payment, outcome).await?;
    Ok(())
}

async fn settle_refund(app: &App, due: OpenRefund) -> Result<(), PaymentError> {
    let mut outcome = app.provider.lookup_refund(due.refund_id, due.payment_id).await?;
    // Sent again under its own key, a refund still takes effect once.
    if outcome == RefundOutcome::Unknown {
        outcome = app.provider.refund(due.refund_id, due.payment_id, due.amount).await?;
    }
    refunding::record_outcome(app, due, outcome).await
}

/// Queries the provider for the payment that a webhook names, for its open refunds and for the refund it names.
pub(crate) async fn settle_webhook(app: &App, event: WebhookEvent) -> Result<(), PaymentError> {
    let WebhookEvent { payment_id, refund_id: named } = event;
    let Some(order_id) = app.store.order_of(payment_id).await? else { return Ok(()) };
    let outcome = app.provider.lookup(payment_id).await?;
    charging::record_outcome(app, order_id, payment_id, outcome).await?;
    let order_payments = app.store.order_payments(order_id).await?;
    let payment = order_payments.iter().filter_map(|order_payments| order_payments.payment(payment_id));
    for refund in payment.flat_map(|payment| &payment.refunds) {
        let Refund { refund_id, amount, status, .. } = *refund;
        if status != RefundStatus::Processing && named != Some(refund_id) {
            continue;
        }
        let outcome = app.provider.lookup_refund(refund_id, payment_id).await?;
        if status == RefundStatus::Succeeded && outcome == RefundOutcome::Refused {
            tracing::error!(
                payment.id = %payment_id, refund.id = %refund_id,
                "a completed refund bounced back to the provider; return the money to the customer by other means"
            );
        }
        refunding::record_outcome(app, OpenRefund { order_id, payment_id, refund_id, amount }, outcome).await?;
    }
    Ok(())
}
