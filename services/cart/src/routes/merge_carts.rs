//! `POST /cart/merge`

use axum::{Json, extract::State};
use garde::Validate;
use serde::Deserialize;
use souk_kit::{
    auth::{Customer, Role},
    extract::ValidJson,
};
use souk_values::{Secret, UserId};
use utoipa::ToSchema;

use crate::{app::App, cart::Act, error::CartError, view::CartView};

/// Whose cart to take over.
#[derive(Debug, Clone, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"guestToken": "eyJhbGciOiJFUzI1NiIsImtpZCI6IjEifQ.eyJyb2xlIjoiZ3Vlc3QifQ.c2lnbmF0dXJl"}))]
pub struct MergeCarts {
    /// The guest's access token; its time may be over.
    #[garde(skip)]
    #[schema(value_type = String)]
    guest_token: Secret,
}

/// Takes a guest's active items over into the caller's cart. Repeating it changes nothing.
#[utoipa::path(
    post, path = "", request_body = MergeCarts,
    responses(
        (status = 200, body = CartView, description = "The whole cart. What found no room stays with the guest."),
        (status = 422, description = "`cart.guest_token_invalid`"),
    )
)]
pub async fn handle(
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
    let done = app.act(caller.user_id, Act::Absorb(lines)).await?;
    app.act(guest, Act::Leave(done.effects.absorbed)).await?;
    app.show(&done.cart).await.map(Json)
}

/// The guest whose genuine token this is.
async fn guest(app: &App, token: &Secret) -> Result<UserId, CartError> {
    let claims = app.verifier.verify_at_any_age(token.expose()).await?;
    match claims.role {
        Role::Guest => claims.user_id().ok_or(CartError::GuestToken),
        Role::Customer | Role::Admin | Role::Service => Err(CartError::GuestToken),
    }
}
