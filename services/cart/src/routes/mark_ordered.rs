//! `POST /internal/carts/{userId}/ordered`: moves items to an order.

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::PeerService,
    extract::{Path, ValidJson},
    text::check_line,
};
use souk_peers::cart::{ActiveLine, OrderedRequest};
use souk_values::UserId;

use crate::{
    app::App,
    cart::{CartCommand, MAX_QUANTITY, OrderStage, OrderUpdate, OrderedLine},
    error::CartError,
};

/// Longest id of an item, in characters; those of this service are UUIDs.
const MAX_ITEM_ID: usize = 64;

/// A request with valid quantities and ids.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(transparent)]
pub(crate) struct ValidOrder(#[garde(custom(has_valid_lines))] OrderedRequest);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn has_valid_lines(request: &OrderedRequest, (): &()) -> garde::Result {
    for line in &request.lines {
        if !(1..=MAX_QUANTITY).contains(&line.quantity) {
            return Err(garde::Error::new("the quantity of each line is 1 to 99"));
        }
        let named = |error| garde::Error::new(format!("the cartItemId of each line {error}"));
        check_line(&line.cart_item_id, MAX_ITEM_ID).map_err(named)?;
    }
    Ok(())
}

/// Moves exactly these lines to an order. Has the same effect as `order.created`; whichever arrives second has none.
#[utoipa::path(
    post, path = "", request_body = OrderedRequest,
    params(("userId" = UserId, Path, description = "Id of the cart's owner, a customer or a guest.")),
    responses((status = 204, description = "The lines that were still in the cart belong to the order."))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    Path(user): Path<UserId>,
    ValidJson(ValidOrder(request)): ValidJson<ValidOrder>,
) -> Result<StatusCode, CartError> {
    let ordered_line = |line: ActiveLine| OrderedLine {
        cart_item_id: line.cart_item_id,
        product_id: line.product_id,
        quantity: line.quantity,
        remainder_id: app.new_item_id(),
    };
    let lines = request.lines.into_iter().map(ordered_line).collect();
    let update = OrderUpdate { order_id: request.order_id, version: 0, stage: OrderStage::Placed, lines };
    app.execute(user, CartCommand::FollowOrder(update), None).await?;
    Ok(StatusCode::NO_CONTENT)
}
