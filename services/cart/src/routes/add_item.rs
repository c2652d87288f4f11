//! `POST /cart`

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{auth::Caller, extract::MaybeKeyedJson};
use souk_values::ProductId;
use utoipa::ToSchema;

use crate::{
    app::App,
    cart::{Act, UsedKey},
    error::CartError,
    view::CartView,
};

/// What to add. The price is the shop's.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"productId": 1001, "quantity": 2}))]
pub struct AddItem {
    /// Which product.
    #[garde(skip)]
    product_id: ProductId,
    /// 1 to 99, and at most 99 together with what is in the cart.
    #[garde(range(min = 1, max = 99))]
    #[schema(minimum = 1, maximum = 99)]
    quantity: i64,
}

/// Adds units of a product to the cart, for 24 hours.
///
/// With an `Idempotency-Key` a repeated request adds nothing more.
#[utoipa::path(
    post, path = "", request_body = AddItem,
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of the caller's own, new for each act.")),
    responses(
        (status = 200, body = CartView, description = "The whole cart."),
        (status = 422, description = "`cart.product_unknown`, `cart.quantity_too_large`, `cart.too_many_items`, \
            `idempotency_key.reused`"),
    )
)]
pub async fn handle(
    State(app): State<App>,
    caller: Caller,
    MaybeKeyedJson(key, request): MaybeKeyedJson<AddItem>,
) -> Result<Json<CartView>, CartError> {
    let product = app.catalogue.sold(request.product_id).await?;
    let item = app.new_item(&product, u32::try_from(request.quantity).unwrap_or(u32::MAX));
    let key = key.map(|key| UsedKey { key: key.key, body_hash: key.body_hash });
    app.change(caller.user_id, Act::Add { item, key }).await.map(Json)
}
