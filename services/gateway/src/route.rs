//! A route: the requests that it matches, its target, and its limits. Pure.

use std::time::Duration;

use http::Method;

use crate::{
    config::GatewayConfig,
    filters::Filters,
    limits::RateClass,
    path_pattern::PathPattern,
    predicates::{Predicate, RequestView, Weights, parse_method},
    route_config::RouteConfig,
};

/// A validated route definition.
#[derive(Debug)]
pub(crate) struct Route {
    pub id: String,
    pub uri: String,
    pub target: Target,
    /// Size limit of a request's body, in bytes.
    pub max_body: u64,
    /// Time limit from the end of the request to the head of the response; `None` for no limit.
    pub response_timeout: Option<Duration>,
    pub rate_class: RateClass,
    pub order: i32,
    pub filters: Filters,
    /// Conditions on a request, all of which it meets.
    predicates: Vec<Predicate>,
    public: Vec<PublicRule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The instances of a service, by its name.
    Service(String),
    /// A fixed address, `http://host:port`.
    Address(String),
}

impl Target {
    /// Returns the name of the target's breaker: the service, or `host:port`.
    pub fn name(&self) -> &str {
        match self {
            Self::Service(name) => name,
            Self::Address(base) => base.trim_start_matches("http://"),
        }
    }

    fn parse(uri: &str) -> Result<Self, String> {
        let is_name =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match uri.split_once("://") {
            Some(("lb", name)) if is_name(name) => Ok(Self::Service(name.to_ascii_lowercase())),
            Some(("http", rest))
                if rest.split('/').next().is_some_and(|host| host.parse::<http::uri::Authority>().is_ok()) =>
            {
                Ok(Self::Address(format!("http://{}", rest.split('/').next().unwrap_or_default())))
            }
            _ => Err(format!("uri '{uri}' is neither lb://service nor http://host:port")),
        }
    }
}

/// Requests of a route that need no token.
#[derive(Debug)]
struct PublicRule {
    /// Allowed methods; empty for all.
    methods: Vec<Method>,
    pattern: PathPattern,
}

impl Route {
    /// Returns the routes in the order in which they are tried, and appends the mistakes in their definitions to
    /// `mistakes`.
    pub fn read_all(config: &GatewayConfig, mistakes: &mut Vec<String>) -> Vec<Self> {
        let mut routes: Vec<Self> = Vec::new();
        let mut weights = Weights::default();
        for (index, definition) in config.routes.iter().enumerate() {
            let mut of_route = Vec::new();
            if routes.iter().any(|other| other.id == definition.id) {
                of_route.push("id is not unique".to_owned());
            }
            routes.push(Self::read(definition, config, &mut weights, &mut of_route));
            let id = if definition.id.is_empty() { String::new() } else { format!(" ({})", definition.id) };
            mistakes.extend(of_route.iter().map(|mistake| format!("gateway.routes[{index}]{id}: {mistake}")));
        }
        for predicate in routes.iter_mut().flat_map(|route| &mut route.predicates) {
            if let Predicate::Weight(weight) = predicate {
                weights.complete(weight);
            }
        }
        routes.sort_by_key(|route| route.order);
        routes
    }

    fn read(
        definition: &RouteConfig,
        config: &GatewayConfig,
        weights: &mut Weights,
        mistakes: &mut Vec<String>,
    ) -> Self {
        let timeout = definition.metadata.response_timeout;
        let timeout = timeout.map(|millis| u64::try_from(millis).ok().map(Duration::from_millis));
        let mut route = Self {
            id: definition.id.clone(),
            uri: definition.uri.clone(),
            target: Target::Service(String::new()),
            max_body: config.max_body_bytes,
            response_timeout: timeout.unwrap_or(Some(config.response_timeout)),
            rate_class: definition.metadata.rate_limit,
            order: definition.order,
            filters: Filters::default(),
            predicates: Vec::new(),
            public: Vec::new(),
        };
        if definition.id.is_empty() {
            mistakes.push("id must not be empty".to_owned());
        }
        match Target::parse(&definition.uri) {
            Ok(target) => route.target = target,
            Err(mistake) => mistakes.push(mistake),
        }
        if definition.predicates.is_empty() {
            mistakes.push("it has no predicates, and would match every request: Path=/** says so".to_owned());
        }
        for predicate in &definition.predicates {
            match Predicate::parse(predicate, weights) {
                Ok(predicate) => route.predicates.push(predicate),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let filters = config.default_filters.iter().chain(&definition.filters);
        mistakes.extend(filters.filter_map(|filter| route.filters.add(filter).err()));
        route.max_body = route.filters.max_body.unwrap_or(route.max_body);
        for text in &definition.metadata.public {
            match PublicRule::parse(text) {
                Ok(rule) => route.public.push(rule),
                Err(mistake) => mistakes.push(format!("metadata.public: {mistake}")),
            }
        }
        route
    }

    pub fn matches(&self, request: &RequestView<'_>) -> bool {
        self.predicates.iter().all(|predicate| predicate.matches(request))
    }

    /// Returns true if a request of this route needs no token.
    pub fn is_public(&self, method: &Method, path: &str) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.public
            .iter()
            .any(|rule| (rule.methods.is_empty() || rule.methods.contains(method)) && rule.pattern.matches(path))
    }

    /// Returns the values of the variables of the path pattern, if a filter needs them.
    pub fn variables<'p>(&'p self, path: &'p str) -> Vec<(&'p str, &'p str)> {
        if self.filters.needs_variables() {
            self.predicates.iter().flat_map(|predicate| predicate.variables(path)).collect()
        } else {
            Vec::new()
        }
    }
}

impl PublicRule {
    fn parse(text: &str) -> Result<Self, String> {
        let Some((methods, pattern)) = text.trim().split_once(' ') else {
            return Err(format!("'{text}' is not 'METHOD /path'"));
        };
        let methods = if methods == "*" { Vec::new() } else { parse_methods(methods)? };
        Ok(Self { methods, pattern: PathPattern::parse(pattern.trim())? })
    }
}

fn parse_methods(text: &str) -> Result<Vec<Method>, String> {
    text.split(',').map(|name| parse_method(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_orders_match_first_and_ties_in_the_order_of_the_table() {
        let route = |id: &str, order| RouteConfig {
            id: id.to_owned(),
            uri: "lb://x".to_owned(),
            predicates: vec!["Path=/**".into()],
            order,
            ..RouteConfig::default()
        };
        let routes = vec![route("a", 5), route("b", 0), route("c", -1), route("d", 0)];
        let routes = Route::read_all(&GatewayConfig { routes, ..GatewayConfig::default() }, &mut Vec::new());
        assert_eq!(routes.iter().map(|route| route.id.as_str()).collect::<Vec<_>>(), ["c", "b", "d", "a"]);
    }

    #[test]
    fn the_default_table_separates_public_from_protected_requests() {
        let routes = Route::read_all(&GatewayConfig::default(), &mut Vec::new());
        let route_of = |method: &Method, path: &str| {
            let request = RequestView::of(method, path);
            routes.iter().find(|route| route.matches(&request)).unwrap()
        };
        for (method, path, service, is_public) in [
            ("GET", "/api/products", "product", true),
            ("HEAD", "/api/products/7", "product", true),
            ("POST", "/api/products", "product", false),
            ("POST", "/api/products/import", "product", false),
            ("GET", "/api/categories", "product", true),
            ("POST", "/api/auth/login", "auth", true),
            ("GET", "/api/auth/me", "auth", false),
            ("GET", "/.well-known/jwks.json", "auth", true),
            ("GET", "/api/.well-known/jwks.json", "auth", true),
            ("GET", "/api/users", "auth", false),
            ("GET", "/api/cart", "cart", false),
            ("GET", "/api/wishlist", "cart", false),
            ("POST", "/api/orders", "order", false),
            ("POST", "/api/payments", "payment", false),
            ("POST", "/api/payments/webhooks/stripe", "payment", true),
            ("GET", "/api/notifications/stream", "notification", false),
            ("GET", "/api/admin/order/dead-letters/1", "order", false),
        ] {
            let method: Method = method.parse().unwrap();
            let route = route_of(&method, path);
            assert_eq!((route.target.name(), route.is_public(&method, path)), (service, is_public), "{method} {path}");
        }
        assert_eq!(route_of(&Method::POST, "/api/products/import").max_body, 20 << 20);
    }
}
