//! Content negotiation: JSON or XML, full or compact, compressed or not.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use souk_eureka::{Application, Applications, EurekaAccept, InstanceInfo, StatusInfo, json, xml};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Json,
    Xml,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Representation {
    pub format: Format,
    pub accept: EurekaAccept,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AcceptsGzip(pub bool);

impl<S: Sync> FromRequestParts<S> for Representation {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        // JSON must be named: py-eureka-client accepts `*/*` and can read only XML.
        let is_json = contains(headers, header::ACCEPT.as_str(), "json");
        let is_compact = contains(headers, "x-eureka-accept", "compact");
        Ok(Self {
            format: if is_json { Format::Json } else { Format::Xml },
            accept: if is_compact { EurekaAccept::Compact } else { EurekaAccept::Full },
        })
    }
}

impl<S: Sync> FromRequestParts<S> for AcceptsGzip {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(contains(&parts.headers, header::ACCEPT_ENCODING.as_str(), "gzip")))
    }
}

fn contains(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.any(|value| value.to_ascii_lowercase().contains(word))
}

impl Format {
    pub fn response(self, status: StatusCode, body: impl Into<Bytes>) -> Response {
        let content_type = HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Xml => "application/xml",
        });
        (status, [(header::CONTENT_TYPE, content_type)], body.into()).into_response()
    }
}

impl Representation {
    pub fn applications(self, applications: &Applications) -> String {
        match self.format {
            Format::Json => json::applications(applications, self.accept),
            Format::Xml => xml::applications(applications, self.accept),
        }
    }

    pub fn application(self, application: &Application) -> String {
        match self.format {
            Format::Json => json::application(application, self.accept),
            Format::Xml => xml::application(application, self.accept),
        }
    }

    pub fn instance(self, instance: &InstanceInfo) -> String {
        match self.format {
            Format::Json => json::instance(instance, self.accept),
            Format::Xml => xml::instance(instance, self.accept),
        }
    }

    pub fn status(self, status: &StatusInfo) -> String {
        match self.format {
            Format::Json => json::status_info(status),
            Format::Xml => xml::status_info(status),
        }
    }

    /// Returns a response 200 with this body.
    pub fn response(self, body: String) -> Response {
        self.format.response(StatusCode::OK, body)
    }
}
