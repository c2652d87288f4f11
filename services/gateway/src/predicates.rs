//! The predicates of a route: the requests that it is for, with the names and arguments of Spring Cloud Gateway.

mod host;
mod weight;

use std::{borrow::Cow, net::IpAddr};

use http::{HeaderMap, HeaderName, Method, header};
use percent_encoding::percent_decode_str;
use regex::Regex;
use souk_values::{Clock, Timestamp};

use self::host::HostPattern;
pub(crate) use self::weight::{Draws, Weight, Weights};
use crate::{definition::Definition, networks::Networks, path_pattern::PathPattern};

/// Names of all predicates.
pub(crate) const NAMES: [&str; 12] = [
    "After",
    "Before",
    "Between",
    "Cookie",
    "Header",
    "Host",
    "Method",
    "Path",
    "Query",
    "RemoteAddr",
    "Weight",
    "XForwardedRemoteAddr",
];

/// A condition on a request.
#[derive(Debug)]
pub(crate) enum Predicate {
    Path(Vec<PathPattern>),
    Method(Vec<Method>),
    Host(Vec<HostPattern>),
    Header {
        name: HeaderName,
        value: Option<Regex>,
    },
    Query {
        name: String,
        value: Option<Regex>,
    },
    Cookie {
        name: String,
        value: Regex,
    },
    RemoteAddr(Networks),
    After(Timestamp),
    Before(Timestamp),
    Between(Timestamp, Timestamp),
    /// One route of its group matches, drawn by the weights of all.
    Weight(Weight),
}

/// The parts of a request that predicates read.
pub(crate) struct RequestView<'r> {
    pub method: &'r Method,
    pub path: &'r str,
    pub query: Option<&'r str>,
    pub host: Option<&'r str>,
    pub headers: &'r HeaderMap,
    /// Address of the client, behind proxies that are believed.
    pub from: IpAddr,
    pub clock: &'r dyn Clock,
    pub draws: Draws<'r>,
}

#[cfg(test)]
impl<'r> RequestView<'r> {
    /// Returns a request without headers.
    pub fn of(method: &'r Method, path: &'r str) -> Self {
        static HEADERS: std::sync::LazyLock<HeaderMap> = std::sync::LazyLock::new(HeaderMap::new);
        static IDS: std::sync::LazyLock<souk_values::IdGen> =
            std::sync::LazyLock::new(|| souk_values::IdGen::new(std::sync::Arc::new(souk_values::SystemClock)));
        Self {
            method,
            path,
            query: None,
            host: None,
            headers: &HEADERS,
            from: IpAddr::from([127, 0, 0, 1]),
            clock: &souk_values::SystemClock,
            draws: Draws::new(&IDS),
        }
    }
}

impl Predicate {
    /// Errors: a sentence that describes the mistake.
    pub fn parse(definition: &Definition, weights: &mut Weights) -> Result<Self, String> {
        let missing = |name: &str| format!("{definition}: needs {name}");
        Ok(match definition.name.as_str() {
            "Path" => Self::Path(parse_all(definition, "patterns", PathPattern::parse)?),
            "Method" => Self::Method(parse_all(definition, "methods", parse_method)?),
            "Host" => Self::Host(parse_all(definition, "patterns", HostPattern::parse)?),
            "Header" => {
                let [name, value] = definition.args(["header", "regexp"])?;
                let name = name.ok_or_else(|| missing("header"))?;
                let name = name.parse().map_err(|_| format!("{definition}: '{name}' is not the name of a header"))?;
                Self::Header { name, value: value.map(whole).transpose()? }
            }
            "Query" => {
                let [name, value] = definition.args(["param", "regexp"])?;
                let name = name.ok_or_else(|| missing("param"))?.to_owned();
                Self::Query { name, value: value.map(whole).transpose()? }
            }
            "Cookie" => {
                let [name, value] = definition.args(["name", "regexp"])?;
                let name = name.ok_or_else(|| missing("name"))?.to_owned();
                Self::Cookie { name, value: whole(value.ok_or_else(|| missing("regexp"))?)? }
            }
            // The address is that of the client in both cases: proxies are believed by `gateway.trusted-proxies`.
            "RemoteAddr" | "XForwardedRemoteAddr" => {
                let mut networks = Networks::default();
                for text in definition.list("sources")? {
                    networks.add(text)?;
                }
                Self::RemoteAddr(networks)
            }
            "After" => {
                let [time] = definition.args(["datetime"])?;
                Self::After(parse_time(time.ok_or_else(|| missing("datetime"))?)?)
            }
            "Before" => {
                let [time] = definition.args(["datetime"])?;
                Self::Before(parse_time(time.ok_or_else(|| missing("datetime"))?)?)
            }
            "Between" => {
                let [from, to] = definition.args(["datetime1", "datetime2"])?;
                let from = parse_time(from.ok_or_else(|| missing("datetime1"))?)?;
                let to = parse_time(to.ok_or_else(|| missing("datetime2"))?)?;
                if from >= to {
                    return Err(format!("{definition}: datetime1 must be before datetime2"));
                }
                Self::Between(from, to)
            }
            "Weight" => {
                let [group, weight] = definition.args(["group", "weight"])?;
                let group = group.ok_or_else(|| missing("group"))?;
                let weight = weight.and_then(|text| text.parse().ok()).filter(|weight| *weight > 0);
                Self::Weight(weights.add(group, weight.ok_or_else(|| missing("a weight above 0"))?))
            }
            name => return Err(format!("unknown predicate '{name}'")),
        })
    }

    pub fn matches(&self, request: &RequestView<'_>) -> bool {
        match self {
            Self::Path(patterns) => patterns.iter().any(|pattern| pattern.matches(request.path)),
            Self::Method(methods) => methods.contains(request.method),
            Self::Host(patterns) => {
                request.host.is_some_and(|host| patterns.iter().any(|pattern| pattern.matches(host)))
            }
            Self::Header { name, value } => {
                let mut values = request.headers.get_all(name).iter();
                values.any(|given| is_match(value.as_ref(), given.to_str().ok()))
            }
            Self::Query { name, value } => {
                let mut values = request.query.into_iter().flat_map(parameters).filter(|(given, _)| given == name);
                values.any(|(_, given)| is_match(value.as_ref(), Some(&given)))
            }
            Self::Cookie { name, value } => {
                cookies(request.headers).any(|(given, text)| given == name && value.is_match(text))
            }
            Self::RemoteAddr(networks) => networks.contain(request.from),
            Self::After(time) => request.clock.now() > *time,
            Self::Before(time) => request.clock.now() < *time,
            Self::Between(from, to) => (*from..*to).contains(&request.clock.now()),
            Self::Weight(weight) => request.draws.is_won_by(weight),
        }
    }

    /// Returns the values of the variables `{name}` in the pattern that the path matches.
    pub fn variables<'p>(&'p self, path: &'p str) -> Vec<(&'p str, &'p str)> {
        let Self::Path(patterns) = self else { return Vec::new() };
        patterns.iter().find(|pattern| pattern.matches(path)).map_or_else(Vec::new, |pattern| pattern.variables(path))
    }
}

fn parse_all<T>(
    definition: &Definition,
    name: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    definition.list(name)?.into_iter().map(parse).collect()
}

pub(crate) fn parse_method(name: &str) -> Result<Method, String> {
    let known = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let found = known.into_iter().find(|method| method.as_str() == name);
    found.ok_or_else(|| format!("unknown method '{name}'"))
}

/// Parses an expression that has to match a whole value.
pub(crate) fn whole(expression: &str) -> Result<Regex, String> {
    Regex::new(&format!("^(?:{expression})$")).map_err(|error| format!("the expression '{expression}': {error}"))
}

/// Parses a time such as `2026-11-27T00:00:00+01:00[Europe/Berlin]`, whose zone is for people.
fn parse_time(text: &str) -> Result<Timestamp, String> {
    let instant = text.split('[').next().unwrap_or_default().trim();
    instant.parse().map_err(|_| format!("'{text}' is not a time such as 2026-11-27T00:00:00+01:00"))
}

/// A value that does not have to be anything is only there.
fn is_match(wanted: Option<&Regex>, given: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| given.is_some_and(|given| wanted.is_match(given)))
}

/// Returns names and values of a query, decoded.
fn parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let decoded = |text| percent_decode_str(text).decode_utf8_lossy();
    query.split('&').map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let headers = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests;
