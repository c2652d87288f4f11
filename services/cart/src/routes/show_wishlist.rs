//! `GET /wishlist`

use axum::{Json, extract::State};
use souk_kit::auth::Customer;
use souk_values::UserId;

use crate::{app::App, error::CartError, view::WishlistView};

/// Shows what the caller wishes for.
#[utoipa::path(get, path = "", responses((status = 200, body = WishlistView, description = "The whole wishlist.")))]
pub async fn handle(State(app): State<App>, caller: Customer) -> Result<Json<WishlistView>, CartError> {
    wishlist(&app, caller.user_id).await.map(Json)
}

/// The whole wishlist of `user`.
pub async fn wishlist(app: &App, user: UserId) -> Result<WishlistView, CartError> {
    let wishes = app.store.wishes(user).await?;
    let known = app.catalogue.known(wishes.iter().map(|wish| wish.product_id)).await?;
    Ok(WishlistView::new(wishes, &known))
}
