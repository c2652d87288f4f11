//! The status page for people: the registered instances and the state of the registry itself.
//!
//! Instances choose their own names and links, so everything is escaped. The page loads nothing from other hosts.

use std::sync::LazyLock;

use minijinja::{Environment, Error, Value, context};
use reqwest::Url;
use souk_eureka::InstanceStatus;
use souk_values::Timestamp;

use crate::{
    registry::{InstanceSummary, RecentEntry},
    replication::PeerSummary,
};

/// The content of the pages: the registry at one point in time.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    pub now: Timestamp,
    pub started_at: Timestamp,
    /// Instances in the order of application and id.
    pub instances: Vec<InstanceSummary>,
    /// Heartbeats in the latest complete minute.
    pub renews_last_minute: u64,
    /// Heartbeats per minute that must be exceeded before instances are evicted.
    pub renews_threshold: u64,
    pub self_preservation: SelfPreservation,
    pub peers: Vec<PeerSummary>,
    /// Newest first, at most 1000.
    pub recently_registered: Vec<RecentEntry>,
    /// Cancelled and evicted instances; newest first, at most 1000.
    pub recently_cancelled: Vec<RecentEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelfPreservation {
    Off,
    /// Switched on, and enough heartbeats arrive.
    Watching,
    /// Eviction is suspended because too few heartbeats arrive.
    Active,
}

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    // minijinja escapes templates whose names end in `.html`.
    pages.add_template("layout.html", include_str!("page/layout.html"))?;
    pages.add_template("status.html", include_str!("page/status.html"))?;
    pages.add_template("last.html", include_str!("page/last.html"))?;
    Ok(pages)
});

pub(crate) fn render(overview: &Overview) -> String {
    let now = overview.now;
    let ups = count_up(&overview.instances);
    let by_app = overview.instances.chunk_by(|one, next| one.app == next.app);
    let applications: Vec<Value> = by_app.map(|instances| application(instances, now)).collect();
    let self_preservation = match overview.self_preservation {
        SelfPreservation::Off => "off",
        SelfPreservation::Watching => "watching",
        SelfPreservation::Active => "active",
    };
    render_template(
        "status.html",
        &context! {
            page => "status",
            now => now.to_string(),
            uptime => span(now.since(overview.started_at).as_secs()),
            instances => overview.instances.len(),
            ups,
            applications,
            renews => overview.renews_last_minute,
            threshold => overview.renews_threshold,
            self_preservation,
            peers => overview.peers.iter().map(peer).collect::<Vec<_>>(),
        },
    )
}

/// Renders the page at `/lastn`: the latest registrations and cancellations.
pub(crate) fn render_last(overview: &Overview) -> String {
    let list = |entries: &[RecentEntry]| entries.iter().map(|entry| recent(entry, overview.now)).collect::<Vec<_>>();
    render_template(
        "last.html",
        &context! {
            page => "last",
            now => overview.now.to_string(),
            uptime => span(overview.now.since(overview.started_at).as_secs()),
            registered => list(&overview.recently_registered),
            cancelled => list(&overview.recently_cancelled),
        },
    )
}

fn render_template(name: &str, values: &Value) -> String {
    let page = PAGES.as_ref().map_err(Error::to_string).and_then(|pages| {
        pages.get_template(name).and_then(|template| template.render(values)).map_err(|error| error.to_string())
    });
    page.unwrap_or_else(|error| {
        tracing::error!(template = name, error, "a page could not be rendered");
        "This page could not be rendered; the log of this server has the reason. /eureka/apps lists all instances."
            .to_owned()
    })
}

fn count_up(instances: &[InstanceSummary]) -> usize {
    instances.iter().filter(|instance| instance.status == InstanceStatus::Up).count()
}

fn application(instances: &[InstanceSummary], now: Timestamp) -> Value {
    context! {
        name => instances.first().map_or("", |instance| instance.app.as_str()),
        ups => count_up(instances),
        instances => instances.iter().map(|summary| instance(summary, now)).collect::<Vec<_>>(),
    }
}

fn instance(instance: &InstanceSummary, now: Timestamp) -> Value {
    let is_overridden = instance.overridden_status != InstanceStatus::Unknown;
    context! {
        id => instance.instance_id.as_str(),
        host => instance.host_name.as_str(),
        link => instance.status_page_url.as_deref().and_then(link),
        status => instance.status.name(),
        override => is_overridden.then(|| instance.overridden_status.name()),
        registered => ago(instance.registered_at, now),
        registered_at => instance.registered_at.to_string(),
        renewed => ago(instance.renewed_at, now),
        renewed_at => instance.renewed_at.to_string(),
        has_expired => instance.expires_at <= now,
        lease => if instance.expires_at > now {
            format!("{} left", span(instance.expires_at.since(now).as_secs()))
        } else {
            format!("expired {}", ago(instance.expires_at, now))
        },
    }
}

fn peer(peer: &PeerSummary) -> Value {
    let (class, reachable) = match peer.is_reachable {
        Some(true) => ("UP", "reachable"),
        Some(false) => ("DOWN", "not reachable"),
        None => ("UNKNOWN", "not called yet"),
    };
    context! { url => peer.url.as_str(), class, reachable, queued => peer.queued }
}

fn recent(entry: &RecentEntry, now: Timestamp) -> Value {
    context! {
        app => entry.app.as_str(),
        id => entry.instance_id.as_str(),
        ago => ago(entry.at, now),
        at => entry.at.to_string(),
    }
}

/// Returns an instance's URL as a link target; `None` unless it is HTTP, because `javascript:` would run in the page.
fn link(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.to_string())
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    if at == Timestamp::EPOCH {
        return "never".to_owned();
    }
    match now.since(at).as_secs() {
        0 => "just now".to_owned(),
        seconds => format!("{} ago", span(seconds)),
    }
}

/// Formats a duration for people: `12 s`, `3 min`, `2 h 5 min`, `4 d 7 h`.
fn span(seconds: u64) -> String {
    let minutes = seconds / 60;
    let hours = seconds / 3_600;
    let days = seconds / 86_400;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests;
