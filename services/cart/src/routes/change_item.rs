//! `PATCH /cart/items/{cartItemId}`

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Caller,
    extract::{Path, ValidJson},
};
use utoipa::ToSchema;

use crate::{app::App, cart::Act, error::CartError, view::CartView};

/// How many there are to be.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"quantity": 3}))]
pub struct ChangeItem {
    /// 1 to 99.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: i64,
}

/// Sets an active item's quantity; its 24 hours begin anew.
#[utoipa::path(
    patch, path = "", request_body = ChangeItem,
    params(("cartItemId" = String, Path, description = "Which item.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 404, description = "`cart.item_not_found`"),
        (status = 409, description = "`cart.item_ordered`, `cart.item_purchased`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    Path(cart_item_id): Path<String>,
    ValidJson(request): ValidJson<ChangeItem>,
) -> Result<Json<CartView>, CartError> {
    let quantity = u32::try_from(request.quantity).unwrap_or(u32::MAX);
    app.change(caller.user_id, Act::Change { cart_item_id, quantity }).await.map(Json)
}
