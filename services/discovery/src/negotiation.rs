//! What a reader wants: JSON or XML, all of an instance or the little that a caller needs, compressed or not.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use souk_eureka::{Accept, Application, Applications, InstanceInfo, StatusInfo, json, xml};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// `application/json`.
    Json,
    /// `application/xml`.
    Xml,
}

/// What a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// JSON only if `Accept` says `json`: the Python client asks for anything and reads XML.
    pub format: Format,
    /// `X-Eureka-Accept`.
    pub accept: Accept,
}

/// Whether the reader takes gzip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakesGzip(pub bool);

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            format: if says(&parts.headers, header::ACCEPT.as_str(), "json") { Format::Json } else { Format::Xml },
            accept: if says(&parts.headers, "x-eureka-accept", "compact") { Accept::Compact } else { Accept::Full },
        })
    }
}

impl<S: Sync> FromRequestParts<S> for TakesGzip {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(says(&parts.headers, header::ACCEPT_ENCODING.as_str(), "gzip")))
    }
}

/// Whether a header contains `word`, in whatever case.
fn says(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.into_iter().any(|value| value.to_ascii_lowercase().contains(word))
}

impl Format {
    /// Its `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        })
    }

    /// The answer with this body.
    #[must_use]
    pub fn answer(self, status: StatusCode, body: impl Into<Bytes>) -> Response {
        (status, [(header::CONTENT_TYPE, self.content_type())], body.into()).into_response()
    }
}

impl Wanted {
    /// Writes a registry or a part of it.
    #[must_use]
    pub fn applications(self, applications: &Applications) -> String {
        match self.format {
            Format::Json => json::applications(applications, self.accept),
            Format::Xml => xml::applications(applications, self.accept),
        }
    }

    /// Writes an application.
    #[must_use]
    pub fn application(self, application: &Application) -> String {
        match self.format {
            Format::Json => json::application(application, self.accept),
            Format::Xml => xml::application(application, self.accept),
        }
    }

    /// Writes an instance.
    #[must_use]
    pub fn instance(self, instance: &InstanceInfo) -> String {
        match self.format {
            Format::Json => json::instance(instance, self.accept),
            Format::Xml => xml::instance(instance, self.accept),
        }
    }

    /// Writes what the server tells of itself.
    #[must_use]
    pub fn status(self, status: &StatusInfo) -> String {
        match self.format {
            Format::Json => json::status_info(status),
            Format::Xml => xml::status_info(status),
        }
    }

    /// The answer 200 with this body.
    #[must_use]
    pub fn answer(self, body: String) -> Response {
        self.format.answer(StatusCode::OK, body)
    }
}
