//! Charging an order: the claim is on disk before the provider is called, and the provider is called once.

use souk_bus::trace;
use souk_kit::CallError;
use souk_values::{OrderId, PaymentId, Secret, UserId};

use crate::{
    app::{ATTEMPTS, App, ChangeOutcome, Step},
    error::PaymentError,
    order_payments::{Decision, KnownOrder, OrderPayments},
    payment::{FailureCode, Payment, RequestKey},
    provider::{ChargeOutcome, ProviderError},
    store::KeyMatch,
};

/// Outcome of claiming an order for payment: of storing the payment as `processing` before the provider is called.
enum ClaimOutcome {
    /// A new payment. Only the caller that received this may charge it.
    New(Payment),
    /// The payment that an earlier request with the same key made, in its current state.
    Replayed(Payment),
}

/// Returns the payment that `caller` already made with `key`, in its current state.
///
/// Errors: the earlier request had another body.
pub(crate) async fn find_replay(app: &App, caller: UserId, key: &RequestKey) -> Result<Option<Payment>, PaymentError> {
    let Some(earlier) = app.store.payment_by_key(caller, &key.key_hash).await? else { return Ok(None) };
    replay(app, earlier, key).await.map(Some)
}

/// Returns the payment of an earlier request with the same key, in its current state.
///
/// Errors: the earlier request had another body.
pub(crate) async fn replay(app: &App, earlier: KeyMatch, key: &RequestKey) -> Result<Payment, PaymentError> {
    if earlier.body_hash != key.body_hash {
        return Err(PaymentError::KeyReused);
    }
    let order_payments = app.store.order_payments(earlier.order_id).await?.ok_or(PaymentError::NotFound)?;
    order_payments.payment(earlier.payment_id).cloned().ok_or(PaymentError::NotFound)
}

/// Current state of an order at the order service.
enum Latest {
    Known(KnownOrder),
    /// It is unavailable, and the payment service's own copy is used instead.
    Unavailable(CallError),
}

/// Fetches the order from the order service.
///
/// Errors: there is no such order; the order service is unavailable and there is no copy.
async fn fetch_order(app: &App, order: OrderId) -> Result<Latest, PaymentError> {
    match app.orders.order(order).await {
        Ok(Some(current)) => Ok(Latest::Known(current.into())),
        Ok(None) => Err(PaymentError::OrderNotFound),
        Err(error) => match app.store.order_payments(order).await? {
            Some(_) => {
                tracing::warn!(order.id = %order, error = %error, "the order service is unavailable; the local copy is used");
                Ok(Latest::Unavailable(error))
            }
            None => Err(error.into()),
        },
    }
}

/// Pays `order` for `payer` with the card of `token`, or returns the payment that `key` made before.
pub(crate) async fn pay(
    app: &App,
    order: OrderId,
    payer: UserId,
    key: RequestKey,
    token: Secret,
) -> Result<Payment, PaymentError> {
    let app = app.clone();
    let work = async move {
        let latest = fetch_order(&app, order).await?;
        let known = if let Latest::Known(known) = &latest { Some(known) } else { None };
        match (claim(&app, order, payer, &key, known).await, latest) {
            (Ok(ClaimOutcome::New(payment)), _) => Ok(charge(&app, payment, &token).await),
            (Ok(ClaimOutcome::Replayed(payment)), _) => Ok(payment),
            // The copy may be outdated: the customer may have seen the order confirmed.
            (Err(PaymentError::OrderNotConfirmed), Latest::Unavailable(error)) => Err(error.into()),
            (Err(error), _) => Err(error),
        }
    };
    // A task of its own: a caller that disconnects must not stop a charge between the provider and its record.
    tokio::spawn(trace::within(trace::current(), work)).await?
}

/// Claims `order` for one attempt by `payer`, and applies its latest version in the same transaction.
async fn claim(
    app: &App,
    order: OrderId,
    payer: UserId,
    key: &RequestKey,
    latest: Option<&KnownOrder>,
) -> Result<ClaimOutcome, PaymentError> {
    for attempt in 0..ATTEMPTS {
        // A conflict can come from a concurrent request with the same key, whose payment is then replayed.
        if attempt > 0
            && let Some(payment) = find_replay(app, payer, key).await?
        {
            return Ok(ClaimOutcome::Replayed(payment));
        }
        let payment_id = app.ids.next();
        let decide = |known| decide_claim(app, known, payment_id, payer, key, latest);
        match app.try_change(order, None, decide).await? {
            ChangeOutcome::Done(claim) => return claim,
            ChangeOutcome::Conflict | ChangeOutcome::Duplicate => {}
        }
    }
    Err(PaymentError::Contended)
}

fn decide_claim(
    app: &App,
    known: Option<OrderPayments>,
    payment_id: PaymentId,
    payer: UserId,
    key: &RequestKey,
    latest: Option<&KnownOrder>,
) -> Step<Result<ClaimOutcome, PaymentError>> {
    let updated = latest.and_then(|latest| OrderPayments::apply_order(known.clone(), latest, app.next_refund()));
    let Some(current) = updated.clone().or(known) else {
        return Step::Unchanged(Err(PaymentError::OrderNotFound));
    };
    // A concurrent request with the same key may have finished since the key was looked up.
    if let Some(payment) = current.payments.iter().find(|payment| payment.user_id == payer && payment.key == *key) {
        return Step::Unchanged(Ok(ClaimOutcome::Replayed(payment.clone())));
    }
    let account = app.providers.current().account().clone();
    let claimed = current.claim(payment_id, payer, key.clone(), account, app.clock.now());
    match (claimed, updated) {
        (Ok(after), _) => {
            let payment = after.payment(payment_id).cloned().ok_or(PaymentError::NotFound);
            Step::Save(Decision { after, events: Vec::new() }, payment.map(ClaimOutcome::New))
        }
        // The newer order is worth saving although the claim is refused.
        (Err(refusal), Some(after)) => Step::Save(Decision { after, events: Vec::new() }, Err(refusal)),
        (Err(refusal), None) => Step::Unchanged(Err(refusal)),
    }
}

/// Charges a payment that was just claimed and returns its current state. It stays `processing` whenever its outcome is
/// not certain; settling then queries the provider.
async fn charge(app: &App, payment: Payment, token: &Secret) -> Payment {
    let order = payment.order_id;
    let id = payment.payment_id;
    let recorded = match app.providers.current().charge(id, payment.amount, token).await {
        Ok(outcome) => record_outcome(app, order, id, outcome).await,
        Err(error @ (ProviderError::Unsent(_) | ProviderError::Refused(_))) => {
            tracing::warn!(payment.id = %id, error = %error, "the charge was provably not accepted; the payment failed");
            record_failure(app, order, id, FailureCode::ProviderUnavailable).await
        }
        Err(
            error @ (ProviderError::Lost(_)
            | ProviderError::Failed(_)
            | ProviderError::Limited { .. }
            | ProviderError::Store(_)),
        ) => {
            tracing::warn!(payment.id = %id, error = %error, "the outcome of the charge is unknown; it will be settled");
            Ok(None)
        }
    };
    match recorded {
        Ok(Some(settled)) => settled,
        Ok(None) => payment,
        Err(error) => {
            tracing::error!(payment.id = %id, error = %error, "the outcome of the charge was not recorded; it will be settled");
            payment
        }
    }
}

/// Records the outcome of a charge. Returns the payment in its current state; `None` while the outcome is not final.
pub(crate) async fn record_outcome(
    app: &App,
    order: OrderId,
    payment: PaymentId,
    outcome: ChargeOutcome,
) -> Result<Option<Payment>, PaymentError> {
    match outcome {
        ChargeOutcome::Captured { at } => {
            let decide = |known: Option<OrderPayments>| {
                change_known(known, payment, |known| known.record_capture(payment, at, app.next_refund()))
            };
            saved_payment(app.change(order, None, decide).await?)
        }
        ChargeOutcome::Declined(code) => record_failure(app, order, payment, code).await,
        // Closed before it was charged: the provider refuses every later charge under this key.
        ChargeOutcome::Closed => record_failure(app, order, payment, FailureCode::ProviderUnavailable).await,
        ChargeOutcome::Pending | ChargeOutcome::Unknown => Ok(None),
    }
}

async fn record_failure(
    app: &App,
    order: OrderId,
    payment: PaymentId,
    code: FailureCode,
) -> Result<Option<Payment>, PaymentError> {
    let decide =
        |known: Option<OrderPayments>| change_known(known, payment, |known| known.record_failure(payment, code));
    saved_payment(app.change(order, None, decide).await?)
}

fn change_known(
    known: Option<OrderPayments>,
    payment: PaymentId,
    decide: impl Fn(OrderPayments) -> Option<Decision>,
) -> Step<Option<Payment>> {
    let Some(known) = known else { return Step::Unchanged(None) };
    match decide(known.clone()) {
        Some(decision) => {
            let payment = decision.after.payment(payment).cloned();
            Step::Save(decision, payment)
        }
        None => Step::Unchanged(known.payment(payment).cloned()),
    }
}

fn saved_payment(outcome: ChangeOutcome<Option<Payment>>) -> Result<Option<Payment>, PaymentError> {
    match outcome {
        ChangeOutcome::Done(payment) => Ok(payment),
        ChangeOutcome::Conflict | ChangeOutcome::Duplicate => Err(PaymentError::Contended),
    }
}
