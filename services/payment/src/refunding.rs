//! Refunding a payment: the refund is on disk before the provider is called, and its outcome is recorded.

use souk_bus::trace;
use souk_values::{Money, PaymentId};
use tokio::task::JoinHandle;

use crate::{
    app::{ATTEMPTS, App, ChangeOutcome, Step},
    charging,
    error::PaymentError,
    order_payments::{Decision, OrderPayments},
    payment::{Payment, RefundRequest},
    provider::RefundOutcome,
    store::OpenRefund,
};

/// Result of an admin's request for a refund.
pub(crate) enum Requested {
    /// A new refund: due, on disk, and not sent yet.
    New(OpenRefund),
    /// The payment whose refund an earlier request with the same key made, in its current state.
    Replayed(Payment),
}

/// Makes a refund of `payment` due, of `amount` or of everything that is left.
pub(crate) async fn request(
    app: &App,
    payment: PaymentId,
    amount: Option<Money>,
    request: &RefundRequest,
) -> Result<Requested, PaymentError> {
    for _ in 0..ATTEMPTS {
        if let Some(earlier) = app.store.refund_by_key(request.admin, &request.key.key_hash).await? {
            // The same key for another payment is another request.
            if earlier.payment_id != payment {
                return Err(PaymentError::KeyReused);
            }
            return charging::replay(app, earlier, &request.key).await.map(Requested::Replayed);
        }
        let order = app.store.order_of(payment).await?.ok_or(PaymentError::NotFound)?;
        let next_refund = app.next_refund();
        let decide = |known: Option<OrderPayments>| {
            let decided = known
                .ok_or(PaymentError::NotFound)
                .and_then(|known| known.request_refund(payment, amount, request.clone(), next_refund));
            match decided {
                Ok(after) => {
                    let refund = after.payment(payment).and_then(|payment| payment.refunds.last());
                    let due = refund.map(|refund| OpenRefund {
                        order_id: order,
                        payment_id: payment,
                        refund_id: next_refund.refund_id,
                        amount: refund.amount,
                    });
                    Step::Save(Decision { after, events: Vec::new() }, due.ok_or(PaymentError::NotFound))
                }
                Err(refusal) => Step::Unchanged(Err(refusal)),
            }
        };
        match app.try_change(order, None, decide).await? {
            ChangeOutcome::Done(due) => return due.map(Requested::New),
            ChangeOutcome::Conflict | ChangeOutcome::Duplicate => {}
        }
    }
    Err(PaymentError::Contended)
}

/// Sends a refund on a task of its own. If the process ends first, settling sends it.
pub(crate) fn spawn_send(app: App, due: OpenRefund) -> JoinHandle<()> {
    tokio::spawn(trace::within(trace::current(), send(app, due)))
}

/// Sends a refund and waits for the outcome. A caller that disconnects does not stop it.
pub(crate) async fn send_and_wait(app: &App, due: OpenRefund) {
    if let Err(error) = spawn_send(app.clone(), due).await {
        tracing::error!(refund.id = %due.refund_id, error = %error, "sending the refund panicked; it will be settled");
    }
}

/// Sends a due refund to the provider and records its outcome. Without a response the refund stays due: settling
/// queries the provider, and sends the refund again under the same key.
async fn send(app: App, due: OpenRefund) {
    match app.provider.refund(due.refund_id, due.payment_id, due.amount).await {
        Ok(outcome) => {
            if let Err(error) = record_outcome(&app, due, outcome).await {
                tracing::error!(refund.id = %due.refund_id, error = %error, "the outcome of the refund was not recorded; it will be settled");
            }
        }
        Err(error) => {
            tracing::warn!(refund.id = %due.refund_id, error = %error, "the refund stays due and will be sent again");
        }
    }
}

pub(crate) async fn record_outcome(app: &App, due: OpenRefund, outcome: RefundOutcome) -> Result<(), PaymentError> {
    let now = app.clock.now();
    let decide = |known: Option<OrderPayments>| {
        let decision = known.and_then(|known| match outcome {
            RefundOutcome::Done { at } => known.record_refund(due.refund_id, at),
            RefundOutcome::Refused => known.record_refund_failure(due.refund_id, now),
            RefundOutcome::Pending | RefundOutcome::Unknown => None,
        });
        decision.map_or(Step::Unchanged(false), |decision| Step::Save(decision, true))
    };
    let changed = app.change(due.order_id, None, decide).await?;
    if matches!((changed, outcome), (ChangeOutcome::Done(true), RefundOutcome::Refused)) {
        tracing::error!(
            payment.id = %due.payment_id, refund.id = %due.refund_id,
            "the provider refused a refund for good; return the money to the customer by other means"
        );
    }
    Ok(())
}
