//! Path and query, refused with a problem body instead of axum's plain text.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::{StatusCode, Uri, request::Parts},
};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::{Problem, text::forbidden_in};

/// Path parameters. Errors: 400 `path.invalid`, also for a character that no text may have.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let invalid = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "path.invalid", detail);
        let texts =
            RawPathParams::from_request_parts(parts, state).await.map_err(|error| invalid(error.body_text()))?;
        for (name, text) in &texts {
            if let Some(letter) = forbidden_in(text) {
                return Err(invalid(format!("{name} in the path has {letter}, a control or invisible character.")));
            }
        }
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(invalid(rejection.body_text())),
        }
    }
}

/// Query parameters. Errors: 400 `query.invalid`, also for a character that no text may have.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        check_query(&parts.uri)?;
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(StatusCode::BAD_REQUEST, "query.invalid", rejection.body_text())),
        }
    }
}

/// Checks the decoded names and values of a query. Errors: 400 `query.invalid`, with the parameter.
pub(super) fn check_query(uri: &Uri) -> Result<(), Problem> {
    for (name, text) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        if let Some(letter) = forbidden_in(&name).or_else(|| forbidden_in(&text)) {
            // The name may be the one that has it.
            let name = name.escape_debug();
            let detail = format!("{name} in the query has {letter}, a control or invisible character.");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "query.invalid", detail));
        }
    }
    Ok(())
}
