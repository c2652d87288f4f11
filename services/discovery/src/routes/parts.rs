//! The parts of a request that several routes read.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Path, RawQuery},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use souk_eureka::InstanceStatus;
use souk_kit::Problem;

use crate::{
    app::NotRegistered,
    registry::{Full, Origin},
};

/// Which instance: `apps/{app}/{id}`, decoded, the application in capitals.
pub struct Instance {
    app: String,
    id: String,
}

impl Instance {
    pub fn name(&self) -> (&str, &str) {
        (&self.app, &self.id)
    }

    /// 404 with a sentence.
    pub fn missing(&self) -> Response {
        missing(&format!("There is no instance {} of {}.", self.id, self.app))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Instance {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((app, id)) = path.map_err(IntoResponse::into_response)?;
        Ok(Self { app: app.to_uppercase(), id })
    }
}

/// Whether another server asks: `x-netflix-discovery-replication: true`.
impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let says_so = parts.headers.get("x-netflix-discovery-replication").is_some_and(|value| value == "true");
        Ok(if says_so { Self::Peer } else { Self::Client })
    }
}

/// The query, whatever is in it.
pub struct Query(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        let pairs = reqwest::Url::parse(&format!("http://query/?{}", query.unwrap_or_default()));
        Ok(Self(pairs.map_or_else(|_| Vec::new(), |url| url.query_pairs().into_owned().collect())))
    }
}

impl Query {
    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// `lastDirtyTimestamp`, if it is there. Errors: 400 when it is no number.
    pub fn last_dirty_at(&self) -> Result<Option<i64>, Response> {
        let given = self.get("lastDirtyTimestamp").filter(|text| !text.is_empty());
        let read = given.map(str::parse).transpose();
        read.map_err(|_| (StatusCode::BAD_REQUEST, "lastDirtyTimestamp is not a whole number").into_response())
    }

    /// The status that `name` is, if it is there. Errors: 500, as clients know it, when it names none.
    pub fn status(&self, name: &str) -> Result<Option<InstanceStatus>, Response> {
        let read = self.get(name).map(str::parse::<InstanceStatus>).transpose();
        read.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
    }
}

impl IntoResponse for NotRegistered {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Full(Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
        };
        (status, self.to_string()).into_response()
    }
}

/// 404 with a sentence.
pub fn missing(sentence: &str) -> Response {
    Problem::new(StatusCode::NOT_FOUND, "discovery.not_found", sentence).into_response()
}
