//! `GET /products/{productId}/movements`: lists a product's stock ledger.

use axum::{Json, extract::State};
use serde::Serialize;
use souk_kit::{
    auth::Admin,
    extract::{NoFilter, Numbered, Path},
};
use souk_values::{OrderId, Page, ProductId, Timestamp};
use utoipa::ToSchema;

use crate::{
    app::App,
    error::ProductError,
    store::{Movement, MovementKind},
};

/// A move of a product's units.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "at": "2026-01-31T12:00:00.000Z", "kind": "adjustment", "quantity": 12, "isSum": false, "orderId": null,
    "reason": "Delivery of 12 May"
}))]
pub(crate) struct MovementView {
    /// Time of the move.
    at: Timestamp,
    /// `initial` and `adjustment` change what is on hand; `reserve` takes units out of stock for an order, `release` gives them
    /// back; `sell` makes reserved units sold ones, `return` gives sold ones back to stock.
    kind: MovementKind,
    /// Units moved; negative for an adjustment that removes some.
    quantity: i64,
    /// True for the sum of all moves of this kind up to `at`, which are too old to be listed one by one.
    is_sum: bool,
    /// The order that caused the move; `null` for the others.
    order_id: Option<OrderId>,
    /// The reason that an admin gave for an adjustment; `null` for the others.
    reason: Option<String>,
}

impl From<Movement> for MovementView {
    fn from(movement: Movement) -> Self {
        let Movement { at, kind, quantity, is_sum, order_id, reason } = movement;
        Self { at, kind, quantity, is_sum, order_id, reason }
    }
}

/// Lists the stock ledger of a product, the last move first. A deleted product keeps its ledger. For admins.
#[utoipa::path(get, path = "",
    params(("productId" = ProductId, Path, description = "Id of the product"), Numbered<NoFilter>),
    responses(
        (status = 200, body = Page<MovementView>),
        (status = 400, description = "`path.invalid`, `query.invalid`"),
        (status = 404, description = "`product.not_found`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: Admin,
    Path(product_id): Path<ProductId>,
    Numbered(page, NoFilter {}): Numbered<NoFilter>,
) -> Result<Json<Page<MovementView>>, ProductError> {
    let (movements, total) = app.store.movements(product_id, page).await?;
    Ok(Json(Page::new(movements.into_iter().map(MovementView::from).collect(), page, total)))
}
