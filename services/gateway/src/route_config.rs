//! The definition of a route in the configuration.

use serde::{Deserialize, Serialize};

use crate::{definition::Definition, limits::RateClass};

/// A route definition in Spring Cloud Gateway's format.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RouteConfig {
    /// Unique name of the route in metrics and logs.
    pub id: String,
    /// Target: `lb://order` for the instances of a service, or `http://host:port`.
    pub uri: String,
    /// Predicates, all of which must match: `Path=/a/**,/b`, `Method=GET,POST`. The gateway's README lists them.
    pub predicates: Vec<Definition>,
    /// Filters: `StripPrefix=1`, `RequestSize=20MB`. The gateway's README lists them.
    #[serde(default)]
    pub filters: Vec<Definition>,
    /// Precedence: lower orders match first, ties in the order of the table. 0 by default.
    #[serde(default)]
    pub order: i32,
    #[serde(default)]
    pub metadata: RouteMetadata,
}

/// Settings of a route that are neither predicates nor filters.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteMetadata {
    /// Time limit in milliseconds instead of `gateway.response-timeout`; negative for no limit.
    #[serde(alias = "response-timeout")]
    pub response_timeout: Option<i64>,
    /// Requests that need no token: `GET,POST /api/a/**`, `* /api/b`. `GET` includes `HEAD`.
    pub public: Vec<String>,
    /// Buckets that its requests are taken from: `ordinary` (default), `entry`, `mail`, or `none`.
    #[serde(alias = "rate-limit")]
    pub rate_limit: RateClass,
}
