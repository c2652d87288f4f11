//! `GET /wishlist`: shows the caller's wishlist.

use axum::{Json, extract::State};
use souk_kit::auth::Customer;
use souk_values::UserId;

use crate::{app::App, error::CartError, view::WishlistView};

/// Shows the caller's wishlist, the newest wish first.
#[utoipa::path(get, path = "", responses((status = 200, body = WishlistView, description = "The whole wishlist.")))]
pub(crate) async fn handle(State(app): State<App>, caller: Customer) -> Result<Json<WishlistView>, CartError> {
    wishlist(&app, caller.user_id).await.map(Json)
}

pub(crate) async fn wishlist(app: &App, user: UserId) -> Result<WishlistView, CartError> {
    let wishes = app.store.wishes(user).await?;
    let known = app.catalogue.products(wishes.iter().map(|wish| wish.product_id)).await?;
    Ok(WishlistView::new(wishes, &known))
}
