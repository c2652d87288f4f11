//! Filters that change a response, and the one that answers without an upstream.

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::header_name;
use crate::definition::Definition;

/// Headers that browsers protect pages by. A response that has one of its own keeps it.
const SECURE: [(HeaderName, HeaderValue); 7] = [
    (HeaderName::from_static("x-xss-protection"), HeaderValue::from_static("0")),
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=631138519")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("x-download-options"), HeaderValue::from_static("noopen")),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), HeaderValue::from_static("none")),
];

#[derive(Debug)]
pub(super) enum ResponseFilter {
    Add(HeaderName, HeaderValue),
    Set(HeaderName, HeaderValue),
    Remove(HeaderName),
    Dedupe(Vec<HeaderName>, Retain),
    SetStatus(StatusCode),
    Secure,
}

/// The headers that stay, of several with one name.
#[derive(Debug, Clone, Copy)]
pub(super) enum Retain {
    First,
    Last,
    /// Each value once.
    Unique,
}

/// An answer that sends the client elsewhere.
#[derive(Debug)]
pub(crate) struct Redirect {
    status: StatusCode,
    location: HeaderValue,
}

impl Redirect {
    pub fn parse(definition: &Definition) -> Result<Self, String> {
        let [status, location] = definition.args(["status", "url"])?;
        let status = status.and_then(|text| text.parse().ok()).filter(StatusCode::is_redirection);
        let status = status.ok_or_else(|| format!("{definition}: needs a status from 300 to 399"))?;
        let location = location.and_then(|url| url.parse().ok());
        Ok(Self { status, location: location.ok_or_else(|| format!("{definition}: needs url"))? })
    }

    pub fn response(&self) -> Response<axum::body::Body> {
        let mut response = Response::new(axum::body::Body::empty());
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::LOCATION, self.location.clone());
        response
    }
}

impl ResponseFilter {
    /// Errors: a sentence that describes the mistake, such as a filter that does not exist.
    pub fn parse(definition: &Definition) -> Result<Self, String> {
        let needed =
            |value: Option<&str>, name: &str| value.map(str::to_owned).ok_or(format!("{definition}: needs {name}"));
        Ok(match definition.name.as_str() {
            "AddResponseHeader" | "SetResponseHeader" => {
                let [name, value] = definition.args(["name", "value"])?;
                let name = header_name(&needed(name, "name")?)?;
                let value = needed(value, "value")?;
                let value =
                    value.parse().map_err(|_| format!("{definition}: '{value}' is not the value of a header"))?;
                if definition.name == "AddResponseHeader" { Self::Add(name, value) } else { Self::Set(name, value) }
            }
            "RemoveResponseHeader" => {
                let [name] = definition.args(["name"])?;
                Self::Remove(header_name(&needed(name, "name")?)?)
            }
            "DedupeResponseHeader" => {
                let [names, strategy] = definition.args(["name", "strategy"])?;
                let names = needed(names, "name")?.split(' ').map(header_name).collect::<Result<_, _>>()?;
                Self::Dedupe(
                    names,
                    match strategy.unwrap_or("RETAIN_FIRST") {
                        "RETAIN_FIRST" => Retain::First,
                        "RETAIN_LAST" => Retain::Last,
                        "RETAIN_UNIQUE" => Retain::Unique,
                        other => return Err(format!("{definition}: unknown strategy '{other}'")),
                    },
                )
            }
            "SetStatus" => {
                let [status] = definition.args(["status"])?;
                let status = status.and_then(|text| text.parse().ok());
                Self::SetStatus(status.ok_or_else(|| format!("{definition}: needs a status such as 404"))?)
            }
            "SecureHeaders" => {
                let [] = definition.args([])?;
                Self::Secure
            }
            name => return Err(format!("unknown filter '{name}'")),
        })
    }

    pub fn apply<B>(&self, response: &mut Response<B>) {
        let headers = response.headers_mut();
        match self {
            Self::Add(name, value) => drop(headers.append(name, value.clone())),
            Self::Set(name, value) => drop(headers.insert(name, value.clone())),
            Self::Remove(name) => drop(headers.remove(name)),
            Self::Dedupe(names, retain) => names.iter().for_each(|name| dedupe(headers, name, *retain)),
            Self::SetStatus(status) => *response.status_mut() = *status,
            Self::Secure => {
                for (name, value) in SECURE {
                    headers.entry(name).or_insert(value);
                }
            }
        }
    }
}

fn dedupe(headers: &mut HeaderMap, name: &HeaderName, retain: Retain) {
    let values: Vec<HeaderValue> = headers.get_all(name).iter().cloned().collect();
    let kept: Vec<HeaderValue> = match retain {
        Retain::First => values.first().cloned().into_iter().collect(),
        Retain::Last => values.last().cloned().into_iter().collect(),
        Retain::Unique => {
            let mut kept = Vec::new();
            for value in values {
                if !kept.contains(&value) {
                    kept.push(value);
                }
            }
            kept
        }
    };
    headers.remove(name);
    for value in kept {
        headers.append(name, value);
    }
}
