//! Settling: resolves payments and refunds that a crash or a lost response left open, by queries and never by charging
//! again; and checks whether money that was refunded came back.
//!
//! Each row has a turn, which one replica takes; the longer a row is open, the longer until its next one.

use std::time::Duration;

use futures::{StreamExt, stream};
use souk_values::{Id, IdGen, OrderId, PaymentId, Timestamp};

use crate::{
    app::{App, ChangeOutcome, Step},
    charging,
    error::PaymentError,
    metrics,
    order_payments::{Decision, OrderPayments},
    payment::RefundStatus,
    provider::{ChargeOutcome, Provider, RefundOutcome, WebhookEvent},
    provider_account::ProviderAccount,
    refunding,
    store::{
        DueBy, DuePayment, DueRefund, OpenRefund, Row,
        schedule::{CHECKED_FOR, FIRST_CHECK, NEVER},
    },
};

/// Concurrent queries to the providers.
const CONCURRENCY: usize = 16;
/// Age from which an open payment counts as stuck.
const STUCK_AFTER: Duration = Duration::from_mins(5);
/// Longest time between two queries about an open payment.
const LONGEST_PAYMENT_GAP: Duration = Duration::from_mins(5);
/// Longest time between two queries about an open refund, which may take a bank days.
const LONGEST_REFUND_GAP: Duration = Duration::from_hours(1);

/// Time over which the queries are spread that a pause put off.
const AFTER_PAUSE: Duration = Duration::from_mins(1);

/// Queries the providers for each payment and refund that is due, and sets the gauges.
pub(crate) async fn settle(app: App) -> Result<(), PaymentError> {
    settle_payments(&app).await?;
    settle_refunds(&app, RefundStatus::Processing, settle_after(&app)).await?;
    // A bank may send money back, and the webhook about it may be lost.
    settle_refunds(&app, RefundStatus::Succeeded, Duration::ZERO).await?;
    metrics::set_open(app.store.open_counts(app.clock.now().minus(STUCK_AFTER)).await?);
    Ok(())
}

async fn settle_payments(app: &App) -> Result<(), PaymentError> {
    let due = due_by(app, settle_after(app));
    let mut after = 0;
    loop {
        let page = app.store.due_payments(due, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.payment_id.get();
        let queries = page.into_iter().map(|payment| async move {
            if let Err(error) = take_payment(app, &payment).await {
                tracing::warn!(payment.id = %payment.payment_id, error = %error, "the payment stays open and will be queried again");
            }
        });
        stream::iter(queries).buffer_unordered(CONCURRENCY).collect::<()>().await;
    }
}

/// Settles the refunds in `status`, open or to be checked, from an age of `open_for` on.
async fn settle_refunds(app: &App, status: RefundStatus, open_for: Duration) -> Result<(), PaymentError> {
    let due = due_by(app, open_for);
    let mut after = 0;
    loop {
        let page = app.store.due_refunds(status, due, after).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.refund.refund_id.get();
        let queries = page.into_iter().map(|due| async move {
            let id = due.refund.refund_id;
            let taken = match status {
                RefundStatus::Processing => take_refund(app, due).await,
                RefundStatus::Succeeded | RefundStatus::Failed => take_check(app, due).await,
            };
            if let Err(error) = taken {
                tracing::warn!(refund.id = %id, status = status.as_str(), error = %error, "the refund stays as it is and will be queried again");
            }
        });
        stream::iter(queries).buffer_unordered(CONCURRENCY).collect::<()>().await;
    }
}

fn settle_after(app: &App) -> Duration {
    Duration::from_millis(app.config.settle_after_ms)
}

fn due_by(app: &App, open_for: Duration) -> DueBy {
    let now = app.clock.now();
    DueBy { now, open_since: now.minus(open_for) }
}

async fn take_payment(app: &App, due: &DuePayment) -> Result<(), PaymentError> {
    let next = next_query(&app.ids, due.claimed_at, app.clock.now(), shortest_gap(app), LONGEST_PAYMENT_GAP);
    let row = Row::Payment(due.payment_id);
    match take_turn(app, row, due.account.as_ref(), due.next_query, next).await? {
        Some(provider) => settle_payment(app, provider, due.order_id, due.payment_id).await,
        None => Ok(()),
    }
}

async fn take_refund(app: &App, due: DueRefund) -> Result<(), PaymentError> {
    let DueRefund { refund, since, next_query: seen } = due;
    let next = next_query(&app.ids, since, app.clock.now(), shortest_gap(app), LONGEST_REFUND_GAP);
    let row = Row::Refund(refund.refund_id, refund.payment_id);
    match take_turn(app, row, refund.account.as_ref(), seen, next).await? {
        Some(provider) => settle_refund(app, provider, refund).await,
        None => Ok(()),
    }
}

async fn take_check(app: &App, due: DueRefund) -> Result<(), PaymentError> {
    let DueRefund { refund, since, next_query: seen } = due;
    let now = app.clock.now();
    let age = now.since(since);
    let next = now.plus(varied(&app.ids, age.max(FIRST_CHECK)));
    let next = if next > since.plus(CHECKED_FOR) { NEVER } else { next };
    let row = Row::Refund(refund.refund_id, refund.payment_id);
    let Some(provider) = take_turn(app, row, refund.account.as_ref(), seen, next).await? else { return Ok(()) };
    if age > CHECKED_FOR {
        return Ok(());
    }
    let outcome = provider.lookup_refund(refund.refund_id, refund.payment_id).await?;
    if outcome == RefundOutcome::Unknown {
        tracing::error!(refund.id = %refund.refund_id, "the provider does not know a refund that it had reported as returned");
    }
    refunding::record_outcome(app, &refund, outcome).await
}

/// Takes the turn of a row until `next`; in a pause of its provider, until shortly after its end. Returns the provider to
/// query; `None` when another replica has the turn, and in a pause.
///
/// Errors: the account of the payment is not configured now. The turn is taken then too, so that this is logged at the
/// pace of the queries.
async fn take_turn<'a>(
    app: &'a App,
    row: Row,
    account: Option<&ProviderAccount>,
    seen: Timestamp,
    next: Timestamp,
) -> Result<Option<&'a Provider>, PaymentError> {
    let provider = app.provider_of(row.payment_id(), account).await;
    let paused_until = provider.as_ref().map_or(Timestamp::EPOCH, |provider| provider.paused_until());
    let is_paused = app.clock.now() < paused_until;
    let next = if is_paused { paused_until.plus(app.ids.jitter(AFTER_PAUSE)) } else { next };
    if !app.store.take_turn(row, seen, next).await? {
        return Ok(None);
    }
    let provider = provider?;
    Ok((!is_paused).then_some(provider))
}

fn shortest_gap(app: &App) -> Duration {
    Duration::from_millis(app.config.settle_every_ms)
}

/// Returns the time of the next query about something that is open since `since`: after up to as long again, so that the
/// number of queries grows with the logarithm of the time.
fn next_query(ids: &IdGen, since: Timestamp, now: Timestamp, shortest: Duration, longest: Duration) -> Timestamp {
    now.plus(varied(ids, now.since(since).min(longest)).max(shortest))
}

/// Returns a random part of `gap`, from a half to all of it, so that what began together does not stay together.
fn varied(ids: &IdGen, gap: Duration) -> Duration {
    gap / 2 + ids.jitter(gap / 2)
}

async fn settle_payment(
    app: &App,
    provider: &Provider,
    order: OrderId,
    payment: PaymentId,
) -> Result<(), PaymentError> {
    let mut outcome = provider.lookup(payment).await?;
    // A key unknown to the provider is closed there first. Only then is a charge that may still be on its way certain
    // to be refused, and the payment may fail.
    if outcome == ChargeOutcome::Unknown {
        outcome = provider.close(payment).await?;
    }
    charging::record_outcome(app, order, payment, outcome).await?;
    Ok(())
}

/// Looks a refund up, and sends it again if the provider does not know it: under its own key, so that it takes effect
/// once; or as the next attempt, if the provider answered this one with an error well before.
async fn settle_refund(app: &App, provider: &Provider, mut due: OpenRefund) -> Result<(), PaymentError> {
    let looked_up_at = app.clock.now();
    let outcome = provider.lookup_refund(due.refund_id, due.payment_id).await?;
    if outcome != RefundOutcome::Unknown {
        return refunding::record_outcome(app, &due, outcome).await;
    }
    if due.answered_at.is_some() {
        match begin_next_attempt(app, &due, looked_up_at).await? {
            Some(next) => due = next,
            // Under this key the provider would only repeat its answer.
            None => return Ok(()),
        }
    }
    refunding::send_to(app, provider, &due).await
}

/// Saves the next attempt at a refund; `None` while it is too early for one.
async fn begin_next_attempt(
    app: &App,
    due: &OpenRefund,
    looked_up_at: Timestamp,
) -> Result<Option<OpenRefund>, PaymentError> {
    let decide = |known: Option<OrderPayments>| {
        let next = known.and_then(|known| known.begin_next_attempt(due.refund_id, due.attempt, looked_up_at));
        next.map_or(Step::Unchanged(false), |after| Step::Save(Decision { after, events: Vec::new() }, true))
    };
    match app.change(due.order_id, None, decide).await? {
        ChangeOutcome::Done(true) => {
            Ok(Some(OpenRefund { attempt: due.attempt + 1, answered_at: None, ..due.clone() }))
        }
        ChangeOutcome::Done(false) | ChangeOutcome::Conflict | ChangeOutcome::Duplicate => Ok(None),
    }
}

/// Queries `provider` for the payment that its webhook names, for its open refunds and for the refund it names.
pub(crate) async fn settle_webhook(app: &App, provider: &Provider, event: WebhookEvent) -> Result<(), PaymentError> {
    let WebhookEvent { payment_id, refund_id: named } = event;
    let Some(order_id) = app.store.order_of(payment_id).await? else { return Ok(()) };
    let Some(before) = app.store.order_payments(order_id).await? else { return Ok(()) };
    let account = before.payment(payment_id).and_then(|payment| payment.account.as_ref());
    if !is_from(app, provider, payment_id, account).await {
        tracing::warn!(payment.id = %payment_id, account = %provider.account(), "a webhook is about a payment at another account");
        return Ok(());
    }
    let outcome = provider.lookup(payment_id).await?;
    charging::record_outcome(app, order_id, payment_id, outcome).await?;
    let order_payments = app.store.order_payments(order_id).await?;
    let Some(payment) = order_payments.as_ref().and_then(|order_payments| order_payments.payment(payment_id)) else {
        return Ok(());
    };
    for refund in &payment.refunds {
        if refund.status == RefundStatus::Processing || named == Some(refund.refund_id) {
            let outcome = provider.lookup_refund(refund.refund_id, payment_id).await?;
            refunding::record_outcome(app, &OpenRefund::new(payment, refund), outcome).await?;
        }
    }
    Ok(())
}

async fn is_from(app: &App, provider: &Provider, payment: PaymentId, account: Option<&ProviderAccount>) -> bool {
    let at = app.provider_of(payment, account).await;
    at.is_ok_and(|at| at.account() == provider.account())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use souk_values::SystemClock;

    use super::*;

    #[test]
    fn gaps_grow_with_the_age_and_stay_within_their_limits() {
        let ids = IdGen::new(Arc::new(SystemClock));
        let shortest = Duration::from_secs(2);
        for longest in [LONGEST_PAYMENT_GAP, LONGEST_REFUND_GAP] {
            let began = Timestamp::from_millis(1_000_000);
            let mut now = began.plus(Duration::from_secs(5));
            let mut queries = 0;
            while now.since(began) < Duration::from_hours(24) {
                let age = now.since(began);
                let gap = next_query(&ids, began, now, shortest, longest).since(now);
                assert!(gap >= shortest.max(age.min(longest) / 2) && gap <= shortest.max(age.min(longest)), "{gap:?}");
                now = now.plus(gap);
                queries += 1;
            }
            let steady = Duration::from_hours(24).as_secs() / (longest / 2).as_secs();
            assert!(queries < steady + 20, "{queries} queries in a day");
        }
    }
}
