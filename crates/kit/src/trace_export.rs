//! Sends the spans of sampled traces to an OpenTelemetry collector, by OTLP over HTTP with protocol buffers.
//!
//! Requests never wait for it: spans go through a bounded queue, and what does not fit, or what the collector does not
//! take, is lost and counted in a warning.

pub mod messages;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::header;
use reqwest::Client;
use souk_bus::trace::{self, Span};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Spans that wait to be sent.
const QUEUE: usize = 8_192;
/// Spans of one request.
const BATCH: usize = 512;
/// Pause between two rounds of sending.
const PERIOD: Duration = Duration::from_millis(500);
/// Time limit of one request.
const LIMIT: Duration = Duration::from_secs(5);
/// Time limit of the last round, when the process ends.
const LAST_LIMIT: Duration = Duration::from_secs(2);
/// Time between two warnings about lost spans.
const WARNING_PERIOD: Duration = Duration::from_secs(60);

/// A span with the time at which it ended, in nanoseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finished {
    span: Span,
    ended: u64,
}

/// The running export.
#[derive(Debug)]
pub struct TraceExport {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl TraceExport {
    /// Begins to export to the collector at `endpoint`, `http://host:4318`, `ratio` (0 to 1) of the traces that begin here,
    /// and all that a caller has sampled.
    ///
    /// Errors: the HTTP client cannot be made.
    pub fn start(mut endpoint: Url, ratio: f64) -> Result<Self, reqwest::Error> {
        if !endpoint.path().ends_with("/v1/traces") {
            let path = format!("{}/v1/traces", endpoint.path().trim_end_matches('/'));
            endpoint.set_path(&path);
        }
        let client = Client::builder().timeout(LIMIT).no_proxy().build()?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let sending = Sending { endpoint, client, lost: Arc::clone(&lost), warned: None };
        trace::record_with(ratio, move |span| {
            if sender.try_send(Finished { span, ended: now() }).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        });
        let stop = CancellationToken::new();
        let task = tokio::spawn(sending.run(receiver, stop.clone()));
        Ok(Self { stop, task })
    }

    /// Sends what is left, for at most two seconds.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(LAST_LIMIT, self.task).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "spans are compared with those of other machines, whatever a test's clock says"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

struct Sending {
    endpoint: Url,
    client: Client,
    lost: Arc<AtomicU64>,
    /// Time of the last warning.
    warned: Option<std::time::Instant>,
}

impl Sending {
    async fn run(mut self, mut spans: mpsc::Receiver<Finished>, stop: CancellationToken) {
        loop {
            let is_last = tokio::select! {
                () = tokio::time::sleep(PERIOD) => false,
                () = stop.cancelled() => true,
            };
            loop {
                let batch: Vec<Finished> = std::iter::from_fn(|| spans.try_recv().ok()).take(BATCH).collect();
                if batch.is_empty() {
                    break;
                }
                let error = self.send(&batch).await.err();
                if error.is_some() {
                    self.lost.fetch_add(u64::try_from(batch.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
                }
                self.warn(error.as_deref());
            }
            if is_last {
                return;
            }
        }
    }

    async fn send(&self, batch: &[Finished]) -> Result<(), String> {
        let request = self.client.post(self.endpoint.clone()).header(header::CONTENT_TYPE, "application/x-protobuf");
        // The URL may hold a password.
        let response =
            request.body(messages::encode(batch)).send().await.map_err(|error| error.without_url().to_string())?;
        let status = response.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answers {status}")) }
    }

    fn warn(&mut self, error: Option<&str>) {
        if self.lost.load(Ordering::Relaxed) == 0 || self.warned.is_some_and(|warned| warned.elapsed() < WARNING_PERIOD)
        {
            return;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        tracing::warn!(lost, error = error.unwrap_or("the queue was full"), "spans were not exported");
        self.warned = Some(std::time::Instant::now());
    }
}
