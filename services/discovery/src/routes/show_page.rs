//! `GET /` and `GET /lastn`: the pages for people.

use std::time::Duration;

use axum::{extract::State, response::Html};

use crate::{
    app::App,
    page::{self, Overview, SelfPreservation},
};

/// Time after the start in which no complete minute of heartbeats may have been counted yet.
const WARM_UP: Duration = Duration::from_secs(120);

pub(crate) async fn status(State(app): State<App>) -> Html<String> {
    Html(page::render(&overview(&app)))
}

pub(crate) async fn last(State(app): State<App>) -> Html<String> {
    Html(page::render_last(&overview(&app)))
}

fn overview(app: &App) -> Overview {
    let now = app.clock.now();
    let is_warming_up = now.since(app.started_at) < WARM_UP;
    let peers = app.registry.peers().summaries();
    app.registry.with(|registry| {
        let stats = registry.renewal_stats(now);
        let self_preservation = match (app.config.enable_self_preservation, stats.allows_eviction) {
            (false, _) => SelfPreservation::Off,
            (true, false) if !is_warming_up => SelfPreservation::Active,
            (true, _) => SelfPreservation::Watching,
        };
        Overview {
            now,
            started_at: app.started_at,
            instances: registry.summaries(),
            renews_last_minute: stats.last_minute,
            renews_threshold: stats.threshold,
            self_preservation,
            peers,
            recently_registered: registry.recently_registered(),
            recently_cancelled: registry.recently_cancelled(),
        }
    })
}
