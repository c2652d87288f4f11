//! Lets go what is over and reminds of what soon will be. Any number of replicas may sweep: an act on a
//! cart is decided under the cart's version, so that each expiry and reminder happens once.

use std::time::Duration;

use souk_values::{Timestamp, clock};
use tokio_util::sync::CancellationToken;

use crate::{app::App, cart::Act, metrics, store::StoreError};

/// Carts swept between two looks at what is due.
const BATCH: u64 = 200;
/// The longest pause: a cart may fall due that was not there at the last look.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the carts are counted at most.
const COUNTED_EVERY: Duration = Duration::from_secs(15);
/// How often old events are forgotten.
const FORGOTTEN_EVERY: Duration = Duration::from_secs(3_600);

/// Sweeps until `stop`.
pub async fn run(app: App, stop: CancellationToken) {
    let mut counted_at = Timestamp::EPOCH;
    let mut forgotten_at = app.clock.now();
    while !stop.is_cancelled() {
        let now = app.clock.now();
        let next = match sweep(&app, now, &stop).await {
            Ok(next) => next,
            Err(error) => {
                tracing::warn!(error = %error, "carts could not be swept; it is tried again");
                None
            }
        };
        if now.since(counted_at) >= COUNTED_EVERY {
            counted_at = now;
            match app.store.active_carts().await {
                Ok(count) => metrics::active_carts(count),
                Err(error) => tracing::warn!(error = %error, "carts could not be counted"),
            }
        }
        if now.since(forgotten_at) >= FORGOTTEN_EVERY {
            forgotten_at = now;
            if let Err(error) = app.store.forget_old(now).await {
                tracing::warn!(error = %error, "old events could not be forgotten");
            }
        }
        let latest = now.plus(PAUSE);
        let until = next.map_or(latest, |next| next.min(latest));
        tokio::select! {
            () = clock::sleep_until(&*app.clock, until) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Sweeps everything that is due at `now`. Answers when the next cart falls due, if that is known.
async fn sweep(app: &App, now: Timestamp, stop: &CancellationToken) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let due = app.store.due(now, BATCH).await?;
        if due.users.is_empty() {
            return Ok(due.next);
        }
        let mut swept = false;
        for user in due.users {
            if stop.is_cancelled() {
                return Ok(None);
            }
            match app.act(user, Act::Sweep).await {
                Ok(done) => swept |= done.is_applied,
                // One damaged cart must not keep the others from being swept.
                Err(error) => tracing::warn!(user.id = %user, error = %error, "a cart could not be swept"),
            }
        }
        // Another replica was faster, or nothing could be swept: look again after the pause.
        if !swept {
            return Ok(None);
        }
    }
}
