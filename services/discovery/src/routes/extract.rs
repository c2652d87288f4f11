//! Parts of a request that several routes read.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Path, RawQuery},
    http::{StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use souk_eureka::InstanceStatus;

use crate::{
    app::App,
    error::DiscoveryError,
    registry::{InstanceKey, Origin},
};

/// The instance that `apps/{app}/{id}` names, decoded, with the application in upper case.
pub(super) struct InstancePath {
    app: String,
    id: String,
}

impl InstancePath {
    pub fn key(&self) -> InstanceKey<'_> {
        InstanceKey { app: &self.app, id: &self.id }
    }

    pub fn not_found(&self) -> DiscoveryError {
        DiscoveryError::NotFound(format!("There is no instance {} of {}.", self.id, self.app))
    }

    /// Checks that the instance is registered: 404 takes precedence over an invalid query, as in the original.
    pub fn check_exists(&self, app: &App) -> Result<(), DiscoveryError> {
        app.registry.with(|registry| registry.get(self.key())).map(|_| ()).ok_or_else(|| self.not_found())
    }

    pub fn ok_if(&self, is_found: bool) -> Result<StatusCode, DiscoveryError> {
        if is_found { Ok(StatusCode::OK) } else { Err(self.not_found()) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InstancePath {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((app, id)) = path.map_err(IntoResponse::into_response)?;
        Ok(Self { app: app.to_uppercase(), id })
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let is_peer = parts.headers.get("x-netflix-discovery-replication").is_some_and(|value| value == "true");
        Ok(if is_peer { Self::Peer } else { Self::Client })
    }
}

/// All pairs of the query, decoded, in their order.
pub(super) struct Query(pub Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await?;
        let url = reqwest::Url::parse(&format!("http://query/?{}", query.unwrap_or_default()));
        Ok(Self(url.map_or_else(|_| Vec::new(), |url| url.query_pairs().into_owned().collect())))
    }
}

impl Query {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn last_dirty_at(&self) -> Result<Option<i64>, DiscoveryError> {
        let given = self.get("lastDirtyTimestamp").filter(|text| !text.is_empty());
        given.map(str::parse).transpose().map_err(|_| DiscoveryError::InvalidTimestamp)
    }

    pub fn status(&self) -> Result<Option<InstanceStatus>, DiscoveryError> {
        Ok(self.get("value").map(str::parse::<InstanceStatus>).transpose()?)
    }
}
