//! Sends the queued tasks of one peer, in batches.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    peer::{CallError, PeerNode, Reply},
    queue::Batch,
    replicated_registry::ReplicatedRegistry,
    task::{Action, ReplicationTask},
};
use crate::metrics;

/// Batch size of the original's servers.
const BATCH_ITEMS: usize = 250;
/// Far below the size of a batch that a peer accepts.
const BATCH_BYTES: usize = 4 << 20;
/// Time that the first task of a batch waits for more.
const BATCH_DELAY: Duration = Duration::from_millis(500);
/// Time limit for the last batch when the server stops.
const LAST_BATCH_TIMEOUT: Duration = Duration::from_millis(800);
const PAUSE_WHEN_BUSY: Duration = Duration::from_secs(1);
const PAUSE_WHEN_UNREACHABLE: Duration = Duration::from_millis(100);

/// Sends batches until `stop`, and then one last batch.
///
/// All pauses are real time: the pace of a network does not depend on a clock that tests move.
pub(crate) async fn run(registry: ReplicatedRegistry, peer: Arc<PeerNode>, stop: CancellationToken) {
    loop {
        tokio::select! { () = wait_for_batch(&peer) => {}, () = stop.cancelled() => break }
        let batch = take(&registry, &peer);
        let pause = deliver(&registry, &peer, batch).await;
        metrics::set_queued(peer.name(), peer.queue.len());
        if let Some(pause) = pause {
            tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => break }
        }
    }
    let batch = take(&registry, &peer);
    // Whatever is lost here is repaired by the next heartbeats.
    if tokio::time::timeout(LAST_BATCH_TIMEOUT, deliver(&registry, &peer, batch)).await.is_err() {
        tracing::debug!(peer = peer.name(), "the last replication batch could not be sent before the stop");
    }
}

/// Waits until a batch is full, or its oldest task has waited long enough.
async fn wait_for_batch(peer: &PeerNode) {
    while peer.queue.len() == 0 {
        peer.queue.wait_for_task().await;
    }
    let deadline = Instant::now() + BATCH_DELAY;
    while peer.queue.len() < BATCH_ITEMS && tokio::time::timeout_at(deadline, peer.queue.wait_for_task()).await.is_ok()
    {
    }
}

fn take(registry: &ReplicatedRegistry, peer: &PeerNode) -> Batch {
    let batch = peer.queue.take(BATCH_ITEMS, BATCH_BYTES, registry.now());
    if batch.expired > 0 {
        metrics::count_dropped(peer.name(), batch.expired);
    }
    batch
}

/// Sends a batch. Returns the pause before a retry if it must be sent again.
async fn deliver(registry: &ReplicatedRegistry, peer: &PeerNode, batch: Batch) -> Option<Duration> {
    if batch.tasks.is_empty() {
        return None;
    }
    match peer.send(&batch.bodies).await {
        Ok(replies) => {
            for (task, reply) in batch.tasks.iter().zip(replies) {
                handle_reply(registry, peer, task, reply);
            }
            None
        }
        Err(CallError::Rejected(_)) => {
            metrics::count_dropped(peer.name(), batch.tasks.len());
            None
        }
        Err(error) => {
            peer.queue.put_back(batch.tasks);
            Some(if error == CallError::Busy { PAUSE_WHEN_BUSY } else { PAUSE_WHEN_UNREACHABLE })
        }
    }
}

fn handle_reply(registry: &ReplicatedRegistry, peer: &PeerNode, task: &ReplicationTask, reply: Reply) {
    match (task.action, reply.status, reply.instance) {
        // The peer lacks the instance, or has an older version.
        (Action::Heartbeat, 404, _) => registry.queue_registration(peer, task.key()),
        // The peer has a newer version.
        (Action::Heartbeat, _, Some(theirs)) => {
            if let Err(error) = registry.adopt(theirs) {
                tracing::warn!(error = %error, "a peer's newer version of an instance was rejected");
            }
        }
        // Cancelled there already.
        (Action::Cancel, 404, _) | (_, 200..300, _) => {}
        (action, status, _) => {
            metrics::count_dropped(peer.name(), 1);
            tracing::debug!(
                peer = peer.name(),
                action = ?action,
                app = task.app,
                instance = task.id,
                status,
                "a peer rejected a replication task"
            );
        }
    }
}
