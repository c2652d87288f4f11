//! The initial synchronization: a server that starts reads the registry of the first peer that has one.

use std::time::Duration;

use souk_eureka::Applications;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{peer::PeerNode, replicated_registry::ReplicatedRegistry};
use crate::registry::Registry;

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// By then every client has registered here, and a peer that starts reads from this server.
const GIVE_UP_AFTER: Duration = Duration::from_secs(300);

/// Reads the registry of a peer while requests are already served, and retries for five minutes.
///
/// All times are real time: peers restart in it.
pub(crate) async fn run(registry: ReplicatedRegistry, stop: CancellationToken) {
    let started = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let is_done = tokio::select! { is_done = read_any(&registry) => is_done, () = stop.cancelled() => return };
        if is_done {
            return;
        }
        if started.elapsed() > GIVE_UP_AFTER {
            tracing::warn!("no other discovery server could be read; the registry fills as clients register here");
            return;
        }
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Reads the first peer that has instances. Returns true if no retry is needed: one was read, or all are empty.
async fn read_any(registry: &ReplicatedRegistry) -> bool {
    let mut all_answered = true;
    for peer in registry.peers().iter() {
        let mark = registry.with(|registry| registry.mark());
        // The call logs its own failure.
        let Ok(theirs) = peer.fetch(registry.now()).await else {
            all_answered = false;
            continue;
        };
        // An empty peer may have just started too; another may have instances.
        if theirs.applications.iter().any(|application| !application.instances.is_empty()) {
            import(registry, peer, theirs, mark);
            return true;
        }
    }
    all_answered
}

fn import(registry: &ReplicatedRegistry, peer: &PeerNode, theirs: Applications, mark: u64) {
    let mut imported = 0_usize;
    for info in theirs.applications.into_iter().flat_map(|application| application.instances) {
        match registry.import(info, mark) {
            Ok(is_imported) => imported += usize::from(is_imported),
            Err(error) => tracing::warn!(peer = peer.name(), error = %error, "an instance of a peer was rejected"),
        }
    }
    registry.with(Registry::expect_all_registered);
    tracing::info!(peer = peer.name(), instances = imported, "the registry was read from another server");
}
