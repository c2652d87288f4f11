//! Sends one peer what waits for it, in batches.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Action, Task,
    peer::{CallError, Peer, Reply},
    queue::Batch,
};
use crate::{app::App, metrics};

const ITEMS: usize = 250;
/// Far below what a peer reads at once.
const BYTES: usize = 4 << 20;
/// How long the first task waits for company.
const DELAY: Duration = Duration::from_millis(500);
/// For what waits when the server stops.
const LAST_CHANCE: Duration = Duration::from_millis(800);
const AFTER_BUSY: Duration = Duration::from_secs(1);
const AFTER_AWAY: Duration = Duration::from_millis(100);

/// Sends until `stop`, then once more what waits. All pauses are real time: the pace of a network is not the business
/// of a clock that is moved by hand.
pub async fn run(app: App, peer: Arc<Peer>, stop: CancellationToken) {
    loop {
        tokio::select! { () = company(&peer) => {}, () = stop.cancelled() => break }
        let batch = take(&app, &peer);
        let pause = deliver(&app, &peer, batch).await;
        metrics::queued(peer.name(), peer.queue.len());
        if let Some(pause) = pause {
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => break }
        }
    }
    let batch = take(&app, &peer);
    // What does not arrive now a heartbeat will heal.
    if tokio::time::timeout(LAST_CHANCE, deliver(&app, &peer, batch)).await.is_err() {
        tracing::debug!(peer = peer.name(), "a peer was not told the last of it");
    }
}

/// Waits until there is a full batch, or the oldest task has waited long enough.
async fn company(peer: &Peer) {
    while peer.queue.len() == 0 {
        peer.queue.filled().await;
    }
    let deadline = Instant::now() + DELAY;
    while peer.queue.len() < ITEMS && tokio::time::timeout_at(deadline, peer.queue.filled()).await.is_ok() {}
}

fn take(app: &App, peer: &Peer) -> Batch {
    let batch = peer.queue.take(ITEMS, BYTES, app.clock.now());
    if batch.expired > 0 {
        metrics::failed(peer.name(), batch.expired);
    }
    batch
}

/// Sends a batch. Answers how long to wait if it is to be sent again.
async fn deliver(app: &App, peer: &Peer, batch: Batch) -> Option<Duration> {
    if batch.tasks.is_empty() {
        return None;
    }
    match peer.send(&batch.bodies).await {
        Ok(replies) => {
            for (task, reply) in batch.tasks.iter().zip(replies) {
                settle(app, peer, task, reply);
            }
            None
        }
        Err(CallError::Refused(_)) => {
            metrics::failed(peer.name(), batch.tasks.len());
            None
        }
        Err(error) => {
            peer.queue.put_back(batch.tasks);
            Some(if error == CallError::Busy { AFTER_BUSY } else { AFTER_AWAY })
        }
    }
}

/// Does what the peer's reply to one task asks for.
fn settle(app: &App, peer: &Peer, task: &Task, reply: Reply) {
    match (task.action, reply.status, reply.instance) {
        // The peer lacks it, or has an older one.
        (Action::Heartbeat, 404, _) => app.tell_whole(peer, (&task.app, &task.id)),
        // The peer knows more of it.
        (Action::Heartbeat, _, Some(theirs)) => {
            if let Err(error) = app.correct(theirs) {
                tracing::warn!(error = %error, "what a peer knows could not be taken over");
            }
        }
        // It is gone there too, which is all that was asked.
        (Action::Cancel, 404, _) | (_, 200..300, _) => {}
        (action, status, _) => {
            metrics::failed(peer.name(), 1);
            tracing::debug!(
                peer = peer.name(),
                action = action.name(),
                app = task.app,
                instance = task.id,
                status,
                "a peer did not take something"
            );
        }
    }
}
