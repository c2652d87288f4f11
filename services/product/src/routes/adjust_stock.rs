//! `POST /products/{productId}/stock`: corrects the stock of a product.

use axum::{extract::State, response::Response};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::Admin,
    extract::{KeyedJson, Path},
    text::Line,
};
use souk_values::ProductId;
use utoipa::ToSchema;

use super::product_view::{self, ProductView};
use crate::{
    app::App,
    error::ProductError,
    stock::MAX_STOCK,
    store::{Adjustment, RequestKey},
};

/// A correction of stock.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"delta": 40, "reason": "Delivery of 12 May"}))]
pub(crate) struct StockChange {
    /// Units to add, or to remove when negative; not 0.
    #[garde(range(min = -MAX_STOCK, max = MAX_STOCK), custom(not_zero))]
    delta: i64,
    /// Reason for other admins, such as `Delivery of 12 May`; 1 to 200 characters.
    #[garde(dive)]
    #[schema(inline)]
    reason: Line<200>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde calls its rules with references")]
fn not_zero(delta: &i64, (): &()) -> garde::Result {
    if *delta == 0 { Err(garde::Error::new("must not be 0")) } else { Ok(()) }
}

/// Adds units to a product's stock or removes some. For admins.
#[utoipa::path(post, path = "",
    params(
        ("productId" = ProductId, Path, description = "Id of the product"),
        ("Idempotency-Key" = String, Header, description = "Your own unique text; requests with the same key correct the stock once"),
    ),
    request_body = StockChange,
    responses(
        (status = 200, body = ProductView, headers(("ETag" = String))),
        (status = 400, description = "`path.invalid`, `idempotency_key.required`, `idempotency_key.invalid`"),
        (status = 404, description = "`product.not_found`"),
        (status = 409, description = "`stock.out_of_range`: the stock would be negative or too large"),
        (status = 422, description = "`idempotency_key.reused`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Admin,
    Path(product_id): Path<ProductId>,
    KeyedJson(key, change): KeyedJson<StockChange>,
) -> Result<Response, ProductError> {
    let adjustment = Adjustment {
        product_id,
        delta: change.delta,
        reason: change.reason.into(),
        admin: admin.user_id,
        request: RequestKey::new(admin.user_id, key),
    };
    product_view::response(&app, app.store.adjust(adjustment).await?).await
}
