//! A start that forgets nothing: everything is read from the first peer that has something.

use std::time::Duration;

use souk_eureka::Applications;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Peer;
use crate::{app::App, registry::Registry};

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
            tracing::warn!("no other discovery server had anything to tell; clients register here by themselves");
            return;
        }
        tokio::select! { () = tokio::time::sleep(pause) => {}, () = stop.cancelled() => return }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Whether there is nothing more to ask: a peer that has something was read, or all answered that they have nothing.
async fn from_any(app: &App) -> bool {
    let mut all_answered = true;
    for peer in app.replicas.iter() {
        let mark = app.registry.with(|registry| registry.mark());
        // What it says when it fails is logged by the call.
        let Ok(theirs) = peer.fetch(app.clock.now()).await else {
            all_answered = false;
            continue;
        };
        // One that has just started as well is no source.
        if theirs.applications.iter().any(|application| !application.instances.is_empty()) {
            take_over(app, peer, theirs, mark);
            return true;
        }
    }
    all_answered
}

fn take_over(app: &App, peer: &Peer, theirs: Applications, mark: u64) {
    let mut taken = 0_usize;
    for info in theirs.applications.into_iter().flat_map(|application| application.instances) {
        match app.take_over(info, mark) {
            Ok(is_taken) => taken += usize::from(is_taken),
            Err(error) => tracing::warn!(peer = peer.name(), error = %error, "an instance was not taken over"),
        }
    }
    app.registry.with(Registry::expect_what_is_here);
    tracing::info!(peer = peer.name(), instances = taken, "the registry was read from another server");
}
