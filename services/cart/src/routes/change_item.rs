//! `PATCH /cart/items/{cartItemId}`: sets the quantity of an item.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Caller,
    extract::{Path, ValidJson},
};
use utoipa::ToSchema;

use crate::{app::App, cart::CartCommand, error::CartError, view::CartView};

/// The new quantity of an active item.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"quantity": 3}))]
pub(crate) struct ChangeItem {
    /// Units of the product, from 1 to 99.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: i64,
}

/// Sets an active item's quantity, and restarts its 24 hours.
#[utoipa::path(
    patch, path = "", request_body = ChangeItem,
    params(("cartItemId" = String, Path, description = "Id of an active item in the caller's cart.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`cart.item_not_found`"),
        (status = 409, description = "`cart.item_ordered`, `cart.item_purchased`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(cart_item_id): Path<String>,
    ValidJson(request): ValidJson<ChangeItem>,
) -> Result<Json<CartView>, CartError> {
    let quantity = u32::try_from(request.quantity).unwrap_or(u32::MAX);
    app.change(caller.user_id, CartCommand::SetQuantity { cart_item_id, quantity }).await.map(Json)
}
