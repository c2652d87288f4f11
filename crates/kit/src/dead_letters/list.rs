//! `GET /admin/{service}/dead-letters`: the dead letters of this service, or of all.

use axum::{Json, extract::State};
use serde::Deserialize;
use souk_values::Page;
use utoipa::IntoParams;

use super::{DeadLetterView, refuse};
use crate::{Problem, auth::Admin, extract::Numbered, health::Frame};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeadLetterFilter {
    /// Lists the dead letters of all services, which share the bus, instead of this one's. Default: false.
    #[serde(default)]
    #[param(required = false, default = false)]
    all_services: bool,
}

/// Lists dead letters without their payload, newest first.
#[utoipa::path(get, path = "", params(Numbered<DeadLetterFilter>),
    responses((status = 200, body = Page<DeadLetterView>, description = "A page of dead letters")))]
pub(crate) async fn handle(
    _: Admin,
    State(frame): State<Frame>,
    Numbered(page, filter): Numbered<DeadLetterFilter>,
) -> Result<Json<Page<DeadLetterView>>, Problem> {
    let service = (!filter.all_services).then_some(frame.service);
    let letters = frame.transport.dead_letter_page(service, page).await.map_err(|error| refuse(&error))?;
    Ok(Json(letters.map(|letter| DeadLetterView::of(&letter))))
}
