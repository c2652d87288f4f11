//! `POST /internal/carts/{userId}/ordered`

use axum::{extract::State, http::StatusCode};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::PeerService,
    extract::{Path, ValidJson},
};
use souk_peers::cart::{ActiveLine, OrderedRequest};
use souk_values::UserId;

use crate::{
    app::App,
    cart::{Act, MAX_QUANTITY, OrderStep, OrderedLine, Stage},
    error::CartError,
};

/// A peer's request that keeps the rules.
#[derive(Debug, Clone, Deserialize, Validate)]
#[serde(transparent)]
pub struct Ordered(#[garde(custom(has_sound_lines))] OrderedRequest);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "garde's signature")]
fn has_sound_lines(request: &OrderedRequest, (): &()) -> garde::Result {
    if request.lines.iter().all(|line| (1..=MAX_QUANTITY).contains(&line.quantity)) {
        Ok(())
    } else {
        Err(garde::Error::new("the quantity of each line is 1 to 99"))
    }
}

/// Moves exactly these lines to an order: the same effect as `order.created`, once, whichever comes first.
#[utoipa::path(
    post, path = "", request_body = OrderedRequest,
    params(("userId" = UserId, Path, description = "Whose cart.")),
    responses((status = 204, description = "The lines belong to the order, as far as they were in the cart."))
)]
pub async fn handle(
    State(app): State<App>,
    _: PeerService,
    Path(user): Path<UserId>,
    ValidJson(Ordered(request)): ValidJson<Ordered>,
) -> Result<StatusCode, CartError> {
    let line = |line: ActiveLine| OrderedLine {
        cart_item_id: line.cart_item_id,
        product_id: line.product_id,
        quantity: line.quantity,
        spare_id: app.new_item_id(),
    };
    let lines = request.lines.into_iter().map(line).collect();
    let step = OrderStep { order_id: request.order_id, version: 0, stage: Stage::Placed, lines };
    app.act(user, Act::Follow(step)).await?;
    Ok(StatusCode::NO_CONTENT)
}
