//! The relay: publishes the events of an outbox.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use souk_events::Envelope;
use souk_values::Clock;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    BusError, Lent, Transport, backoff, metrics,
    outbox::{Backlog, Claim, Keeper, Outbox, UnreadableEvent},
};

/// Maximum number of events per call of the transport.
const BATCH: u64 = 256;
/// Interval at which the outbox is polled in addition to its notifications, which cover writes of this process only.
const POLL: Duration = Duration::from_secs(1);

/// Publishes the events of `outbox` until `stop`: immediately when one is written, and at least once per second.
pub async fn relay(
    service: &'static str,
    outbox: Arc<dyn Outbox>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let mut pause = Duration::ZERO;
    let mut reported: Option<Instant> = None;
    while !stop.is_cancelled() {
        pause = match publish_all(service, &*outbox, &*transport).await {
            Ok(()) => Duration::ZERO,
            Err(error) => {
                tracing::warn!(service, error = %error, "events stay in the outbox; publishing will be retried");
                backoff::longer(pause)
            }
        };
        // Not after every batch: counting the backlog reads the whole table.
        if reported.is_none_or(|at| at.elapsed() >= POLL) {
            report(service, &*outbox, &*clock).await;
            reported = Some(Instant::now());
        }
        // In real time, unlike the terms of the business.
        if pause.is_zero() {
            tokio::select! {
                () = outbox.written() => {}
                () = tokio::time::sleep(POLL) => {}
                () = stop.cancelled() => {}
            }
        } else {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = transport.connection_recovered() => {}
                () = stop.cancelled() => {}
            }
        }
    }
    outbox.finish().await;
}

/// Publishes until the outbox is empty or the transport does not confirm some event.
async fn publish_all(service: &'static str, outbox: &dyn Outbox, transport: &dyn Transport) -> Result<(), BusError> {
    loop {
        let mut claim = outbox.claim(BATCH).await?;
        let claimed = claim.envelopes().len();
        if claimed == 0 && claim.unreadable().is_empty() {
            return Ok(());
        }
        let Lent { confirmed, kept } = publish(claim.envelopes(), claim.keeper(), transport).await?;
        let buried = bury_unreadable(service, &mut *claim, transport).await;
        let published: HashSet<&Uuid> = confirmed.iter().chain(&kept).collect();
        let published = claim.envelopes().iter().filter(|envelope| published.contains(&envelope.id));
        let types: Vec<String> = published.map(|envelope| envelope.event_type.clone()).collect();
        claim.leave(&kept);
        claim.confirm(&confirmed).await?;
        let unconfirmed = claimed.saturating_sub(types.len());
        for event_type in types {
            metrics::count_event(service, event_type, "published");
        }
        buried?;
        let are_all = u64::try_from(claimed).is_ok_and(|claimed| claimed < BATCH);
        if unconfirmed > 0 {
            tracing::warn!(service, unconfirmed, "the transport did not confirm some events");
            return Ok(());
        }
        if are_all {
            // Whatever is written from now on wakes the relay.
            return Ok(());
        }
    }
}

/// Publishes `envelopes`, or lends them if their rows can stay meanwhile.
async fn publish(
    envelopes: &[Envelope],
    keeper: Option<Arc<dyn Keeper>>,
    transport: &dyn Transport,
) -> Result<Lent, BusError> {
    match keeper {
        _ if envelopes.is_empty() => Ok(Lent::default()),
        Some(keeper) => transport.lend(envelopes, &keeper).await,
        None => Ok(Lent { confirmed: transport.publish(envelopes).await?, kept: Vec::new() }),
    }
}

/// Moves the events of `claim` that cannot be read to the dead letters, so that they do not stop the relay.
async fn bury_unreadable(
    service: &'static str,
    claim: &mut dyn Claim,
    transport: &dyn Transport,
) -> Result<(), BusError> {
    if claim.unreadable().is_empty() {
        return Ok(());
    }
    transport.bury(service, claim.unreadable()).await?;
    for UnreadableEvent { key, error, .. } in claim.unreadable() {
        tracing::error!(service, key, error, "an event of the outbox cannot be read and became a dead letter");
        metrics::count_event(service, "(no event)".to_owned(), "dead");
    }
    claim.remove_unreadable().await
}

async fn report(service: &'static str, outbox: &dyn Outbox, clock: &dyn Clock) {
    if let Ok(Backlog { pending, oldest }) = outbox.backlog().await {
        let age = oldest.map_or(Duration::ZERO, |oldest| clock.now().since(oldest));
        metrics::outbox(service, pending, age);
    }
}
