//! Services of this process: a call to one of them is handed to its routes, without a connection between.
//!
//! It takes the same way from there on: metrics, spans, tokens and limits are those of a call over the network. So a shop in
//! one process and one of many behave alike, and the caller's breaker, retry and time limit stay.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{HeaderValue, Request, Response, Uri, header, uri},
};
use parking_lot::RwLock;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::ServiceExt;

/// The services of this process by their base URL. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct LocalServices(Arc<RwLock<HashMap<String, LocalService>>>);

/// A service of this process.
#[derive(Debug, Clone)]
pub struct LocalService {
    routes: Router,
    host: HeaderValue,
    stop: CancellationToken,
}

impl LocalServices {
    /// Adds the service that listens on `address`, until `stop`.
    pub(crate) fn add(&self, address: SocketAddr, routes: Router, stop: CancellationToken) {
        // Cannot fail: an address has no character that a header may not have.
        let Ok(host) = HeaderValue::from_str(&address.to_string()) else { return };
        let mut services = self.0.write();
        services.retain(|_, service| !service.stop.is_cancelled());
        services.insert(format!("http://{address}"), LocalService { routes, host, stop });
    }

    /// Returns the service at `base`, `http://host:port`, if it runs in this process and does not stop.
    #[must_use]
    pub fn at(&self, base: &str) -> Option<LocalService> {
        self.0.read().get(base).filter(|service| !service.stop.is_cancelled()).cloned()
    }
}

impl LocalService {
    /// Hands `request` to the routes. Dropping the returned future cancels it, as a closed connection would.
    ///
    /// Errors: the process is ending.
    pub async fn send(self, mut request: Request<Body>) -> io::Result<Response<Body>> {
        // As it would arrive: with a path and a host.
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(|| Uri::from(uri::PathAndQuery::from_static("/")), Uri::from);
        request.headers_mut().insert(header::HOST, self.host);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))));
        // On a task of its own: as a part of the caller's, one service within another would need a deep stack.
        match AbortOnDropHandle::new(tokio::spawn(self.routes.oneshot(request))).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(never)) => match never {},
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use http_body_util::BodyExt;

    use super::*;

    async fn text(response: Response<Body>) -> String {
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_service_receives_what_a_connection_would_bring_until_it_stops() {
        let services = LocalServices::default();
        let stop = CancellationToken::new();
        let seen = |ConnectInfo(from): ConnectInfo<SocketAddr>, uri: Uri, headers: axum::http::HeaderMap| async move {
            format!("{uri} of {:?} from {}", headers.get(header::HOST).unwrap(), from.ip())
        };
        let routes = Router::new().route("/orders", get(seen));
        services.add(([127, 0, 0, 1], 8083).into(), routes, stop.clone());
        let request = Request::get("http://127.0.0.1:8083/orders?page=2").body(Body::empty()).unwrap();
        let service = services.at("http://127.0.0.1:8083").unwrap();
        let response = service.send(request).await.unwrap();
        assert_eq!(text(response).await, "/orders?page=2 of \"127.0.0.1:8083\" from 127.0.0.1");
        assert!(services.at("http://127.0.0.1:8084").is_none());
        stop.cancel();
        assert!(services.at("http://127.0.0.1:8083").is_none());
    }
}
