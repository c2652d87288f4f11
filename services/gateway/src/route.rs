//! A route: the requests that it matches, its target, and its limits. Pure.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, uri::PathAndQuery};

use crate::{config::GatewayConfig, limits::RateClass, path_pattern::PathPattern, raw_path, route_config::RouteConfig};

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
    order: i32,
    paths: Vec<PathPattern>,
    /// Allowed methods; empty for all.
    methods: Vec<Method>,
    /// Number of leading path segments that are stripped.
    strip: usize,
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
        for (index, definition) in config.routes.iter().enumerate() {
            let mut of_route = Vec::new();
            if routes.iter().any(|other| other.id == definition.id) {
                of_route.push("id is not unique".to_owned());
            }
            routes.push(Self::read(definition, config, &mut of_route));
            let id = if definition.id.is_empty() { String::new() } else { format!(" ({})", definition.id) };
            mistakes.extend(of_route.iter().map(|mistake| format!("gateway.routes[{index}]{id}: {mistake}")));
        }
        routes.sort_by_key(|route| route.order);
        routes
    }

    fn read(definition: &RouteConfig, config: &GatewayConfig, mistakes: &mut Vec<String>) -> Self {
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
            paths: Vec::new(),
            methods: Vec::new(),
            strip: 0,
            public: Vec::new(),
        };
        if definition.id.is_empty() {
            mistakes.push("id must not be empty".to_owned());
        }
        match Target::parse(&definition.uri) {
            Ok(target) => route.target = target,
            Err(mistake) => mistakes.push(mistake),
        }
        mistakes.extend(definition.predicates.iter().filter_map(|text| route.add_predicate(text).err()));
        if !definition.predicates.iter().any(|text| text.starts_with("Path=") || !text.contains('=')) {
            mistakes.push("no Path predicate".to_owned());
        }
        mistakes.extend(definition.filters.iter().filter_map(|text| route.add_filter(text).err()));
        for text in &definition.metadata.public {
            match PublicRule::parse(text) {
                Ok(rule) => route.public.push(rule),
                Err(mistake) => mistakes.push(format!("metadata.public: {mistake}")),
            }
        }
        route
    }

    fn add_predicate(&mut self, text: &str) -> Result<(), String> {
        match text.split_once('=') {
            Some(("Path", patterns)) => {
                for pattern in patterns.split(',') {
                    self.paths.push(PathPattern::parse(pattern.trim())?);
                }
            }
            Some(("Method", methods)) => self.methods.extend(parse_methods(methods)?),
            Some((name, _)) => return Err(format!("unknown predicate '{name}'")),
            None => return Err(format!("the predicate '{text}' is not Name=arguments")),
        }
        Ok(())
    }

    fn add_filter(&mut self, text: &str) -> Result<(), String> {
        match text.split_once('=').unwrap_or((text, "")) {
            ("StripPrefix", "") => self.strip = 1,
            ("StripPrefix", count) => {
                self.strip =
                    count.trim().parse().map_err(|_| format!("StripPrefix={count}: not a number of segments"))?;
            }
            ("RequestSize", size) => {
                self.max_body =
                    parse_size(size).ok_or_else(|| format!("RequestSize={size}: not a size such as 20MB"))?;
            }
            (name, _) => return Err(format!("unknown filter '{name}'")),
        }
        Ok(())
    }

    pub fn matches(&self, method: &Method, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && self.paths.iter().any(|pattern| pattern.matches(path))
    }

    /// Returns true if a request of this route needs no token.
    pub fn is_public(&self, method: &Method, path: &str) -> bool {
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.public
            .iter()
            .any(|rule| (rule.methods.is_empty() || rule.methods.contains(method)) && rule.pattern.matches(path))
    }

    /// Returns path and query for the target; `None` if they lead to a path that only services may call.
    pub fn rewrite(&self, requested: &PathAndQuery) -> Option<PathAndQuery> {
        let rewritten = if self.strip == 0 {
            requested.clone()
        } else {
            let path = requested.path();
            let cut = path.match_indices('/').nth(self.strip).map_or(path.len(), |(at, _)| at);
            let rest = requested.as_str().get(cut..).unwrap_or_default();
            let whole =
                if rest.starts_with('/') { Bytes::copy_from_slice(rest.as_bytes()) } else { format!("/{rest}").into() };
            PathAndQuery::from_maybe_shared(whole).ok()?
        };
        (!raw_path::is_internal(rewritten.path())).then_some(rewritten)
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
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let parse = |name: &str| known.iter().find(|method| method.as_str() == name).cloned();
    text.split(',').map(|name| parse(name.trim()).ok_or_else(|| format!("unknown method '{name}'"))).collect()
}

/// Parses `5000000`, `512KB` or `20MB`. As in Spring's `DataSize`, a kilobyte has 1024 bytes.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let bytes_per_unit = match unit {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(bytes_per_unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(definition: RouteConfig) -> Route {
        let config = GatewayConfig { routes: vec![definition], ..GatewayConfig::default() };
        let mut mistakes = Vec::new();
        let mut routes = Route::read_all(&config, &mut mistakes);
        assert!(mistakes.is_empty(), "{mistakes:?}");
        routes.remove(0)
    }

    fn stripping(filter: &str) -> Route {
        read(RouteConfig {
            id: "x".to_owned(),
            uri: "lb://X".to_owned(),
            predicates: vec!["Path=/**".to_owned(), "Method=GET".to_owned()],
            filters: vec![filter.to_owned()],
            ..RouteConfig::default()
        })
    }

    #[test]
    fn the_prefix_is_stripped_and_the_rest_unchanged() {
        for (filter, requested, expected) in [
            ("StripPrefix=1", "/api/orders/1?a=%20b&c", "/orders/1?a=%20b&c"),
            ("StripPrefix=1", "/api/orders/", "/orders/"),
            ("StripPrefix", "/api", "/"),
            ("StripPrefix=1", "/api?a=/b/c", "/?a=/b/c"),
            ("StripPrefix=2", "/api/orders/1", "/1"),
            ("StripPrefix=3", "/api/orders", "/"),
            ("StripPrefix=0", "/api/caf%C3%A9", "/api/caf%C3%A9"),
        ] {
            let rewritten = stripping(filter).rewrite(&requested.parse().unwrap());
            assert_eq!(rewritten.unwrap().as_str(), expected, "{filter} {requested}");
        }
        assert_eq!(stripping("StripPrefix=1").rewrite(&"/api/internal/x".parse().unwrap()), None);
        assert_eq!(stripping("StripPrefix=1").target, Target::Service("x".to_owned()));
    }

    #[test]
    fn sizes_are_parsed_as_by_spring() {
        assert_eq!(["5", "5B", "2KB", "20MB"].map(parse_size), [Some(5), Some(5), Some(2_048), Some(20_971_520)]);
        assert_eq!(["", "MB", "1.5MB", "1TB"].map(parse_size), [None; 4]);
    }

    #[test]
    fn lower_orders_match_first_and_ties_in_the_order_of_the_table() {
        let route = |id: &str, order| RouteConfig {
            id: id.to_owned(),
            uri: "lb://x".to_owned(),
            predicates: vec!["Path=/**".to_owned()],
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
        let route_of = |method: &Method, path: &str| routes.iter().find(|route| route.matches(method, path)).unwrap();
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
