//! Every metric of the gateway but those of its breakers.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use http::{Method, StatusCode};
use metrics::{Gauge, Histogram, describe_gauge, describe_histogram, gauge, histogram};
use souk_kit::method_label;

const SERVICE: &str = "gateway";
const REQUESTS: &str = "http_server_request_duration_seconds";
const ACTIVE: &str = "http_server_active_requests";
const ROUTED: &str = "spring_cloud_gateway_requests_seconds";
const ROUTES: &str = "spring_cloud_gateway_routes_count";

/// Requests that are being answered.
pub(crate) fn active_requests() -> Gauge {
    describe_gauge!(ACTIVE, "Requests that are being answered, streams included");
    gauge!(ACTIVE, "service" => SERVICE)
}

/// Tells how many routes there are.
pub(crate) fn show_routes(count: usize) {
    describe_gauge!(ROUTES, "Routes of the gateway");
    gauge!(ROUTES, "service" => SERVICE).set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
}

/// The durations of one route's requests, until the head of the answer. Series are looked up once each.
#[derive(Debug)]
pub(crate) struct RouteSeries {
    route: String,
    /// Where it leads; none for the gateway's own.
    uri: Option<String>,
    seen: RwLock<HashMap<(&'static str, StatusCode), Arc<Series>>>,
}

#[derive(Debug)]
struct Series {
    request: Histogram,
    routed: Option<Histogram>,
}

impl RouteSeries {
    /// Of a route that leads to `uri`, or of the gateway's own.
    pub fn new(route: &str, uri: Option<&str>) -> Self {
        describe_histogram!(REQUESTS, "How long requests took until the head of the answer");
        describe_histogram!(ROUTED, "How long routed requests took until the head of the answer");
        Self { route: route.to_owned(), uri: uri.map(ToOwned::to_owned), seen: RwLock::default() }
    }

    /// As configured, or what the gateway calls its own.
    pub fn route(&self) -> &str {
        &self.route
    }

    pub fn record(&self, method: &Method, status: StatusCode, took: Duration) {
        let key = (method_label(method), status);
        let known = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let series = known.unwrap_or_else(|| {
            let made = Arc::new(self.make(key.0, status));
            let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(seen.entry(key).or_insert(made))
        });
        series.request.record(took);
        if let Some(routed) = &series.routed {
            routed.record(took);
        }
    }

    fn make(&self, method: &'static str, status: StatusCode) -> Series {
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

/// `NOT_FOUND`, as Spring names a status.
fn name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or("UNKNOWN");
    reason
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}
