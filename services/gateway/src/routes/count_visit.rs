//! A page of the web shop was looked at.

use axum::extract::State;
use garde::Validate;
use http::StatusCode;
use serde::Deserialize;
use souk_kit::extract::ValidJson;
use utoipa::ToSchema;

use crate::{
    app::App,
    visits::{Source, Step},
};

/// One page view.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"page": "/products/enamel-kettle", "step": "product", "source": "search"}))]
pub struct Visit {
    /// The page's path, 1 to 500 characters. Not kept.
    #[garde(length(chars, min = 1, max = 500))]
    pub page: String,
    /// How far the visitor is. `visit` when left out.
    #[garde(skip)]
    #[serde(default)]
    pub step: Step,
    /// What brought the visitor; counted with `visit`. `direct` when left out.
    #[garde(skip)]
    #[serde(default)]
    pub source: Source,
}

/// Counts a page view. Nothing about the visitor is kept.
#[utoipa::path(post, path = "", request_body = Visit, responses((status = 204, description = "It is counted.")))]
pub async fn handle(State(App(known)): State<App>, ValidJson(visit): ValidJson<Visit>) -> StatusCode {
    known.visits.count(visit.step, visit.source, known.clock.now());
    StatusCode::NO_CONTENT
}
