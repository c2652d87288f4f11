//! `GET /internal/carts/{userId}/lines`: lists the active items of a cart.

use axum::{Json, extract::State};
use souk_kit::{auth::PeerService, extract::Path};
use souk_peers::cart::{ActiveLine, ActiveLines};
use souk_values::UserId;

use crate::{app::App, cart::Item, error::CartError};

/// Lists the active items of a user's cart, for the order service.
#[utoipa::path(
    get, path = "",
    params(("userId" = UserId, Path, description = "Id of the cart's owner, a customer or a guest.")),
    responses((status = 200, body = ActiveLines, description = "The active items, oldest first."))
)]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    Path(user): Path<UserId>,
) -> Result<Json<ActiveLines>, CartError> {
    let cart = app.store.cart(user).await?;
    let line = |item: &Item| ActiveLine {
        cart_item_id: item.cart_item_id.clone(),
        product_id: item.product_id,
        quantity: item.quantity,
    };
    let active = cart.items_at(app.clock.now()).filter(|item| item.is_active());
    Ok(Json(ActiveLines { lines: active.map(line).collect() }))
}
