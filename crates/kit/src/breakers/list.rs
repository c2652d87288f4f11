//! `GET /admin/{service}/breakers`: the circuit breakers of one process of the service.

use axum::{Json, extract::State};
use souk_values::Page;

use super::{BreakerView, breakers_of};
use crate::{auth::Admin, health::Frame};

/// Lists the circuit breakers of this process of the service, and that of its verifier of access tokens, all on one page.
#[utoipa::path(get, path = "",
    responses((status = 200, body = Page<BreakerView>, description = "All circuit breakers of the process")))]
pub(crate) async fn handle(_: Admin, State(frame): State<Frame>) -> Json<Page<BreakerView>> {
    Json(Page::whole(breakers_of(&frame)))
}
