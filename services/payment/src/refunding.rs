//! Refunding a payment: the refund is on disk before the provider is called, and its outcome is recorded.

use std::sync::Arc;

use souk_bus::trace;
use souk_values::{Money, PaymentId};
use tokio::sync::Semaphore;

use crate::{
    app::{ATTEMPTS, App, ChangeOutcome, Step},
    charging,
    error::PaymentError,
    order_payments::{Decision, OrderPayments},
    payment::{Payment, RefundRequest},
    provider::{Provider, ProviderError, RefundCall, RefundOutcome},
    store::OpenRefund,
};

/// Automatic refunds that may wait to be sent; settling sends the others.
const MOST_TASKS: usize = 1_000;
/// Automatic refunds that are sent at the same time.
const MOST_REQUESTS: usize = 16;

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
                .and_then(|known| can_refund(app, known, payment))
                .and_then(|known| known.request_refund(payment, amount, request.clone(), next_refund));
            match decided {
                Ok(after) => {
                    let refund = after.payment(payment).and_then(|payment| Some((payment, payment.refunds.last()?)));
                    let due = refund.map(|(payment, refund)| OpenRefund::new(payment, refund));
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

/// Errors: the account that took the payment is not configured now, so that the refund could not be sent.
fn can_refund(app: &App, known: OrderPayments, payment: PaymentId) -> Result<OrderPayments, PaymentError> {
    match known.payment(payment).and_then(|payment| payment.account.as_ref()) {
        Some(account) if app.providers.at(account).is_none() => {
            Err(PaymentError::ProviderNotConfigured(account.clone()))
        }
        Some(_) | None => Ok(known),
    }
}

/// The automatic refunds that are being sent.
#[derive(Debug)]
pub(crate) struct Sending {
    /// Permits of those that wait or are sent.
    tasks: Arc<Semaphore>,
    /// Permits of those that are sent.
    requests: Semaphore,
}

impl Default for Sending {
    fn default() -> Self {
        Self { tasks: Arc::new(Semaphore::new(MOST_TASKS)), requests: Semaphore::new(MOST_REQUESTS) }
    }
}

/// Sends an automatic refund on a task of its own. If too many wait already, or the process ends first, settling sends it.
pub(crate) fn send_soon(app: &App, due: OpenRefund) {
    let Ok(task) = Arc::clone(&app.sending.tasks).try_acquire_owned() else { return };
    let app = app.clone();
    let sending = async move {
        // The semaphore is never closed.
        if let Ok(_request) = app.sending.requests.acquire().await {
            send(&app, due).await;
        }
        drop(task);
    };
    tokio::spawn(trace::within(trace::current(), sending));
}

/// Sends a refund and waits for the outcome. A caller that disconnects does not stop it.
pub(crate) async fn send_and_wait(app: &App, due: OpenRefund) {
    let id = due.refund_id;
    let app = app.clone();
    let sending = async move { send(&app, due).await };
    if let Err(error) = tokio::spawn(trace::within(trace::current(), sending)).await {
        tracing::error!(refund.id = %id, error = %error, "sending the refund panicked; it will be settled");
    }
}

/// Sends a due refund to its provider. Whatever goes wrong, the refund stays due, and settling goes on with it.
async fn send(app: &App, due: OpenRefund) {
    let sent = async {
        let provider = app.provider_of(due.payment_id, due.account.as_ref()).await?;
        send_to(app, provider, &due).await
    };
    if let Err(error) = sent.await {
        tracing::warn!(refund.id = %due.refund_id, error = %error, "the refund stays due and will be settled");
    }
}

/// Sends a due refund to `provider` and records the outcome. A definite error is recorded too: the provider would repeat
/// it, so that the next attempt takes another key.
///
/// Errors: the outcome is not known, or was not recorded.
pub(crate) async fn send_to(app: &App, provider: &Provider, due: &OpenRefund) -> Result<(), PaymentError> {
    let OpenRefund { refund_id, payment_id, amount, attempt, .. } = *due;
    match provider.refund(RefundCall { refund_id, payment_id, amount, attempt }).await {
        Ok(outcome) => record_outcome(app, due, outcome).await,
        Err(error) => {
            if matches!(error, ProviderError::Failed(_) | ProviderError::Refused(_)) {
                record_answer(app, due).await?;
            }
            Err(error.into())
        }
    }
}

async fn record_answer(app: &App, due: &OpenRefund) -> Result<(), PaymentError> {
    let now = app.clock.now();
    let decide = |known: Option<OrderPayments>| {
        let answered = known.and_then(|known| known.record_refund_answer(due.refund_id, due.attempt, now));
        answered.map_or(Step::Unchanged(()), |after| Step::Save(Decision { after, events: Vec::new() }, ()))
    };
    app.change(due.order_id, None, decide).await?;
    Ok(())
}

pub(crate) async fn record_outcome(app: &App, due: &OpenRefund, outcome: RefundOutcome) -> Result<(), PaymentError> {
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
            "a refund failed for good; refund the payment again, or return the money to the customer by other means"
        );
    }
    Ok(())
}
