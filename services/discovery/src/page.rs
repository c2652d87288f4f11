//! The status page for people: who is registered, and whether the registry itself is well.
//!
//! Nothing on it is trusted: instances choose their own names and links. It loads nothing from elsewhere.

use std::sync::LazyLock;

use minijinja::{Environment, Error, Value, context};
use reqwest::Url;
use souk_eureka::InstanceStatus;
use souk_values::Timestamp;

use crate::overview::{InstanceLine, Overview, Passage, PeerLine, SelfPreservation};

static PAGES: LazyLock<Result<Environment<'static>, Error>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    // Names that end in `.html` are escaped by default.
    pages.add_template("layout.html", include_str!("page/layout.html"))?;
    pages.add_template("status.html", include_str!("page/status.html"))?;
    pages.add_template("last.html", include_str!("page/last.html"))?;
    Ok(pages)
});

/// The page at `/`: a whole HTML document.
pub fn render(overview: &Overview) -> String {
    let now = overview.now;
    let ups = overview.instances.iter().filter(|line| line.status == InstanceStatus::Up).count();
    let by_app = overview.instances.chunk_by(|one, next| one.app == next.app);
    let applications: Vec<Value> = by_app.map(|lines| application(lines, now)).collect();
    let self_preservation = match overview.self_preservation {
        SelfPreservation::Off => "off",
        SelfPreservation::Watching => "watching",
        SelfPreservation::Active => "active",
    };
    show(
        "status.html",
        &context! {
            page => "status",
            now => moment(now),
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

/// The page at `/lastn`: who came and who went.
pub fn render_last(overview: &Overview) -> String {
    let list = |passages: &[Passage]| passages.iter().map(|one| passage(one, overview.now)).collect::<Vec<_>>();
    show(
        "last.html",
        &context! {
            page => "last",
            now => moment(overview.now),
            uptime => span(overview.now.since(overview.started_at).as_secs()),
            registered => list(&overview.last_registered),
            cancelled => list(&overview.last_cancelled),
        },
    )
}

fn show(page: &str, facts: &Value) -> String {
    let shown = PAGES.as_ref().map_err(Error::to_string).and_then(|pages| {
        pages.get_template(page).and_then(|page| page.render(facts)).map_err(|error| error.to_string())
    });
    shown.unwrap_or_else(|error| {
        tracing::error!(page, error, "the status page cannot be shown");
        "The page cannot be shown; the log says why. /eureka/apps lists all instances.".to_owned()
    })
}

fn application(lines: &[InstanceLine], now: Timestamp) -> Value {
    context! {
        name => lines.first().map_or("", |line| line.app.as_str()),
        ups => lines.iter().filter(|line| line.status == InstanceStatus::Up).count(),
        instances => lines.iter().map(|line| instance(line, now)).collect::<Vec<_>>(),
    }
}

fn instance(line: &InstanceLine, now: Timestamp) -> Value {
    let is_overridden = line.overridden_status != InstanceStatus::Unknown;
    context! {
        id => line.instance_id.as_str(),
        host => line.host_name.as_str(),
        link => line.status_page_url.as_deref().and_then(link),
        status => line.status.name(),
        override => is_overridden.then(|| line.overridden_status.name()),
        registered => ago(line.registered_at, now),
        registered_at => moment(line.registered_at),
        renewed => ago(line.renewed_at, now),
        renewed_at => moment(line.renewed_at),
        has_expired => line.expires_at <= now,
        lease => if line.expires_at > now {
            format!("{} left", span(line.expires_at.since(now).as_secs()))
        } else {
            format!("ran out {}", ago(line.expires_at, now))
        },
    }
}

fn peer(peer: &PeerLine) -> Value {
    let (class, reachable) = match peer.is_reachable {
        Some(true) => ("UP", "reachable"),
        Some(false) => ("DOWN", "not reachable"),
        None => ("UNKNOWN", "not asked yet"),
    };
    context! { url => peer.url.as_str(), class, reachable, queued => peer.queued }
}

fn passage(passage: &Passage, now: Timestamp) -> Value {
    context! {
        app => passage.app.as_str(),
        id => passage.instance_id.as_str(),
        ago => ago(passage.at, now),
        at => moment(passage.at),
    }
}

/// The address in the parser's spelling, if following it can only open a page.
fn link(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.to_string())
}

fn moment(at: Timestamp) -> String {
    at.to_string()
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

/// `12 s`, `3 min`, `2 h 5 min`, `4 d 7 h`: to read, not to reckon with.
fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{minutes} min"),
        7_200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests;
