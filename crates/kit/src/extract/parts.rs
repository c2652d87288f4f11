//! Path and query, refused with a problem instead of the framework's text.

use axum::{
    extract::{FromRequestParts, RawQuery},
    http::{StatusCode, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};
use souk_values::{PageRequest, page::MAX_PAGE_SIZE};

use crate::Problem;

/// Segments of the path. Errors: 400 `path.invalid`.
#[derive(Debug, Clone)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(StatusCode::BAD_REQUEST, "path.invalid", rejection.body_text())),
        }
    }
}

/// The query, all of it known. Errors: 400 `query.invalid`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(StatusCode::BAD_REQUEST, "query.invalid", rejection.body_text())),
        }
    }
}

/// `page` (from 0) and `size` (1 to 100, 20) of a list. Other parameters are left to [`Query`].
#[derive(Debug, Clone, Copy)]
pub struct Paging(pub PageRequest);

#[derive(Deserialize)]
struct PageQuery {
    page: Option<u32>,
    size: Option<u32>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await.unwrap_or(RawQuery(None));
        let invalid = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "query.invalid", detail);
        let uri = format!("/?{}", query.unwrap_or_default())
            .parse()
            .map_err(|_| invalid("The query cannot be read.".into()))?;
        let axum::extract::Query(asked) =
            axum::extract::Query::<PageQuery>::try_from_uri(&uri).map_err(|error| invalid(error.body_text()))?;
        let PageRequest { page, size } = PageRequest::default();
        let asked = PageRequest { page: asked.page.unwrap_or(page), size: asked.size.unwrap_or(size) };
        if !(1..=MAX_PAGE_SIZE).contains(&asked.size) {
            return Err(invalid(format!("size is 1 to {MAX_PAGE_SIZE}.")));
        }
        Ok(Self(asked))
    }
}
