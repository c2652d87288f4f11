//! The gateway's metrics, except those of its breakers.

use std::{collections::HashMap, sync::Arc, time::Duration};

use http::{Method, StatusCode};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use parking_lot::RwLock;
use serde::Serialize;
use souk_kit::method_label;
use souk_values::gauge_value;

use crate::{
    limits,
    visits::{Source, Step},
};

const SERVICE: &str = "gateway";
const REQUESTS: &str = "http_server_request_duration_seconds";
const ACTIVE: &str = "http_server_active_requests";
// Names of Spring Cloud Gateway, so that dashboards made for it work.
const ROUTED: &str = "spring_cloud_gateway_requests_seconds";
const ROUTES: &str = "spring_cloud_gateway_routes_count";
const RATE_LIMITED: &str = "rate_limited_requests_total";
const STEPS: &str = "funnel_steps_total";
const VISITS: &str = "storefront_visits_total";

/// Describes the series, starts the counters at 0, and sets the number of routes.
pub(crate) fn describe(routes: usize) {
    describe_histogram!(REQUESTS, "Time from a request to the headers of its response");
    describe_gauge!(ACTIVE, "Requests being answered, streams included");
    describe_histogram!(ROUTED, "Time from a routed request to the headers of its response");
    describe_gauge!(ROUTES, "Routes of the gateway");
    describe_counter!(RATE_LIMITED, "Requests refused by the kind of token bucket that was empty");
    describe_counter!(STEPS, "Page views by the step that the visitor reached");
    describe_counter!(VISITS, "Visits by the source that brought the visitor");
    gauge!(ROUTES, "service" => SERVICE).set(gauge_value(routes));
    for step in Step::ALL {
        steps(step).increment(0);
    }
    for source in Source::ALL {
        visits(source).increment(0);
    }
    for bucket in limits::kinds() {
        rate_limited(bucket).increment(0);
    }
}

pub(crate) fn active_requests() -> Gauge {
    gauge!(ACTIVE, "service" => SERVICE)
}

/// Counts a refused request. `bucket` is the kind of bucket that was empty, such as `entry_network`.
pub(crate) fn count_rate_limited(bucket: &'static str) {
    rate_limited(bucket).increment(1);
}

fn rate_limited(bucket: &'static str) -> Counter {
    counter!(RATE_LIMITED, "service" => SERVICE, "bucket" => bucket)
}

pub(crate) fn count_page_view(step: Step, source: Source) {
    steps(step).increment(1);
    if step == Step::Visit {
        visits(source).increment(1);
    }
}

fn steps(step: Step) -> Counter {
    counter!(STEPS, "service" => SERVICE, "step" => label(step))
}

fn visits(source: Source) -> Counter {
    counter!(VISITS, "service" => SERVICE, "source" => label(source))
}

/// Returns the name of a step or source in the API, which is also its label.
fn label(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The duration series of one route. Each is looked up once per method and status.
#[derive(Debug)]
pub(crate) struct RouteSeries {
    route: String,
    /// The route's target; `None` for requests that the gateway answers itself.
    uri: Option<String>,
    series: RwLock<HashMap<(&'static str, StatusCode), Arc<Series>>>,
}

#[derive(Debug)]
struct Series {
    request: Histogram,
    routed: Option<Histogram>,
}

impl RouteSeries {
    pub fn new(route: &str, uri: Option<&str>) -> Self {
        Self { route: route.to_owned(), uri: uri.map(ToOwned::to_owned), series: RwLock::default() }
    }

    /// Returns the label `http_route`: the id of the route, or `gateway`, `files` or `none`.
    pub fn route(&self) -> &str {
        &self.route
    }

    pub fn record(&self, method: &Method, status: StatusCode, duration: Duration) {
        let key = (method_label(method), status);
        let known = self.series.read().get(&key).cloned();
        let series = known.unwrap_or_else(|| {
            let new = Arc::new(self.register(key.0, status));
            Arc::clone(self.series.write().entry(key).or_insert(new))
        });
        series.request.record(duration);
        if let Some(routed) = &series.routed {
            routed.record(duration);
        }
    }

    fn register(&self, method: &'static str, status: StatusCode) -> Series {
        let code = status.as_str().to_owned();
        let request = histogram!(REQUESTS,
            "service" => SERVICE,
            "http_request_method" => method,
            "http_route" => self.route.clone(),
            "http_response_status_code" => code.clone());
        let routed = self.uri.as_ref().map(|uri| {
            histogram!(ROUTED,
                "service" => SERVICE,
                "routeId" => self.route.clone(),
                "routeUri" => uri.clone(),
                "outcome" => outcome(status),
                "status" => name(status),
                "httpStatusCode" => code,
                "httpMethod" => method)
        });
        Series { request, routed }
    }
}

fn outcome(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "INFORMATIONAL",
        200..=299 => "SUCCESSFUL",
        300..=399 => "REDIRECTION",
        400..=499 => "CLIENT_ERROR",
        500..=599 => "SERVER_ERROR",
        _ => "UNKNOWN",
    }
}

/// Returns a status in Spring's spelling, such as `NOT_FOUND`.
fn name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("UNKNOWN");
    reason
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}
