//! Logs as JSON lines, metrics for Prometheus.

use std::{sync::OnceLock, time::Duration};

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, header};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt::MakeWriter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use crate::{
    encoding::Accepted,
    metrics::{self, PROCESS},
};

static METRICS: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
/// Changes the log filter at run time.
static CHANGE_LEVEL: OnceLock<ChangeLevel> = OnceLock::new();

type ChangeLevel = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Content type of Prometheus' text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Period in which recorded samples are folded into histograms.
const UPKEEP: Duration = Duration::from_secs(5);

/// Buckets of HTTP durations in seconds, from a hit in memory to a caller's timeout.
const REQUEST_BUCKETS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Buckets of timers that other software exports without any, since their count and sum are all that dashboards read. One
/// keeps them histograms; with those of requests they were a third of a scrape.
const TIMER_BUCKETS: &[f64] = &[1.0];
/// Buckets of saga durations in seconds, up to half an hour.
const SAGA_BUCKETS: &[f64] = &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0];
/// Buckets of cart item lifetimes in seconds, up to a week.
const CART_BUCKETS: &[f64] = &[600.0, 3_600.0, 21_600.0, 43_200.0, 86_400.0, 259_200.0, 604_800.0];
/// Buckets of numbers of events in a transaction, up to the most that a consumer takes at once.
const BATCH_BUCKETS: &[f64] = &[1.0, 4.0, 16.0, 64.0];

/// Module of SQL Server's driver that logs the text of every refused statement as an error, a duplicate with its key
/// included, and every row that it reads at TRACE. What matters in it reaches the caller as an error and is logged there.
const SHOWS_VALUES: &str = "tiberius::tds::stream::token";

/// Logs to standard error, one JSON object a line, at `level` (`info`, `warn`) unless `RUST_LOG` says otherwise.
pub fn log_json(level: &str) {
    let (logs, handle) = subscriber(filter(level), std::io::stderr);
    // A second start in one process (tests) keeps the first subscriber.
    if logs.try_init().is_ok() {
        let _ = CHANGE_LEVEL.set(Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())));
    }
}

/// Returns the log to `writer`, and the handle that replaces its filter. No filter shows values of customers.
fn subscriber<W>(
    filter: EnvFilter,
    writer: W,
) -> (impl Subscriber + Send + Sync, reload::Handle<EnvFilter, impl Subscriber>)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let logs = tracing_subscriber::fmt().json().flatten_event(true).with_writer(writer);
    let logs = logs.with_env_filter(filter).with_filter_reloading();
    let handle = logs.reload_handle();
    let shows_no_values = |metadata: &Metadata<'_>| !metadata.target().starts_with(SHOWS_VALUES);
    (logs.finish().with(filter_fn(shows_no_values)), handle)
}

/// Logs at `level` from now on.
pub fn change_level(level: &str) {
    let changed = CHANGE_LEVEL.get().map_or_else(|| Ok(()), |change| change(filter(level)));
    if let Err(error) = changed {
        tracing::error!(error, "the level of logs stays as it is");
    }
}

fn filter(level: &str) -> EnvFilter {
    // lapin logs returned messages with their whole payload, which may hold a token, as warnings. tiberius warns at every
    // connection about options that payment's store reports once.
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},lapin=error,tiberius=error")))
}

/// Installs the metrics recorder of the process. Repeated calls share it.
pub fn install_metrics() {
    METRICS.get_or_init(|| {
        let own_buckets = [
            ("order_saga_seconds", SAGA_BUCKETS),
            ("cart_item_ttl_seconds", CART_BUCKETS),
            ("stock_batch_events", BATCH_BUCKETS),
            ("resilience4j_circuitbreaker_calls_seconds", TIMER_BUCKETS),
            ("spring_cloud_gateway_requests_seconds", TIMER_BUCKETS),
        ];
        let builder = PrometheusBuilder::new().set_buckets(REQUEST_BUCKETS);
        let builder = own_buckets.into_iter().fold(builder, |builder, (name, buckets)| {
            builder.and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets))
        });
        let installed = builder
            .map_err(|error| error.to_string())
            .and_then(|builder| builder.install_recorder().map_err(|error| error.to_string()));
        let handle = installed.map_err(|error| tracing::error!(error, "metrics are not recorded")).ok();
        if let Some(handle) = handle.clone() {
            spawn_upkeep(handle);
        }
        metrics::describe();
        handle
    });
}

/// Folds recorded samples into their buckets every few seconds, scraped or not: unfolded samples are kept one by one
/// and would fill the memory of a process that is not scraped.
fn spawn_upkeep(handle: PrometheusHandle) {
    let spawned = std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
        loop {
            std::thread::park_timeout(UPKEEP);
            handle.run_upkeep();
        }
    });
    if let Err(error) = spawned {
        tracing::error!(error = %error, "metrics are folded only when they are scraped");
    }
}

/// Responds to a scrape with the metrics of one service, or of the whole process, compressed if `headers` accept it: a tenth
/// of the bytes.
#[must_use]
pub fn metrics_response(service: Option<&str>, headers: &HeaderMap) -> Response<Body> {
    let mut response = Accepted::of(headers).compress(render_metrics(service));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(TEXT_FORMAT));
    response
}

/// Renders the metrics in Prometheus' text format.
fn render_metrics(service: Option<&str>) -> String {
    let Some(Some(handle)) = METRICS.get() else { return String::new() };
    metrics::process();
    handle.run_upkeep();
    let text = handle.render();
    match service {
        None => text,
        Some(service) => series_of(&text, service),
    }
}

/// Keeps the series labelled with `service` and those of the process, and their families' headings.
fn series_of(text: &str, service: &str) -> String {
    let labels = [service, PROCESS].map(|service| format!("service=\"{service}\""));
    let mut out = String::new();
    let mut headings: Vec<&str> = Vec::new();
    for line in text.lines() {
        if line.starts_with('#') {
            if line.starts_with("# HELP") || !headings.iter().any(|heading| heading.starts_with("# HELP")) {
                headings.clear();
            }
            headings.push(line);
        } else if labels.iter().any(|label| line.contains(label)) || line.starts_with("process_") {
            for heading in headings.drain(..) {
                out.push_str(heading);
                out.push('\n');
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Logs what the drivers log, and returns the text.
    fn logged(filter: &str) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let (logs, handle) = subscriber(EnvFilter::new("off"), move || writer.clone());
        tracing::subscriber::with_default(logs, || {
            handle.reload(EnvFilter::new(filter)).unwrap();
            tracing::error!(target: "tiberius::tds::stream::token", code = 2627, "The duplicate key value is (ada@example.org).");
            tracing::trace!(target: "tiberius::tds::stream::token", "a row with ada@example.org");
            tracing::warn!(target: "tiberius::client::connection", "TLS encryption is not enabled.");
            tracing::error!(target: "tiberius::client::connection", "another error of the driver");
            tracing::info!("an event of the shop");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn no_filter_logs_the_values_of_a_statement() {
        for filter in ["info", "trace", "tiberius=trace", "tiberius::tds::stream::token=trace"] {
            let text = logged(filter);
            // No number: the time of a line has digits.
            assert!(!text.contains("ada@"), "{filter}: {text}");
        }
        assert!(logged("tiberius=trace").contains("another error of the driver"));
    }

    #[test]
    fn the_default_filter_hides_what_the_driver_warns_about_at_each_connection() {
        let text = logged(&filter("info").to_string());
        assert!(!text.contains("TLS encryption") && text.contains("another error"), "{text}");
        assert!(text.contains("an event of the shop"), "{text}");
    }

    #[test]
    fn a_service_shows_its_own_series_with_their_headings() {
        let text = "# HELP a x\n# TYPE a counter\na{service=\"order\"} 1\na{service=\"cart\"} 2\n\n# TYPE b gauge\n\
                    b{service=\"cart\"} 3\n\n# TYPE process_threads gauge\nprocess_threads 4\n";
        assert_eq!(
            series_of(text, "order"),
            "# HELP a x\n# TYPE a counter\na{service=\"order\"} 1\n# TYPE process_threads gauge\nprocess_threads 4\n"
        );
    }
}
