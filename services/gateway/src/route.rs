//! A route: which requests are its, where they go, and within which limits. Pure.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, uri::PathAndQuery};

use crate::{
    config::{GatewayConfig, RouteConfig},
    path_pattern::PathPattern,
    raw_path,
};

/// One line of the routing table, read.
#[derive(Debug)]
pub(crate) struct Route {
    pub id: String,
    pub uri: String,
    pub target: Target,
    pub max_body: u64,
    /// Until the head of the answer, once the whole request is sent.
    pub response_timeout: Option<Duration>,
    order: i32,
    paths: Vec<PathPattern>,
    methods: Vec<Method>,
    strip: usize,
    public: Vec<Public>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// The instances of a service.
    Service(String),
    /// One address, `http://host:port`.
    Address(String),
}

impl Target {
    /// What its breaker is called.
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

/// What of a route needs no token. No methods: all.
#[derive(Debug)]
struct Public {
    methods: Vec<Method>,
    pattern: PathPattern,
}

impl Route {
    /// The table in the order in which it is searched; what is wrong with it is added to `mistakes`.
    pub fn read_all(config: &GatewayConfig, mistakes: &mut Vec<String>) -> Vec<Self> {
        let mut routes: Vec<Self> = Vec::new();
        for (index, line) in config.routes.iter().enumerate() {
            let mut wrong = Vec::new();
            if routes.iter().any(|other| other.id == line.id) {
                wrong.push("id is not unique".to_owned());
            }
            routes.push(Self::read(line, config, &mut wrong));
            let id = if line.id.is_empty() { String::new() } else { format!(" ({})", line.id) };
            mistakes.extend(wrong.iter().map(|what| format!("gateway.routes[{index}]{id}: {what}")));
        }
        routes.sort_by_key(|route| route.order);
        routes
    }

    fn read(line: &RouteConfig, config: &GatewayConfig, wrong: &mut Vec<String>) -> Self {
        let timeout =
            line.metadata.response_timeout.map(|millis| u64::try_from(millis).ok().map(Duration::from_millis));
        let mut route = Self {
            id: line.id.clone(),
            uri: line.uri.clone(),
            target: Target::Service(String::new()),
            max_body: config.max_body_bytes,
            response_timeout: timeout.unwrap_or(Some(config.response_timeout)),
            order: line.order,
            paths: Vec::new(),
            methods: Vec::new(),
            strip: 0,
            public: Vec::new(),
        };
        if line.id.is_empty() {
            wrong.push("id must not be empty".to_owned());
        }
        match Target::parse(&line.uri) {
            Ok(target) => route.target = target,
            Err(what) => wrong.push(what),
        }
        let lines = line.predicates.iter().map(|text| route.add_predicate(text)).collect::<Vec<_>>();
        wrong.extend(lines.into_iter().filter_map(Result::err));
        if !line.predicates.iter().any(|text| text.starts_with("Path=") || !text.contains('=')) {
            wrong.push("no Path predicate".to_owned());
        }
        let lines = line.filters.iter().map(|text| route.add_filter(text)).collect::<Vec<_>>();
        wrong.extend(lines.into_iter().filter_map(Result::err));
        for text in &line.metadata.public {
            match Public::parse(text) {
                Ok(public) => route.public.push(public),
                Err(what) => wrong.push(format!("metadata.public: {what}")),
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

    /// Whether a request is this route's.
    pub fn matches(&self, method: &Method, path: &str) -> bool {
        (self.methods.is_empty() || self.methods.contains(method))
            && self.paths.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether a request of this route needs no token.
    pub fn is_public(&self, method: &Method, path: &str) -> bool {
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        self.public
            .iter()
            .any(|public| (public.methods.is_empty() || public.methods.contains(asked)) && public.pattern.matches(path))
    }

    /// What the target is asked for. `None` for what only services may ask.
    pub fn rewrite(&self, asked: &PathAndQuery) -> Option<PathAndQuery> {
        let rest = if self.strip == 0 {
            asked.clone()
        } else {
            let path = asked.path();
            let cut = path.match_indices('/').nth(self.strip).map_or(path.len(), |(at, _)| at);
            let rest = asked.as_str().get(cut..).unwrap_or_default();
            let whole =
                if rest.starts_with('/') { Bytes::copy_from_slice(rest.as_bytes()) } else { format!("/{rest}").into() };
            PathAndQuery::from_maybe_shared(whole).ok()?
        };
        (!raw_path::is_internal(rest.path())).then_some(rest)
    }
}

impl Public {
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

/// `5000000`, `512KB`, `20MB`: as Spring's `DataSize`, a kilobyte being 1024 bytes.
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

    fn read(line: RouteConfig) -> Route {
        let config = GatewayConfig { routes: vec![line], ..GatewayConfig::default() };
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
        for (filter, asked, wanted) in [
            ("StripPrefix=1", "/api/orders/1?a=%20b&c", "/orders/1?a=%20b&c"),
            ("StripPrefix=1", "/api/orders/", "/orders/"),
            ("StripPrefix", "/api", "/"),
            ("StripPrefix=1", "/api?a=/b/c", "/?a=/b/c"),
            ("StripPrefix=2", "/api/orders/1", "/1"),
            ("StripPrefix=3", "/api/orders", "/"),
            ("StripPrefix=0", "/api/caf%C3%A9", "/api/caf%C3%A9"),
        ] {
            let rewritten = stripping(filter).rewrite(&asked.parse().unwrap());
            assert_eq!(rewritten.unwrap().as_str(), wanted, "{filter} {asked}");
        }
        assert_eq!(stripping("StripPrefix=1").rewrite(&"/api/internal/x".parse().unwrap()), None);
        assert_eq!(stripping("StripPrefix=1").target, Target::Service("x".to_owned()));
    }

    #[test]
    fn sizes_are_read_as_spring_reads_them() {
        assert_eq!(["5", "5B", "2KB", "20MB"].map(parse_size), [Some(5), Some(5), Some(2_048), Some(20_971_520)]);
        assert_eq!(["", "MB", "1.5MB", "1TB"].map(parse_size), [None; 4]);
    }

    #[test]
    fn lower_orders_go_first_and_ties_by_their_place() {
        let line = |id: &str, order| RouteConfig {
            id: id.to_owned(),
            uri: "lb://x".to_owned(),
            predicates: vec!["Path=/**".to_owned()],
            order,
            ..RouteConfig::default()
        };
        let routes = vec![line("a", 5), line("b", 0), line("c", -1), line("d", 0)];
        let routes = Route::read_all(&GatewayConfig { routes, ..GatewayConfig::default() }, &mut Vec::new());
        assert_eq!(routes.iter().map(|route| route.id.as_str()).collect::<Vec<_>>(), ["c", "b", "d", "a"]);
    }

    #[test]
    fn the_default_table_knows_what_is_public() {
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
