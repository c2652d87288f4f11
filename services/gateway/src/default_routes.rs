//! The routing table as long as none is configured: the API of souk.

use crate::config::{RouteConfig, RouteMetadata};

/// The services that keep dead letters.
const WITH_DEAD_LETTERS: [&str; 6] = ["auth", "product", "order", "cart", "payment", "notification"];

/// Milliseconds that an import may take once the file is there.
const IMPORT_LIMIT: i64 = 300_000;

/// Every route of souk's API.
pub(crate) fn all() -> Vec<RouteConfig> {
    let mut routes = vec![
        route("auth", "auth", "/api/auth/**,/api/users/**").with_public(&[
            "POST /api/auth/register",
            "POST /api/auth/login",
            "POST /api/auth/refresh",
            "POST /api/auth/logout",
            "POST /api/auth/guest",
            "POST /api/auth/password/forgot",
            "POST /api/auth/password/reset",
        ]),
        route("jwks", "auth", "/api/.well-known/jwks.json").with_public(&["GET /api/.well-known/jwks.json"]),
        RouteConfig {
            filters: Vec::new(),
            ..route("jwks-root", "auth", "/.well-known/jwks.json").with_public(&["GET /.well-known/jwks.json"])
        },
        import(),
        picture(),
        route("product", "product", "/api/products/**,/api/categories/**,/api/pictures/**").with_public(&[
            "GET /api/products/**",
            "GET /api/categories/**",
            "GET /api/pictures/**",
        ]),
        route("cart", "cart", "/api/cart/**,/api/wishlist/**"),
        route("order", "order", "/api/orders/**"),
        route("payment", "payment", "/api/payments/**").with_public(&["POST /api/payments/webhooks/**"]),
        route("notification", "notification", "/api/notifications/**"),
    ];
    routes.extend(WITH_DEAD_LETTERS.map(|service| {
        route(&format!("{service}-dead-letters"), service, &format!("/api/admin/{service}/dead-letters/**"))
    }));
    routes
}

fn route(id: &str, service: &str, paths: &str) -> RouteConfig {
    RouteConfig {
        id: id.to_owned(),
        uri: format!("lb://{service}"),
        predicates: vec![format!("Path={paths}")],
        filters: vec!["StripPrefix=1".to_owned()],
        order: 0,
        metadata: RouteMetadata::default(),
    }
}

/// A whole catalogue is larger than other bodies and takes longer than other acts.
fn import() -> RouteConfig {
    let mut import = route("product-import", "product", "/api/products/import");
    import.filters.push("RequestSize=20MB".to_owned());
    import.metadata.response_timeout = Some(IMPORT_LIMIT);
    import
}

/// A picture is larger than other bodies.
fn picture() -> RouteConfig {
    let mut picture = route("product-picture", "product", "/api/products/*/picture");
    picture.filters.push("RequestSize=5MB".to_owned());
    picture
}

impl RouteConfig {
    fn with_public(mut self, public: &[&str]) -> Self {
        self.metadata.public = public.iter().map(ToString::to_string).collect();
        self
    }
}
