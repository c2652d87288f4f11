//! `POST /cart`: adds a product to the cart.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Caller, extract::MaybeKeyedJson};
use souk_values::ProductId;
use utoipa::ToSchema;

use crate::{
    app::App,
    cart::{CartCommand, UsedKey},
    error::CartError,
    view::CartView,
};

/// A product to add to the cart. Its price is always the shop's.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"productId": 1001, "quantity": 2}))]
pub(crate) struct AddItem {
    /// Id of the product in the catalogue.
    #[garde(skip)]
    product_id: ProductId,
    /// Units to add, from 1 to 99. Together with those in the cart at most 99.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: i64,
}

/// Adds units of a product to the cart, for 24 hours.
///
/// A repeated request with the same `Idempotency-Key` adds nothing more.
#[utoipa::path(
    post, path = "", request_body = AddItem,
    params(("Idempotency-Key" = Option<String>, Header, description = "Client-chosen key, such as a UUID; a retry sends the same one.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 422, description = "`cart.product_unknown`, `cart.quantity_too_large`, `cart.too_many_items`, \
            `idempotency_key.reused`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Caller,
    MaybeKeyedJson(key, request): MaybeKeyedJson<AddItem>,
) -> Result<Json<CartView>, CartError> {
    let product = app.catalogue.product_on_sale(request.product_id).await?;
    let item = app.new_item(&product, u32::try_from(request.quantity).unwrap_or(u32::MAX));
    let key = key.map(|key| UsedKey { key: key.key, body_hash: key.body_hash });
    app.change(caller.user_id, CartCommand::Add { item, key }).await.map(Json)
}
