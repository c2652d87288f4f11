//! The filters of a route: what changes between a request and its response, with the names and arguments of Spring Cloud
//! Gateway.

mod breaker;
mod path;
mod response;
mod template;

use http::{HeaderMap, HeaderName, HeaderValue, uri::PathAndQuery};

pub(crate) use self::{breaker::BreakerFilter, response::Redirect};
use self::{path::PathFilter, response::ResponseFilter, template::Template};
use crate::{definition::Definition, raw_path};

/// Names of all filters.
pub(crate) const NAMES: [&str; 21] = [
    "AddRequestHeader",
    "AddRequestHeadersIfNotPresent",
    "AddRequestParameter",
    "AddResponseHeader",
    "CircuitBreaker",
    "DedupeResponseHeader",
    "PrefixPath",
    "PreserveHostHeader",
    "RedirectTo",
    "RemoveRequestHeader",
    "RemoveRequestParameter",
    "RemoveResponseHeader",
    "RequestHeaderSize",
    "RequestSize",
    "RewritePath",
    "SecureHeaders",
    "SetPath",
    "SetRequestHeader",
    "SetResponseHeader",
    "SetStatus",
    "StripPrefix",
];

/// Values of the variables in a route's path pattern.
pub(crate) type Variables<'v> = [(&'v str, &'v str)];

/// The filters of one route, in the order in which they were defined among those that change the same.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    paths: Vec<PathFilter>,
    headers: Vec<HeaderFilter>,
    responses: Vec<ResponseFilter>,
    /// Size limit of a body in bytes.
    pub max_body: Option<u64>,
    /// Size limit of one header in bytes, its name included.
    max_header: Option<usize>,
    /// True if the upstream sees the host that the client requested.
    pub keeps_host: bool,
    /// Answer without an upstream.
    pub redirect: Option<Redirect>,
    pub breaker: Option<BreakerFilter>,
    needs_variables: bool,
}

/// A change of the headers that the upstream sees.
#[derive(Debug)]
enum HeaderFilter {
    Add(HeaderName, Template),
    AddIfAbsent(HeaderName, Template),
    Set(HeaderName, Template),
    Remove(HeaderName),
}

impl Filters {
    /// Adds a filter. Errors: a sentence that describes the mistake.
    pub fn add(&mut self, definition: &Definition) -> Result<(), String> {
        let needed =
            |value: Option<&str>, name: &str| value.map(str::to_owned).ok_or(format!("{definition}: needs {name}"));
        match definition.name.as_str() {
            "AddRequestHeader" | "SetRequestHeader" | "AddRequestHeadersIfNotPresent" => {
                let [name, value] = definition.args(["name", "value"])?;
                let name = header_name(&needed(name, "name")?)?;
                let value = self.template(&needed(value, "value")?)?;
                self.headers.push(match definition.name.as_str() {
                    "AddRequestHeader" => HeaderFilter::Add(name, value),
                    "SetRequestHeader" => HeaderFilter::Set(name, value),
                    _ => HeaderFilter::AddIfAbsent(name, value),
                });
            }
            "RemoveRequestHeader" => {
                let [name] = definition.args(["name"])?;
                self.headers.push(HeaderFilter::Remove(header_name(&needed(name, "name")?)?));
            }
            "PreserveHostHeader" => {
                let [] = definition.args([])?;
                self.keeps_host = true;
            }
            "RequestSize" => {
                let [size] = definition.args(["maxSize"])?;
                self.max_body = Some(parse_size(definition, &needed(size, "maxSize")?)?);
            }
            "RequestHeaderSize" => {
                let [size] = definition.args(["maxSize"])?;
                let size = parse_size(definition, &needed(size, "maxSize")?)?;
                self.max_header = Some(usize::try_from(size).unwrap_or(usize::MAX));
            }
            "RedirectTo" => self.redirect = Some(Redirect::parse(definition)?),
            "CircuitBreaker" => self.breaker = Some(BreakerFilter::parse(definition)?),
            _ => {
                if let Some(filter) = PathFilter::parse(definition)? {
                    self.needs_variables |= filter.needs_variables();
                    self.paths.push(filter);
                } else {
                    self.responses.push(ResponseFilter::parse(definition)?);
                }
            }
        }
        Ok(())
    }

    fn template(&mut self, text: &str) -> Result<Template, String> {
        let template = Template::parse(text)?;
        self.needs_variables |= template.has_variables();
        Ok(template)
    }

    /// Returns true if a filter uses variables of the path pattern.
    pub fn needs_variables(&self) -> bool {
        self.needs_variables
    }

    /// Returns path and query for the target; `None` if they lead to a path that only services may call, or to none.
    pub fn rewrite(&self, requested: &PathAndQuery, variables: &Variables<'_>) -> Option<PathAndQuery> {
        let rewritten = if self.paths.is_empty() { requested.clone() } else { self.rewritten(requested, variables)? };
        (!raw_path::is_internal(rewritten.path())).then_some(rewritten)
    }

    fn rewritten(&self, requested: &PathAndQuery, variables: &Variables<'_>) -> Option<PathAndQuery> {
        let mut rewriting = path::Rewriting::of(requested);
        for filter in &self.paths {
            filter.apply(&mut rewriting, variables);
        }
        let rewritten = PathAndQuery::from_maybe_shared(rewriting.whole()).ok()?;
        raw_path::check(rewritten.path()).is_ok().then_some(rewritten)
    }

    /// Changes the headers of a request to the upstream.
    pub fn change_request(&self, headers: &mut HeaderMap, variables: &Variables<'_>) {
        for filter in &self.headers {
            match filter {
                HeaderFilter::Remove(name) => while headers.remove(name).is_some() {},
                HeaderFilter::Add(name, value) => {
                    if let Some(value) = value.header(variables) {
                        headers.append(name, value);
                    }
                }
                HeaderFilter::AddIfAbsent(name, value) => {
                    if let Some(value) = value.header(variables).filter(|_| !headers.contains_key(name)) {
                        headers.insert(name, value);
                    }
                }
                HeaderFilter::Set(name, value) => {
                    if let Some(value) = value.header(variables) {
                        headers.insert(name, value);
                    }
                }
            }
        }
    }

    /// Changes status and headers of the upstream's response.
    pub fn change_response<B>(&self, response: &mut http::Response<B>) {
        for filter in &self.responses {
            filter.apply(response);
        }
    }

    /// Returns true if a header is larger than this route allows.
    pub fn is_header_too_large(&self, headers: &HeaderMap) -> bool {
        let size = |(name, value): (&HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        self.max_header.is_some_and(|limit| headers.iter().any(|header| size(header) > limit))
    }
}

fn header_name(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| format!("'{text}' is not the name of a header"))
}

/// Parses `5000000`, `512KB` or `20MB`. As in Spring's `DataSize`, a kilobyte has 1024 bytes.
fn parse_size(definition: &Definition, text: &str) -> Result<u64, String> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let bytes_per_unit: Option<u64> = match unit {
        "" | "B" => Some(1),
        "KB" => Some(1 << 10),
        "MB" => Some(1 << 20),
        "GB" => Some(1 << 30),
        _ => None,
    };
    let size = bytes_per_unit.and_then(|bytes| number.parse::<u64>().ok()?.checked_mul(bytes));
    size.ok_or_else(|| format!("{definition}: '{text}' is not a size such as 20MB"))
}

#[cfg(test)]
mod tests;
