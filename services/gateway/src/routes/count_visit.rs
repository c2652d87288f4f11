//! `POST /api/visits`: counts a page view of the web shop, if the browser does not object.

use axum::extract::State;
use garde::Validate;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use souk_kit::{extract::ValidJson, text::Line};
use utoipa::ToSchema;

use crate::{
    app::App,
    metrics,
    visits::{Source, Step},
};

/// A page view of the web shop.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"page": "/products/enamel-kettle", "step": "product", "source": "search"}))]
pub(crate) struct Visit {
    /// Path of the page, 1 to 500 characters, such as `/products/enamel-kettle`. It is not stored.
    #[garde(dive)]
    #[schema(inline)]
    pub page: Line<500>,
    /// Step that the visitor has reached in the funnel; `visit` if absent.
    #[garde(skip)]
    #[serde(default)]
    pub step: Step,
    /// Source that brought the visitor, counted for the step `visit` only; `direct` if absent.
    #[garde(skip)]
    #[serde(default)]
    pub source: Source,
}

/// Counts a page view. Nothing about the visitor is stored.
///
/// A request with `Sec-GPC: 1` (Global Privacy Control) or `DNT: 1` (Do Not Track) is not counted.
#[utoipa::path(post, path = "", request_body = Visit, responses((status = 204, description = "The page view was received.")))]
pub(crate) async fn handle(
    State(app): State<App>,
    headers: HeaderMap,
    ValidJson(visit): ValidJson<Visit>,
) -> StatusCode {
    if !objects_to_tracking(&headers) {
        metrics::count_page_view(visit.step, visit.source);
        app.visits.count(visit.step, visit.source, app.clock.now());
    }
    StatusCode::NO_CONTENT
}

/// Returns true if the browser sends either signal of a visitor who does not want to be tracked.
fn objects_to_tracking(headers: &HeaderMap) -> bool {
    ["sec-gpc", "dnt"].iter().any(|name| headers.get(*name).is_some_and(|value| value == "1"))
}
