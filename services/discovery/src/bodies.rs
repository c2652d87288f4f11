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
    slots: Vec<Slot>,
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
    plain: Bytes,
    gzip: Bytes,
}

impl Bodies {
    /// Bodies of `registry`, at most `interval` old when something has changed.
    #[must_use]
    pub fn new(registry: Arc<Shared>, clock: Arc<dyn Clock>, interval: Duration) -> Self {
        let slot = |extent, format, accept| Slot {
            extent,
            wanted: Wanted { format, accept },
            ready: RwLock::default(),
            writing: tokio::sync::Mutex::default(),
        };
        let of = |extent| {
            [Format::Json, Format::Xml]
                .into_iter()
                .flat_map(move |format| [Accept::Full, Accept::Compact].map(|accept| slot(extent, format, accept)))
        };
        Self { registry, clock, interval, slots: of(Extent::All).chain(of(Extent::Delta)).collect() }
    }

    /// The answer for this reader.
    pub async fn answer(&self, extent: Extent, wanted: Wanted, gzip: TakesGzip) -> Result<Response, Problem> {
        let slot = self.slots.iter().find(|slot| slot.extent == extent && slot.wanted == wanted);
        let slot = slot.ok_or_else(|| Problem::internal(&"a format has no slot"))?;
        let body = match self.fresh(slot) {
            Some(body) => body,
            None => self.write(slot).await?,
        };
        let content = if gzip.0 { body.gzip.clone() } else { body.plain.clone() };
        let mut response = wanted.format.answer(StatusCode::OK, content);
        if gzip.0 {
            response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(response)
    }

    /// The body that is there, if it may be shown.
    fn fresh(&self, slot: &Slot) -> Option<Arc<Body>> {
        let body = slot.ready.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let is_current = body.revision == self.registry.revision();
        (is_current || self.clock.now().since(body.read_at) < self.interval).then_some(body)
    }

    async fn write(&self, slot: &Slot) -> Result<Arc<Body>, Problem> {
        let _only_one = slot.writing.lock().await;
        // Whoever held the lock before may have written it.
        if let Some(body) = self.fresh(slot) {
            return Ok(body);
        }
        let read_at = self.clock.now();
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
        let body = Arc::new(Body { revision, read_at, plain, gzip });
        *slot.ready.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&body));
        Ok(body)
    }
}

fn compress(plain: &[u8]) -> std::io::Result<Bytes> {
    // A registry repeats itself so much that the fastest level is small already.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish().map(Bytes::from)
}
