//! The answers to `apps` and `apps/delta`, written once for all who ask.

use std::{
    io::Write,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use souk_eureka::Accept;
use souk_kit::Problem;
use souk_values::{Clock, Timestamp};
use tokio::time::Instant;

use crate::{
    negotiation::{Format, TakesGzip, Wanted},
    registry::Shared,
};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// `apps`.
    All,
    /// `apps/delta`.
    Delta,
}

/// The prepared bodies. One is written anew when it is asked for, something has changed since it was written, and
/// it is older than the interval: a reader sees nothing that is stale for longer, and any number of readers cost one
/// writing per interval.
#[derive(Debug)]
pub struct Bodies {
    registry: Arc<Shared>,
    clock: Arc<dyn Clock>,
    interval: Duration,
    slots: Vec<Arc<Slot>>,
}

#[derive(Debug)]
struct Slot {
    extent: Extent,
    wanted: Wanted,
    ready: RwLock<Option<Arc<Body>>>,
    /// Held by the one who writes.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Body {
    revision: u64,
    read_at: Timestamp,
    read_on: Instant,
    plain: Bytes,
    gzip: Bytes,
}

impl Bodies {
    /// Bodies of `registry`, at most `interval` old when something has changed.
    #[must_use]
    pub fn new(registry: Arc<Shared>, clock: Arc<dyn Clock>, interval: Duration) -> Self {
        let slot = |extent, format, accept| {
            let (ready, writing) = (RwLock::default(), tokio::sync::Mutex::default());
            Arc::new(Slot { extent, wanted: Wanted { format, accept }, ready, writing })
        };
        let of = |extent| {
            [Format::Json, Format::Xml]
                .into_iter()
                .flat_map(move |format| [Accept::Full, Accept::Compact].map(|accept| slot(extent, format, accept)))
        };
        Self { registry, clock, interval, slots: of(Extent::All).chain(of(Extent::Delta)).collect() }
    }

    /// The answer for this reader.
    pub async fn answer(
        self: &Arc<Self>,
        extent: Extent,
        wanted: Wanted,
        gzip: TakesGzip,
    ) -> Result<Response, Problem> {
        let slot = self.slots.iter().find(|slot| slot.extent == extent && slot.wanted == wanted);
        let slot = slot.ok_or_else(|| Problem::internal(&"a format has no slot"))?;
        let body = if let Some(body) = self.fresh(slot) { body } else { self.renewed(slot).await? };
        let content = if gzip.0 { body.gzip.clone() } else { body.plain.clone() };
        let mut response = wanted.format.answer(StatusCode::OK, content);
        if gzip.0 {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }

    /// The body that is there, if it may be shown.
    fn fresh(&self, slot: &Slot) -> Option<Arc<Body>> {
        let body = slot.ready()?;
        let is_current = body.revision == self.registry.revision();
        (is_current || self.age(&body).is_some_and(|age| age < self.interval)).then_some(body)
    }

    /// The body, written anew by a task of its own: what is begun is there for the next reader, though this one goes away.
    async fn renewed(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<Arc<Body>, Problem> {
        let (bodies, slot, asked_at) = (Arc::clone(self), Arc::clone(slot), self.registry.revision());
        let written = tokio::spawn(async move { bodies.write(&slot, asked_at).await });
        written.await.map_err(|error| Problem::internal(&error))?
    }

    /// How old a body is at least. `None`: nobody knows, the clock was set back.
    fn age(&self, body: &Body) -> Option<Duration> {
        let now = self.clock.now();
        (now >= body.read_at).then(|| now.since(body.read_at).max(body.read_on.elapsed()))
    }

    /// Writes the body anew for a reader who asked at the revision `asked_at`.
    async fn write(&self, slot: &Slot, asked_at: u64) -> Result<Arc<Body>, Problem> {
        let _only_one = slot.writing.lock().await;
        // Whoever held the lock before may have written it, and not before this reader asked.
        if let Some(body) = self.fresh(slot).or_else(|| slot.ready().filter(|body| body.revision >= asked_at)) {
            return Ok(body);
        }
        let (read_at, read_on) = (self.clock.now(), Instant::now());
        let (read, revision) = self.registry.with(|registry| {
            registry.sweep(read_at);
            let read = if slot.extent == Extent::All { registry.all() } else { registry.delta() };
            (read, registry.revision())
        });
        let wanted = slot.wanted;
        let written = tokio::task::spawn_blocking(move || {
            let plain = wanted.applications(&read.applications());
            compress(plain.as_bytes()).map(|gzip| (Bytes::from(plain), gzip))
        });
        let (plain, gzip) =
            written.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
        let body = Arc::new(Body { revision, read_at, read_on, plain, gzip });
        *slot.ready.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&body));
        Ok(body)
    }
}

impl Slot {
    fn ready(&self) -> Option<Arc<Body>> {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn compress(plain: &[u8]) -> std::io::Result<Bytes> {
    // A registry repeats itself so much that the fastest level is small already.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use souk_testkit::eventually;

    use super::*;
    use crate::{DiscoveryConfig, registry::Registry};

    /// A clock that may be set back.
    #[derive(Debug)]
    struct Settable(Mutex<Timestamp>);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    const JSON: Wanted = Wanted { format: Format::Json, accept: Accept::Full };

    fn bodies(now: i64) -> (Arc<Bodies>, Arc<Settable>) {
        let clock = Arc::new(Settable(Mutex::new(Timestamp::from_millis(now))));
        let rules = DiscoveryConfig::default().rules().unwrap();
        let registry = Arc::new(Shared::new(Registry::new(rules, clock.now())));
        let hour = Duration::from_secs(3_600);
        (Arc::new(Bodies::new(registry, Arc::<Settable>::clone(&clock), hour)), clock)
    }

    fn change(bodies: &Bodies) {
        let described = serde_json::json!({"instanceId": "a", "app": "A", "hostName": "h", "ipAddr": "i"});
        let info = souk_eureka::InstanceInfo::from_json(&described, 0).unwrap();
        let now = bodies.clock.now();
        bodies.registry.with(|registry| registry.register(info, crate::registry::Origin::Client, now)).unwrap();
    }

    fn slot(bodies: &Bodies) -> &Slot {
        bodies.slots.iter().find(|slot| slot.extent == Extent::All && slot.wanted == JSON).unwrap()
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_nothing_fresh() {
        let (bodies, clock) = bodies(10_000_000);
        bodies.answer(Extent::All, JSON, TakesGzip(false)).await.unwrap();
        change(&bodies);
        assert!(bodies.fresh(slot(&bodies)).is_some());
        *clock.0.lock().unwrap() = Timestamp::from_millis(9_000_000);
        assert!(bodies.fresh(slot(&bodies)).is_none());
    }

    #[tokio::test]
    async fn a_reader_who_goes_away_leaves_the_body_to_the_next() {
        let (bodies, _) = bodies(0);
        {
            let mut reading = Box::pin(bodies.answer(Extent::All, JSON, TakesGzip(false)));
            assert!(futures::poll!(&mut reading).is_pending());
        }
        eventually("it is written", || async { slot(&bodies).ready().is_some() }).await;
        let written = slot(&bodies).ready().unwrap();
        // Who asked before it was written need not write it again, whatever has changed meanwhile.
        change(&bodies);
        let taken = bodies.write(slot(&bodies), written.revision).await.unwrap();
        assert!(Arc::ptr_eq(&written, &taken));
    }
}
