//! The section `gateway` of the configuration.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_resilience::{BreakerConfig, duration_text};

use crate::{address_range::AddressRange, default_routes, route::Route};

/// The section `gateway`. Durations are written `500ms`, `60s`, `5m`, `1h`, or in milliseconds.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// The routing table; given, it replaces the whole default. The API of souk.
    pub routes: Vec<RouteConfig>,
    /// Where `/metrics`, `/info` and `/actuator` are served, for whoever binds the listeners. 127.0.0.1.
    pub management_host: IpAddr,
    /// The port of the same. 8079.
    pub management_port: u16,
    /// Bytes of a request's head, request line included; 431 above. At least 1024. 16 KiB.
    pub max_header_bytes: usize,
    /// Bytes of a request's path and query; 414 above. 8 KiB.
    pub max_uri_bytes: usize,
    /// Bytes of a request's body unless its route has `RequestSize`; 413 above. 1 MiB.
    pub max_body_bytes: u64,
    /// Connections of clients at a time; more wait to be accepted. 10,000.
    pub max_connections: usize,
    /// How long a client may take to send a request's head. 10 s.
    #[serde(with = "duration_text")]
    pub request_head_timeout: Duration,
    /// How long a client may pause while it sends a body; 408 after. 30 s.
    #[serde(with = "duration_text")]
    pub request_body_timeout: Duration,
    /// How long a connection is kept for the client's next request. 75 s.
    #[serde(with = "duration_text")]
    pub keep_alive_timeout: Duration,
    /// How long connecting to a service may take; 502 after. 2 s.
    #[serde(with = "duration_text")]
    pub connect_timeout: Duration,
    /// How long a service may take, once it has the whole request, until it answers a head; 504 after.
    /// A route's metadata may say otherwise. What follows the head may take any time. 30 s.
    #[serde(with = "duration_text")]
    pub response_timeout: Duration,
    /// Address ranges of proxies in front whose `X-Forwarded-*` are believed. None.
    pub trusted_proxies: Vec<String>,
    /// The breaker of each service. Given, it replaces the whole default: opens when half of the last
    /// twenty calls failed, at least ten; tries three calls again after two seconds.
    pub breaker: BreakerConfig,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            routes: default_routes::all(),
            management_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            management_port: 8079,
            max_header_bytes: 16 * 1024,
            max_uri_bytes: 8 * 1024,
            max_body_bytes: 1024 * 1024,
            max_connections: 10_000,
            request_head_timeout: Duration::from_secs(10),
            request_body_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(75),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            breaker: BreakerConfig {
                sliding_window_size: 20,
                minimum_number_of_calls: 10,
                wait_duration_in_open_state: Duration::from_secs(2),
                permitted_number_of_calls_in_half_open_state: 3,
                max_wait_duration_in_half_open_state: Duration::from_secs(10),
                ..BreakerConfig::default()
            },
        }
    }
}

/// One route, in Spring Cloud Gateway's shape.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Unique; the route's name in metrics and logs.
    pub id: String,
    /// `lb://order`, or `http://host:port`.
    pub uri: String,
    /// All must hold: `Path=/a/**,/b`, `Method=GET,POST`. At least a `Path`.
    pub predicates: Vec<String>,
    /// `StripPrefix=1`, `RequestSize=20MB`.
    #[serde(default)]
    pub filters: Vec<String>,
    /// Lower goes first; ties go by their place in the table. 0.
    #[serde(default)]
    pub order: i32,
    /// What else there is to know of it.
    #[serde(default)]
    pub metadata: RouteMetadata,
}

/// What else there is to know of a route.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteMetadata {
    /// Milliseconds until the service must have answered a head; negative: no limit.
    #[serde(alias = "response-timeout")]
    pub response_timeout: Option<i64>,
    /// What needs no token: `GET,POST /api/a/**`, `* /api/b`. `GET` holds for `HEAD` too.
    pub public: Vec<String>,
}

/// The configuration, read and found right.
#[derive(Debug)]
pub(crate) struct Settings {
    pub routes: Vec<Route>,
    pub trusted_proxies: Vec<AddressRange>,
}

impl Settings {
    /// Errors: everything that is wrong with `config`.
    pub fn read(config: &GatewayConfig) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let routes = Route::read_all(config, &mut mistakes);
        let mut trusted_proxies = Vec::new();
        for text in &config.trusted_proxies {
            match text.trim().parse() {
                Ok(range) => trusted_proxies.push(range),
                Err(mistake) => mistakes.push(format!("gateway.trusted-proxies: {mistake}")),
            }
        }
        if let Err(wrong) = config.breaker.validate() {
            mistakes.extend(wrong.lines().iter().map(|line| format!("gateway.breaker.{line}")));
        }
        if config.max_header_bytes < 1024 {
            mistakes.push("gateway.max-header-bytes must be at least 1024".to_owned());
        }
        if config.max_connections == 0 {
            mistakes.push("gateway.max-connections must be at least 1".to_owned());
        }
        for (key, limit) in [
            ("request-head-timeout", config.request_head_timeout),
            ("request-body-timeout", config.request_body_timeout),
            ("keep-alive-timeout", config.keep_alive_timeout),
            ("connect-timeout", config.connect_timeout),
            ("response-timeout", config.response_timeout),
        ] {
            if limit.is_zero() {
                mistakes.push(format!("gateway.{key} must be above 0"));
            }
        }
        if mistakes.is_empty() { Ok(Self { routes, trusted_proxies }) } else { Err(ConfigError(mistakes)) }
    }
}

#[cfg(test)]
mod tests {
    use souk_kit::config::Sources;

    use super::*;

    #[test]
    fn the_defaults_are_right() {
        let settings = Settings::read(&GatewayConfig::default()).unwrap();
        assert!(settings.routes.len() > 10);
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let route = |id: &str, uri: &str, predicate: &str, filter: &str| RouteConfig {
            id: id.to_owned(),
            uri: uri.to_owned(),
            predicates: vec![predicate.to_owned()],
            filters: vec![filter.to_owned()],
            ..RouteConfig::default()
        };
        let mut no_predicates = route("e", "lb://e", "", "StripPrefix=1");
        no_predicates.predicates.clear();
        no_predicates.metadata.public.push("GET".to_owned());
        let config = GatewayConfig {
            routes: vec![
                route("", "lb://a", "Path=/a", "StripPrefix=1"),
                route("b", "ftp://b", "Path=/b", "StripPrefix=x"),
                route("c", "lb://c_c", "Path=c", "Retry=3"),
                route("c", "lb://d", "Header=x", "RequestSize=20XB"),
                no_predicates,
            ],
            trusted_proxies: vec!["everyone".to_owned()],
            max_header_bytes: 10,
            connect_timeout: Duration::ZERO,
            ..GatewayConfig::default()
        };
        let ConfigError(mistakes) = Settings::read(&config).unwrap_err();
        let text = mistakes.join("\n");
        assert_eq!(mistakes.len(), 15, "{text}");
        for part in [
            "gateway.routes[0]: id",
            "routes[1] (b): uri",
            "StripPrefix",
            "routes[2] (c): uri",
            "begin with '/'",
            "unknown filter 'Retry'",
            "routes[3] (c): id is not unique",
            "unknown predicate 'Header'",
            "RequestSize",
            "routes[4] (e): no Path",
            "metadata.public",
            "trusted-proxies",
            "max-header-bytes",
            "connect-timeout",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_table_is_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let text = "gateway:\n  response-timeout: 5s\n  routes:\n  - id: orders\n    uri: lb://order\n    \
                    predicates: ['Path=/api/orders/**']\n    filters: ['StripPrefix=1']\n    order: 3\n    \
                    metadata: {response-timeout: -1, public: ['GET /api/orders/x']}\n";
        std::fs::write(folder.path().join("application.yml"), text).unwrap();
        let config: GatewayConfig =
            Sources::default().with_files(folder.path(), &[]).unwrap().section("gateway").unwrap();
        assert_eq!(config.response_timeout, Duration::from_secs(5));
        let [route] = config.routes.as_slice() else { panic!("{config:?}") };
        assert_eq!((route.order, route.metadata.response_timeout), (3, Some(-1)));
        Settings::read(&config).unwrap();
    }
}
