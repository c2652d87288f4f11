//! The body of every error: `application/problem+json` (RFC 9457) with a stable `code`.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// The error body of every endpoint, RFC 9457 with a stable code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank", "title": "Not Found", "status": 404,
    "code": "order.not_found", "detail": "There is no order 42."
}))]
pub struct Problem {
    /// Always `about:blank`; programs distinguish problems by `code`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Reason phrase of the HTTP status.
    pub title: String,
    /// HTTP status code, the same as the response's.
    pub status: u16,
    /// Stable code for programs, in the form `noun.reason`.
    pub code: String,
    /// Explanation for people, with what to do next.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Invalid fields of the request body; absent when the body is not the cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Members of this problem's own, such as the `orderId` that `order.cart_already_ordered` names (RFC 9457, 3.2).
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
    /// Seconds until a retry makes sense, sent as the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// An invalid field of a request body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Path of the field in the body, such as `items[0].quantity`.
    pub field: String,
    /// Explanation of what the field must be.
    pub message: String,
}

impl Problem {
    /// Returns a problem with a status, a stable code and a sentence for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            errors: Vec::new(),
            members: Map::new(),
            retry_after: None,
        }
    }

    /// Returns the 500 for a defect. The cause is logged here, once, and not shown to the caller.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "a request failed because of a defect");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side. It has been logged; please try again.",
        )
    }

    /// Returns the 503 for an unavailable dependency. The cause is logged here, once, and not shown to the caller.
    #[must_use]
    pub fn unavailable(what: &str, cause: &dyn std::fmt::Display) -> Self {
        tracing::warn!(what, error = %cause, "a request failed because a dependency is unavailable");
        let detail = format!("{what} cannot be reached right now. Please try again in a moment.");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &format!("{what}.unavailable"), detail)
            .retry_after(Duration::from_secs(2))
    }

    /// Maps a store's failure to 503 if the engine is the cause, and to 500 otherwise.
    #[must_use]
    pub fn store(error: &souk_sql::SqlError) -> Self {
        if error.is_transient() { Self::unavailable("store", error) } else { Self::internal(error) }
    }

    /// Adds the invalid fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Adds a member of this problem's own.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a `Retry-After`, rounded up to whole seconds, at least one.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after.as_secs() + u64::from(after.subsec_nanos() > 0 || after.is_zero()));
        self
    }

    /// Returns the HTTP status of the response.
    #[must_use]
    pub fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let retry_after = self.retry_after;
        let mut response = (self.status_code(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
