//! `POST /cart/merge`: moves a guest's items into the caller's cart.

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::{Customer, Role},
    extract::ValidJson,
};
use souk_values::{Secret, UserId};
use utoipa::ToSchema;

use crate::{app::App, cart::CartCommand, error::CartError, view::CartView};

/// The guest whose cart to merge.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"guestToken": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJyb2xlIjoiZ3Vlc3QifQ.c2lnbmF0dXJl"}))]
pub(crate) struct MergeCarts {
    /// Access token of the guest. An expired one is accepted.
    #[garde(skip)]
    #[schema(value_type = String, format = Password)]
    guest_token: Secret,
}

/// Moves a guest's active items into the caller's cart. Repeating the request changes nothing.
#[utoipa::path(
    post, path = "", request_body = MergeCarts,
    responses(
        (status = 200, body = CartView, description = "The whole cart. Items that did not fit stay in the guest's cart."),
        (status = 422, description = "`cart.guest_token_invalid`"),
    )
)]
pub(crate) async fn handle(
    State(app): State<App>,
    caller: Customer,
    ValidJson(request): ValidJson<MergeCarts>,
) -> Result<Json<CartView>, CartError> {
    let guest = guest(&app, &request.guest_token).await?;
    let lines = app.store.cart(guest).await?.guest_lines(app.clock.now());
    if lines.is_empty() {
        let cart = app.store.cart(caller.user_id).await?;
        return app.show(&cart).await.map(Json);
    }
    let merged = app.execute(caller.user_id, CartCommand::Merge(lines), None).await?;
    // A crash between the two commands leaves the items in both carts. A repeated merge recognises them and adds nothing.
    app.execute(guest, CartCommand::RemoveMerged(merged.effects.merged), None).await?;
    app.show(&merged.cart).await.map(Json)
}

/// Returns the guest that `token` was issued to, however long ago.
async fn guest(app: &App, token: &Secret) -> Result<UserId, CartError> {
    let claims = app.verifier.verify_ignoring_expiry(token.expose()).await?;
    match claims.role {
        Role::Guest => claims.user_id().ok_or(CartError::GuestToken),
        Role::Customer | Role::Admin | Role::Service => Err(CartError::GuestToken),
    }
}
