//! From a refund that is due to its outcome: the row is on disk before the provider hears of it.

use souk_bus::trace;
use souk_values::{Money, PaymentId};
use tokio::task::JoinHandle;

use crate::{
    account::{Account, Decision},
    app::{ATTEMPTS, App, Step, Tried},
    charging::answer_again,
    error::PaymentError,
    payment::{AskedBy, Payment, RequestKey},
    provider::Return,
    store::{KeyHit, OpenRefund},
};

/// What came of asking for a refund.
pub(crate) enum Asked {
    /// It is due, and on disk.
    New(OpenRefund),
    /// The key was used before; this is its payment, as it now is.
    Before(Payment),
}

/// Makes a refund of `payment` due, as an admin asked.
pub(crate) async fn ask(
    app: &App,
    payment: PaymentId,
    amount: Option<Money>,
    asked: &AskedBy,
) -> Result<Asked, PaymentError> {
    for _ in 0..ATTEMPTS {
        if let Some(hit) = app.store.refund_under(asked.admin, &asked.key.key_hash).await? {
            return asked_before(app, hit, payment, &asked.key).await.map(Asked::Before);
        }
        let order = app.store.order_of(payment).await?.ok_or(PaymentError::NotFound)?;
        let fresh = app.fresh();
        let decide = |known: Option<Account>| {
            let made = known
                .ok_or(PaymentError::NotFound)
                .and_then(|account| account.ask_refund(payment, amount, asked.clone(), fresh));
            match made {
                Ok(account) => {
                    let due =
                        account.payment(payment).and_then(|payment| payment.refunds.last()).map(|refund| refund.amount);
                    let answer = due.map(|amount| OpenRefund {
                        order_id: order,
                        payment_id: payment,
                        refund_id: fresh.refund_id,
                        amount,
                    });
                    Step::Save(Decision { account, facts: Vec::new() }, answer.ok_or(PaymentError::NotFound))
                }
                Err(refusal) => Step::Leave(Err(refusal)),
            }
        };
        match app.try_change(order, None, decide).await? {
            Tried::Done(due) => return due.map(Asked::New),
            Tried::Conflict | Tried::Duplicate => {}
        }
    }
    Err(PaymentError::Contended)
}

/// The same key for another payment is another request.
async fn asked_before(app: &App, hit: KeyHit, payment: PaymentId, key: &RequestKey) -> Result<Payment, PaymentError> {
    if hit.payment_id != payment {
        return Err(PaymentError::KeyReused);
    }
    answer_again(app, hit, key).await
}

/// Sends a refund on a task of its own. If the process ends first, settling sends it.
pub(crate) fn start(app: App, due: OpenRefund) -> JoinHandle<()> {
    tokio::spawn(trace::within(trace::current(), send(app, due)))
}

/// The same, and waits for it; a caller who goes away does not stop it.
pub(crate) async fn send_now(app: &App, due: OpenRefund) {
    if let Err(error) = start(app.clone(), due).await {
        tracing::error!(refund.id = %due.refund_id, error = %error, "refunding ended by a defect; it will be settled");
    }
}

/// Sends a refund that is due to the provider, and records what it says. Without an answer the refund
/// stays due: settling asks, and sends it again under the same key.
async fn send(app: App, due: OpenRefund) {
    match app.provider.refund(due.refund_id, due.payment_id, due.amount).await {
        Ok(said) => {
            if let Err(error) = note(&app, due, said).await {
                tracing::error!(refund.id = %due.refund_id, error = %error, "a refund's outcome was not recorded; it will be asked for");
            }
        }
        Err(error) => {
            tracing::warn!(refund.id = %due.refund_id, error = %error, "a refund is due and will be sent again");
        }
    }
}

/// Records what the provider said of a refund.
pub(crate) async fn note(app: &App, due: OpenRefund, said: Return) -> Result<(), PaymentError> {
    let now = app.clock.now();
    let decide = |known: Option<Account>| {
        let decision = known.and_then(|account| match said {
            Return::Done { at } => account.returned(due.refund_id, at),
            Return::Refused => account.refund_refused(due.refund_id, now),
            Return::Pending | Return::Unknown => None,
        });
        decision.map_or(Step::Leave(false), |decision| Step::Save(decision, true))
    };
    let tried = app.change(due.order_id, None, decide).await?;
    if matches!((tried, said), (Tried::Done(true), Return::Refused)) {
        tracing::error!(
            payment.id = %due.payment_id, refund.id = %due.refund_id,
            "the provider refused a refund: somebody has to return the money by other means"
        );
    }
    Ok(())
}
