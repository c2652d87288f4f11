//! `GET /api/shop`: public facts about the shop.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};

use crate::{app::App, shop_facts::ShopView};

/// Facts change with the configuration only. While a service was away when they were read, they are read again soon.
const COMPLETE: HeaderValue = HeaderValue::from_static("public, max-age=60");
const INCOMPLETE: HeaderValue = HeaderValue::from_static("no-store");

/// Returns public facts about the shop. The gateway answers also while a service is away, without that service's facts.
#[utoipa::path(get, path = "", responses((status = 200, body = ShopView, description = "The shop.")))]
pub(crate) async fn handle(State(app): State<App>) -> Response {
    let shop = app.facts.read().await;
    let caching = if shop.is_complete() { COMPLETE } else { INCOMPLETE };
    ([(header::CACHE_CONTROL, caching)], Json(shop)).into_response()
}
