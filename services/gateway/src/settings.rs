//! The validated configuration.

use std::sync::Arc;

use souk_kit::config::ConfigError;

use crate::{config::GatewayConfig, limits::SharedBuckets, networks::Networks, route::Route};

#[derive(Debug)]
pub(crate) struct Settings {
    pub routes: Vec<Route>,
    pub trusted_proxies: Networks,
    /// `None` if no Redis is configured.
    pub shared_buckets: Option<Arc<SharedBuckets>>,
}

impl Settings {
    /// Errors: lists every mistake.
    pub fn read(config: &GatewayConfig) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let routes = Route::read_all(config, &mut mistakes);
        let mut trusted_proxies = Networks::default();
        for text in &config.trusted_proxies {
            if let Err(mistake) = trusted_proxies.add(text.trim()) {
                mistakes.push(format!("gateway.trusted-proxies: {mistake}"));
            }
        }
        if let Err(errors) = config.breaker.validate() {
            mistakes.extend(errors.lines().iter().map(|line| format!("gateway.breaker.{line}")));
        }
        for (name, breaker) in &config.breakers {
            if let Err(errors) = breaker.validate() {
                mistakes.extend(errors.lines().iter().map(|line| format!("gateway.breakers.{name}.{line}")));
            }
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
                mistakes.push(format!("gateway.{key} must be greater than 0"));
            }
        }
        mistakes.extend(config.rate_limit.mistakes());
        let mut shared_buckets = None;
        if !config.redis_url.is_empty() {
            match SharedBuckets::new(&config.redis_url) {
                Ok(buckets) => shared_buckets = Some(buckets),
                Err(mistake) => mistakes.push(format!("gateway.redis-url: {mistake}")),
            }
        }
        if mistakes.is_empty() {
            Ok(Self { routes, trusted_proxies, shared_buckets })
        } else {
            Err(ConfigError(mistakes))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use souk_kit::config::Sources;

    use super::*;
    use crate::{rate_limit_config::RateLimitConfig, route_config::RouteConfig};

    #[test]
    fn the_defaults_are_valid() {
        let settings = Settings::read(&GatewayConfig::default()).unwrap();
        assert!(settings.routes.len() > 10);
    }

    #[test]
    fn every_mistake_is_reported() {
        let route = |id: &str, uri: &str, predicate: &str, filter: &str| RouteConfig {
            id: id.to_owned(),
            uri: uri.to_owned(),
            predicates: vec![predicate.into()],
            filters: vec![filter.into()],
            ..RouteConfig::default()
        };
        let mut no_predicates = route("e", "lb://e", "", "StripPrefix=1");
        no_predicates.predicates.clear();
        no_predicates.metadata.public.push("GET".to_owned());
        let config = GatewayConfig {
            routes: vec![
                route("", "lb://a", "Path=/a", "StripPrefix=1"),
                route("b", "ftp://b", "Path=/b", "StripPrefix=x"),
                route("c", "lb://c_c", "Path=c", "Compress=3"),
                route("c", "lb://d", "Colour=x", "RequestSize=20XB"),
                no_predicates,
            ],
            trusted_proxies: vec!["everyone".to_owned()],
            max_header_bytes: 10,
            connect_timeout: Duration::ZERO,
            rate_limit: RateLimitConfig { network_factor: 0, ..RateLimitConfig::default() },
            redis_url: "http://a:secret@h".to_owned(),
            ..GatewayConfig::default()
        };
        let ConfigError(mistakes) = Settings::read(&config).unwrap_err();
        let text = mistakes.join("\n");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(mistakes.len(), 16, "{text}");
        for part in [
            "gateway.routes[0]: id",
            "routes[1] (b): uri",
            "StripPrefix",
            "routes[2] (c): uri",
            "begin with '/'",
            "unknown filter 'Compress'",
            "routes[3] (c): id is not unique",
            "unknown predicate 'Colour'",
            "RequestSize",
            "routes[4] (e): it has no predicates",
            "metadata.public",
            "trusted-proxies",
            "max-header-bytes",
            "connect-timeout",
            "network-factor",
            "gateway.redis-url",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_routing_table_is_read_from_a_file() {
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
