//! The default routing table: the public API of souk's services.

use crate::{
    limits::RateClass,
    route_config::{RouteConfig, RouteMetadata},
};

/// Services with dead letters and breakers.
pub(crate) const OPERATED: [&str; 6] = ["auth", "product", "order", "cart", "payment", "notification"];

/// Time limit of an import or export in milliseconds, once its request was received.
const CATALOGUE_FILE_TIMEOUT_MS: i64 = 300_000;

/// Where anonymous visitors get and end tokens.
const AUTH_ENTRY: &str = "/api/auth/login,/api/auth/refresh,/api/auth/logout,/api/auth/guest,/api/auth/password/reset";

/// Returns the routes of souk's API.
///
/// `public` must agree with the services' own URL tables: a test compares it with their OpenAPI documents.
pub(crate) fn table() -> Vec<RouteConfig> {
    let mut routes = vec![
        route("auth-mail", "auth", "/api/auth/register,/api/auth/password/forgot")
            .with_public(&["POST /api/auth/register", "POST /api/auth/password/forgot"])
            .with_rate(RateClass::Mail),
        route("auth-entry", "auth", AUTH_ENTRY)
            .with_public(&[
                "POST /api/auth/login",
                "POST /api/auth/refresh",
                "POST /api/auth/logout",
                "POST /api/auth/guest",
                "POST /api/auth/password/reset",
            ])
            .with_rate(RateClass::Entry),
        route("auth", "auth", "/api/auth/**,/api/users/**"),
        route("jwks", "auth", "/api/.well-known/jwks.json").with_public(&["GET /api/.well-known/jwks.json"]),
        RouteConfig {
            filters: Vec::new(),
            ..route("jwks-root", "auth", "/.well-known/jwks.json").with_public(&["GET /.well-known/jwks.json"])
        },
        // A whole catalogue is larger than other bodies and takes longer to process.
        RouteConfig {
            metadata: RouteMetadata { response_timeout: Some(CATALOGUE_FILE_TIMEOUT_MS), ..RouteMetadata::default() },
            ..route("product-file", "product", "/api/products/import,/api/products/export").with_size("20MB")
        },
        route("product-picture", "product", "/api/products/*/picture").with_size("5MB"),
        route("picture", "product", "/api/pictures/**")
            .with_public(&["GET /api/pictures/**"])
            .with_rate(RateClass::None),
        route("product", "product", "/api/products/**,/api/categories/**").with_public(&[
            "GET /api/products",
            "GET /api/products/*",
            "GET /api/products/by-slug/*",
            "GET /api/products/*/related",
            "GET /api/categories/**",
        ]),
        route("cart", "cart", "/api/cart/**,/api/wishlist/**"),
        route("order", "order", "/api/orders/**"),
        route("payment", "payment", "/api/payments/**").with_public(&["POST /api/payments/webhooks/**"]),
        route("notification", "notification", "/api/notifications/**"),
    ];
    routes.extend(OPERATED.map(|service| {
        let paths = format!("/api/admin/{service}/dead-letters/**,/api/admin/{service}/breakers");
        route(&format!("{service}-operations"), service, &paths)
    }));
    routes
}

fn route(id: &str, service: &str, paths: &str) -> RouteConfig {
    RouteConfig {
        id: id.to_owned(),
        uri: format!("lb://{service}"),
        predicates: vec![format!("Path={paths}").into()],
        filters: vec!["StripPrefix=1".into()],
        ..RouteConfig::default()
    }
}

impl RouteConfig {
    fn with_public(mut self, public: &[&str]) -> Self {
        self.metadata.public = public.iter().map(ToString::to_string).collect();
        self
    }

    fn with_rate(mut self, class: RateClass) -> Self {
        self.metadata.rate_limit = class;
        self
    }

    fn with_size(mut self, size: &str) -> Self {
        self.filters.push(format!("RequestSize={size}").into());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use http::Method;
    use serde_json::Value;

    use super::*;
    use crate::{config::GatewayConfig, path_pattern::PathPattern, predicates::RequestView, route::Route};

    /// Returns method, path and publicity of every operation in the service's OpenAPI document, internal ones excluded.
    fn operations(service: &str) -> Vec<(Method, String, bool)> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(service).join("openapi.json");
        let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut operations = Vec::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let is_public = operation["security"].as_array().is_some_and(Vec::is_empty);
                operations.push((method.to_uppercase().parse().unwrap(), path.clone(), is_public));
            }
        }
        operations.retain(|(_, path, _)| !path.starts_with("/internal/"));
        operations
    }

    #[test]
    fn the_gateway_and_the_services_agree_on_the_public_routes() {
        let routes = Route::read_all(&GatewayConfig::default(), &mut Vec::new());
        let mut public = Vec::new();
        for service in OPERATED {
            for (method, path, is_public) in operations(service) {
                let path = format!("/api{path}");
                let route = routes.iter().find(|route| route.matches(&RequestView::of(&method, &path)));
                let route = route.unwrap_or_else(|| panic!("{method} {path} has no route"));
                assert_eq!(route.target.name(), service, "{method} {path}");
                assert_eq!(route.is_public(&method, &path), is_public, "{method} {path}");
                if is_public {
                    public.push((method, path));
                }
            }
        }
        // The only route that does not strip `/api`.
        public.push((Method::GET, "/.well-known/jwks.json".to_owned()));
        for rule in table().into_iter().flat_map(|route| route.metadata.public) {
            let (method, pattern) = rule.split_once(' ').unwrap();
            let pattern = PathPattern::parse(pattern).unwrap();
            let is_used = public.iter().any(|(public, path)| public.as_str() == method && pattern.matches(path));
            assert!(is_used, "no service has a public route for {rule}");
        }
    }
}
