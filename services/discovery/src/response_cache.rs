//! Prepared responses to `apps` and `apps/delta`, serialized once for all readers.

use std::{io::Write, sync::Arc, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use parking_lot::RwLock;
use souk_eureka::EurekaAccept;
use souk_kit::Problem;
use souk_values::{Clock, Timestamp};
use tokio::time::Instant;

use crate::{
    negotiation::{AcceptsGzip, Format, Representation},
    registry::SharedRegistry,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    All,
    Delta,
}

/// The prepared responses.
///
/// A response is written again when it is requested, the registry has changed since, and it is older than the
/// interval. So no reader sees a change later than that, and any number of readers cost one write per interval.
#[derive(Debug)]
pub(crate) struct ResponseCache {
    registry: Arc<SharedRegistry>,
    clock: Arc<dyn Clock>,
    interval: Duration,
    slots: Vec<Arc<Slot>>,
}

#[derive(Debug)]
struct Slot {
    extent: Extent,
    representation: Representation,
    body: RwLock<Option<Arc<Body>>>,
    /// Held by the task that writes the body.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Body {
    /// Revision of the registry that the body shows.
    revision: u64,
    read_at: Timestamp,
    /// `read_at` by the monotonic clock.
    read_on: Instant,
    plain: Bytes,
    gzip: Bytes,
}

impl ResponseCache {
    /// Returns an empty cache; once the registry has changed, a body is used for at most `interval`.
    pub fn new(registry: Arc<SharedRegistry>, clock: Arc<dyn Clock>, interval: Duration) -> Self {
        let slot = |extent, format, accept| {
            Arc::new(Slot {
                extent,
                representation: Representation { format, accept },
                body: RwLock::default(),
                writing: tokio::sync::Mutex::default(),
            })
        };
        let slots_of = |extent| {
            [Format::Json, Format::Xml].into_iter().flat_map(move |format| {
                [EurekaAccept::Full, EurekaAccept::Compact].map(|accept| slot(extent, format, accept))
            })
        };
        Self { registry, clock, interval, slots: slots_of(Extent::All).chain(slots_of(Extent::Delta)).collect() }
    }

    pub async fn response(
        self: &Arc<Self>,
        extent: Extent,
        representation: Representation,
        gzip: AcceptsGzip,
    ) -> Result<Response, Problem> {
        let slot = self.slots.iter().find(|slot| slot.extent == extent && slot.representation == representation);
        let slot = slot.ok_or_else(|| Problem::internal(&"a representation has no slot"))?;
        let body = if let Some(body) = self.fresh(slot) { body } else { self.refreshed(slot).await? };
        let content = if gzip.0 { body.gzip.clone() } else { body.plain.clone() };
        let mut response = representation.format.response(StatusCode::OK, content);
        if gzip.0 {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }

    /// Returns the body if it is current, or younger than the interval.
    fn fresh(&self, slot: &Slot) -> Option<Arc<Body>> {
        let body = slot.body()?;
        let is_current = body.revision == self.registry.revision();
        (is_current || self.age(&body).is_some_and(|age| age < self.interval)).then_some(body)
    }

    /// Writes the body again. A task of its own does it: once started, it completes for the next reader even if this
    /// one disconnects.
    async fn refreshed(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<Arc<Body>, Problem> {
        let cache = Arc::clone(self);
        let slot = Arc::clone(slot);
        let requested_at = self.registry.revision();
        let written = tokio::spawn(async move { cache.write(&slot, requested_at).await });
        written.await.map_err(|error| Problem::internal(&error))?
    }

    /// Returns the minimum age of a body; `None` if it is unknown because the clock was set back.
    fn age(&self, body: &Body) -> Option<Duration> {
        let now = self.clock.now();
        (now >= body.read_at).then(|| now.since(body.read_at).max(body.read_on.elapsed()))
    }

    /// Writes the body for a reader whose request arrived at the revision `requested_at`.
    async fn write(&self, slot: &Slot, requested_at: u64) -> Result<Arc<Body>, Problem> {
        let _writing = slot.writing.lock().await;
        // The previous holder of the lock may have written a body that is recent enough for this request.
        if let Some(body) = self.fresh(slot).or_else(|| slot.body().filter(|body| body.revision >= requested_at)) {
            return Ok(body);
        }
        let read_at = self.clock.now();
        let read_on = Instant::now();
        let (snapshot, revision) = self.registry.with(|registry| {
            registry.expire_changes(read_at);
            let snapshot = if slot.extent == Extent::All { registry.all() } else { registry.delta() };
            (snapshot, registry.revision())
        });
        let representation = slot.representation;
        let written = tokio::task::spawn_blocking(move || {
            let plain = representation.applications(&snapshot.applications());
            compress(plain.as_bytes()).map(|gzip| (Bytes::from(plain), gzip))
        });
        let (plain, gzip) =
            written.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
        let body = Arc::new(Body { revision, read_at, read_on, plain, gzip });
        *slot.body.write() = Some(Arc::clone(&body));
        Ok(body)
    }
}

impl Slot {
    fn body(&self) -> Option<Arc<Body>> {
        self.body.read().clone()
    }
}

fn compress(plain: &[u8]) -> std::io::Result<Bytes> {
    // Registries are so repetitive that the fastest level already compresses them well.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use souk_testkit::eventually;

    use super::*;
    use crate::{
        config::DiscoveryConfig,
        registry::{Origin, Registry},
    };

    /// A clock that can be set back.
    #[derive(Debug)]
    struct Settable(Mutex<Timestamp>);

    impl Clock for Settable {
        fn now(&self) -> Timestamp {
            *self.0.lock()
        }
    }

    const JSON: Representation = Representation { format: Format::Json, accept: EurekaAccept::Full };

    fn cache(now: i64) -> (Arc<ResponseCache>, Arc<Settable>) {
        let clock = Arc::new(Settable(Mutex::new(Timestamp::from_millis(now))));
        let rules = DiscoveryConfig::default().rules().unwrap();
        let registry = Arc::new(SharedRegistry::new(Registry::new(rules, clock.now())));
        let hour = Duration::from_secs(3_600);
        (Arc::new(ResponseCache::new(registry, Arc::<Settable>::clone(&clock), hour)), clock)
    }

    fn change(cache: &ResponseCache) {
        let described = serde_json::json!({"instanceId": "a", "app": "A", "hostName": "h", "ipAddr": "i"});
        let info = souk_eureka::InstanceInfo::from_json(&described, 0).unwrap();
        let now = cache.clock.now();
        cache.registry.with(|registry| registry.register(info, Origin::Client, now)).unwrap();
    }

    fn slot(cache: &ResponseCache) -> &Slot {
        cache.slots.iter().find(|slot| slot.extent == Extent::All && slot.representation == JSON).unwrap()
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_makes_no_body_fresh() {
        let (cache, clock) = cache(10_000_000);
        cache.response(Extent::All, JSON, AcceptsGzip(false)).await.unwrap();
        change(&cache);
        assert!(cache.fresh(slot(&cache)).is_some());
        *clock.0.lock() = Timestamp::from_millis(9_000_000);
        assert!(cache.fresh(slot(&cache)).is_none());
    }

    #[tokio::test]
    async fn a_reader_that_disconnects_leaves_the_body_to_the_next() {
        let (cache, _) = cache(0);
        {
            let mut reading = Box::pin(cache.response(Extent::All, JSON, AcceptsGzip(false)));
            assert!(futures::poll!(&mut reading).is_pending());
        }
        eventually("it is written", || async { slot(&cache).body().is_some() }).await;
        let written = slot(&cache).body().unwrap();
        // A request from before the body was written takes it, whatever has changed meanwhile.
        change(&cache);
        let taken = cache.write(slot(&cache), written.revision).await.unwrap();
        assert!(Arc::ptr_eq(&written, &taken));
    }
}
