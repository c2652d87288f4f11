//! A limit on anonymous writes where auth stands alone: of clients that call it directly instead of through a gateway,
//! which limits its own.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::app::App;

/// Refuses requests to the entry points beyond the limit of their address, with `auth.too_many_requests`.
pub(crate) async fn enforce(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_entry = request.method() == Method::POST && request.uri().path().starts_with("/auth/");
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical());
    if is_entry
        && let Some(peer) = peer
        && !app.trusted_proxies.iter().any(|network| network.contains(&peer))
        && let Err(error) = app.budgets.take_direct(peer)
    {
        return error.into_response();
    }
    next.run(request).await
}
