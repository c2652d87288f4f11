//! A start that forgets nothing: everything is read from the first peer that answers.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{app::App, registry::Origin};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// By then every client has registered here itself, and a peer that starts reads from us.
const PATIENCE: Duration = Duration::from_secs(300);

/// Reads everything from a peer, while requests are served already. Tries all of them again and again for five minutes
/// (of real time: peers come back in it).
pub async fn run(app: App, stop: CancellationToken) {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        let is_done = tokio::select! { is_done = from_any(&app) => is_done, () = stop.cancelled() => return };
        if is_done {
            return;
        }
        if began.elapsed() > PATIENCE {
            tracing::warn!("no other discovery server answered; clients register here by themselves");
            return;
        }
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether a peer was read, or there is none.
async fn from_any(app: &App) -> bool {
    let mut there_is_one = false;
    for peer in app.replicas.iter() {
        there_is_one = true;
        // What it says when it fails is logged by the call.
        let Ok(theirs) = peer.fetch(app.clock.now()).await else { continue };
        let mut taken = 0_usize;
        for info in theirs.applications.into_iter().flat_map(|application| application.instances) {
            match app.admit(info, Origin::Peer) {
                Ok(()) => taken += 1,
                Err(error) => tracing::warn!(peer = peer.name(), error = %error, "an instance was not taken over"),
            }
        }
        app.registry.with(crate::registry::Registry::expect_what_is_here);
        tracing::info!(peer = peer.name(), instances = taken, "the registry was read from another server");
        return true;
    }
    !there_is_one
}
