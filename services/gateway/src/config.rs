//! The configuration section `gateway`.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use souk_kit::call::breaker_config;
use souk_resilience::{BreakerConfig, duration_text};

use crate::{default_routes, definition::Definition, rate_limit_config::RateLimitConfig, route_config::RouteConfig};

/// The section `gateway`. Durations are written as `500ms`, `60s`, `5m` or `1h`, or as a number of milliseconds.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct GatewayConfig {
    /// The routing table. A configured table replaces the whole default, which is souk's API.
    pub routes: Vec<RouteConfig>,
    /// Filters of every route, before its own; none by default.
    pub default_filters: Vec<Definition>,
    /// Host of the management port, which serves `/metrics`, `/info` and `/actuator`; 127.0.0.1 by default.
    pub management_host: IpAddr,
    /// True to start although `management_host` is not a loopback address; the port has no credentials. False by default.
    pub management_insecure: bool,
    /// Number of the management port; 8079 by default.
    pub management_port: u16,
    /// Size limit of a request's head in bytes, request line included; 431 above it. At least 1024; 16 KiB by default.
    pub max_header_bytes: usize,
    /// Size limit of path and query in bytes; 414 above it. 8 KiB by default.
    pub max_uri_bytes: usize,
    /// Size limit of a request's body in bytes, unless its route has `RequestSize`; 413 above it. 1 MiB by default.
    pub max_body_bytes: u64,
    /// Number of open client connections above which new ones wait to be accepted; 10,000 by default.
    pub max_connections: usize,
    /// Time in which a client must send the head of a request; 10 s by default.
    #[serde(with = "duration_text")]
    pub request_head_timeout: Duration,
    /// Longest pause of a client within a body; 408 after it. 30 s by default.
    #[serde(with = "duration_text")]
    pub request_body_timeout: Duration,
    /// Time that an idle connection is kept for the client's next request; 75 s by default.
    #[serde(with = "duration_text")]
    pub keep_alive_timeout: Duration,
    /// Time limit of connecting to an upstream; 502 after it. 2 s by default.
    #[serde(with = "duration_text")]
    pub connect_timeout: Duration,
    /// Time limit from the end of the request to the head of the upstream's response; 504 after it. 30 s by default.
    /// A route's metadata may override it. The body of the response has no limit.
    #[serde(with = "duration_text")]
    pub response_timeout: Duration,
    /// Networks (CIDR) of proxies in front whose `X-Forwarded-*` headers are believed; none by default.
    pub trusted_proxies: Vec<String>,
    /// Limits of requests by address, network and user.
    pub rate_limit: RateLimitConfig,
    /// Redis in which all gateways together count requests: `redis://user:password@host:port/database?prefix=souk:`, or
    /// `rediss://`. Empty (default): each gateway counts in its own memory.
    pub redis_url: String,
    /// The breaker of each service. A configured breaker replaces the whole default: it opens when half of the last
    /// 20 calls (at least 10) failed, and half-opens with 3 calls after 2 s.
    pub breaker: BreakerConfig,
    /// Breakers that differ from that, by the name of their service or of the filter `CircuitBreaker`; none by default.
    pub breakers: BTreeMap<String, BreakerConfig>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            routes: default_routes::table(),
            default_filters: Vec::new(),
            management_host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            management_insecure: false,
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
            rate_limit: RateLimitConfig::default(),
            redis_url: String::new(),
            breaker: breaker_config(),
            breakers: BTreeMap::new(),
        }
    }
}
