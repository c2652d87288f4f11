//! From a claim to its outcome: the claim is on disk before the provider hears of it, the provider is
//! charged once, and what it says is recorded.

use souk_bus::trace;
use souk_values::{OrderId, PaymentId, Secret, UserId};

use crate::{
    account::{Account, Decision, OrderNews},
    app::{ATTEMPTS, App, Step, Tried},
    error::PaymentError,
    payment::{FailureCode, Payment, RequestKey},
    provider::{Charge, ProviderError},
    store::KeyHit,
};

/// What came of asking for a payment.
enum Claimed {
    /// It is claimed, and may be charged by whoever got this: nobody else gets it.
    New(Payment),
    /// The key was used before; this is what it made, as it now is.
    Before(Payment),
}

/// The payment that `caller` asked for with `key` before. Errors: the key came with another body.
pub(crate) async fn asked_before(app: &App, caller: UserId, key: &RequestKey) -> Result<Option<Payment>, PaymentError> {
    let Some(hit) = app.store.payment_under(caller, &key.key_hash).await? else { return Ok(None) };
    answer_again(app, hit, key).await.map(Some)
}

/// The payment that a key made. Errors: the key came with another body.
pub(crate) async fn answer_again(app: &App, hit: KeyHit, key: &RequestKey) -> Result<Payment, PaymentError> {
    if hit.body_hash != key.body_hash {
        return Err(PaymentError::KeyReused);
    }
    let account = app.store.account(hit.order_id).await?.ok_or(PaymentError::NotFound)?;
    account.payment(hit.payment_id).cloned().ok_or(PaymentError::NotFound)
}

/// What order says of `order` now; `None` when it does not answer and the copy decides.
///
/// Errors: there is no such order; order does not answer and there is no copy.
async fn ask_order(app: &App, order: OrderId) -> Result<Option<OrderNews>, PaymentError> {
    match app.orders.order(order).await {
        Ok(Some(now)) => Ok(Some(now.into())),
        Ok(None) => Err(PaymentError::OrderNotFound),
        Err(error) => match app.store.account(order).await? {
            Some(_) => {
                tracing::warn!(order.id = %order, error = %error, "order does not answer; payment's own copy decides");
                Ok(None)
            }
            None => Err(error.into()),
        },
    }
}

/// Pays `order` for `payer` with the card of `token`, or answers what `key` made before.
///
/// It runs on a task of its own: a caller who goes away does not stop what was begun.
pub(crate) async fn pay(
    app: &App,
    order: OrderId,
    payer: UserId,
    key: RequestKey,
    token: Secret,
) -> Result<Payment, PaymentError> {
    let app = app.clone();
    let work = async move {
        let news = ask_order(&app, order).await?;
        match claim(&app, order, payer, &key, news.as_ref()).await? {
            Claimed::New(payment) => Ok(charge(&app, payment, &token).await),
            Claimed::Before(payment) => Ok(payment),
        }
    };
    tokio::spawn(trace::within(trace::current(), work)).await?
}

/// Claims `order` for one attempt by `payer`, with what order said of it in the same transaction.
async fn claim(
    app: &App,
    order: OrderId,
    payer: UserId,
    key: &RequestKey,
    news: Option<&OrderNews>,
) -> Result<Claimed, PaymentError> {
    for attempt in 0..ATTEMPTS {
        if attempt > 0
            && let Some(payment) = asked_before(app, payer, key).await?
        {
            return Ok(Claimed::Before(payment));
        }
        let payment_id = app.ids.next();
        let decide = |known| decide_claim(app, known, payment_id, payer, key, news);
        match app.try_change(order, None, decide).await? {
            Tried::Done(answer) => return answer,
            Tried::Conflict | Tried::Duplicate => {}
        }
    }
    Err(PaymentError::Contended)
}

fn decide_claim(
    app: &App,
    known: Option<Account>,
    payment_id: PaymentId,
    payer: UserId,
    key: &RequestKey,
    news: Option<&OrderNews>,
) -> Step<Result<Claimed, PaymentError>> {
    let learned = news.and_then(|news| Account::learn(known.clone(), news, app.fresh()));
    let Some(account) = learned.clone().or(known) else {
        return Step::Leave(Err(PaymentError::OrderNotFound));
    };
    // A request with this key that was answered in between.
    if let Some(payment) = account.payments.iter().find(|payment| payment.user_id == payer && payment.key == *key) {
        return Step::Leave(Ok(Claimed::Before(payment.clone())));
    }
    let claimed = account.claim(payment_id, payer, key.clone(), app.clock.now());
    let new = |account: &Account| account.payment(payment_id).cloned().ok_or(PaymentError::NotFound);
    match (claimed, learned) {
        (Ok(account), _) => {
            let answer = new(&account).map(Claimed::New);
            Step::Save(Decision { account, facts: Vec::new() }, answer)
        }
        // What order said is kept though the claim is refused.
        (Err(refusal), Some(learned)) => Step::Save(Decision { account: learned, facts: Vec::new() }, Err(refusal)),
        (Err(refusal), None) => Step::Leave(Err(refusal)),
    }
}

/// Charges a payment that was just claimed. Answers it as it then is; it stays `processing` whenever
/// its outcome is not known for certain, and settling asks.
async fn charge(app: &App, payment: Payment, token: &Secret) -> Payment {
    let (order, id) = (payment.order_id, payment.payment_id);
    let noted = match app.provider.charge(id, payment.amount, token).await {
        Ok(charge) => note(app, order, id, charge).await,
        Err(error @ (ProviderError::Unsent(_) | ProviderError::Refused(_))) => {
            tracing::warn!(payment.id = %id, error = %error, "provably nothing was charged; the payment fails");
            note_refused(app, order, id, FailureCode::ProviderUnavailable).await
        }
        Err(error @ (ProviderError::Lost(_) | ProviderError::Store(_))) => {
            tracing::warn!(payment.id = %id, error = %error, "the outcome is not known; the provider will be asked");
            Ok(None)
        }
    };
    match noted {
        Ok(Some(settled)) => settled,
        Ok(None) => payment,
        Err(error) => {
            tracing::error!(payment.id = %id, error = %error, "an outcome was not recorded; it will be asked for");
            payment
        }
    }
}

/// Records what the provider said of a charge. Answers the payment as it then is; `None` when the
/// provider said nothing final.
pub(crate) async fn note(
    app: &App,
    order: OrderId,
    payment: PaymentId,
    charge: Charge,
) -> Result<Option<Payment>, PaymentError> {
    match charge {
        Charge::Captured { at } => {
            let decide =
                |known: Option<Account>| step(known, payment, |account| account.captured(payment, at, app.fresh()));
            done(app.change(order, None, decide).await?)
        }
        Charge::Declined(code) => note_refused(app, order, payment, code).await,
        // Closed before it was charged: no charge under this key is taken any more.
        Charge::Closed => note_refused(app, order, payment, FailureCode::ProviderUnavailable).await,
        Charge::Pending | Charge::Unknown => Ok(None),
    }
}

async fn note_refused(
    app: &App,
    order: OrderId,
    payment: PaymentId,
    code: FailureCode,
) -> Result<Option<Payment>, PaymentError> {
    let decide = |known: Option<Account>| step(known, payment, |account| account.refused(payment, code));
    done(app.change(order, None, decide).await?)
}

fn step(
    known: Option<Account>,
    payment: PaymentId,
    decide: impl Fn(Account) -> Option<Decision>,
) -> Step<Option<Payment>> {
    let Some(account) = known else { return Step::Leave(None) };
    match decide(account.clone()) {
        Some(decision) => {
            let answer = decision.account.payment(payment).cloned();
            Step::Save(decision, answer)
        }
        None => Step::Leave(account.payment(payment).cloned()),
    }
}

fn done(tried: Tried<Option<Payment>>) -> Result<Option<Payment>, PaymentError> {
    match tried {
        Tried::Done(payment) => Ok(payment),
        Tried::Conflict | Tried::Duplicate => Err(PaymentError::Contended),
    }
}
