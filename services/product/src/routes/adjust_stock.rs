//! `POST /products/{productId}/stock`.

use axum::{extract::State, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{KeyedJson, Path},
};
use souk_values::ProductId;
use utoipa::ToSchema;

use super::{product_view::ProductView, replace_product::shown, rules};
use crate::{
    App,
    error::ProductError,
    shelf::MAX_STOCK,
    store::{Adjustment, RequestKey},
};

/// A correction of stock.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"delta": 40, "reason": "Delivery of 12 May"}))]
pub struct StockChange {
    /// How many more, or fewer below zero; not 0.
    #[garde(range(min = -MAX_STOCK, max = MAX_STOCK), custom(not_zero))]
    delta: i64,
    /// Why, for people; 1 to 200 characters.
    #[garde(length(chars, max = 200), custom(rules::line))]
    reason: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde calls its rules with references")]
fn not_zero(delta: &i64, (): &()) -> garde::Result {
    if *delta == 0 { Err(garde::Error::new("must not be 0")) } else { Ok(()) }
}

/// Corrects a product's stock.
#[utoipa::path(post, path = "",
    params(
        ("productId" = ProductId, Path, description = "Which product"),
        ("Idempotency-Key" = String, Header, description = "The same key corrects once"),
    ),
    request_body = StockChange,
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`stock.out_of_range`: it would be below zero or too large"),
        (status = 422, description = "`idempotency_key.reused`"),
    ))]
pub async fn handle(
    State(app): State<App>,
    admin: Admin,
    Path(product_id): Path<ProductId>,
    KeyedJson(key, change): KeyedJson<StockChange>,
) -> Result<Response, ProductError> {
    let adjustment = Adjustment {
        product_id,
        delta: change.delta,
        reason: change.reason,
        admin: admin.user_id,
        request: RequestKey::new(admin.user_id, key),
    };
    Ok(shown(app.store.adjust(adjustment).await?))
}
