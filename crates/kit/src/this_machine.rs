//! Requests from this machine: what a server without credentials answers, and what it does not.
//!
//! A server on loopback is not reached from the network, but a web page in this machine's browser reaches it: by a form or
//! `fetch` to `127.0.0.1`, and, after DNS rebinding, as if it were of the page's own origin.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, uri::Authority},
    middleware::{self, Next},
    response::IntoResponse,
};

use crate::Problem;

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PROXY_HEADERS: [HeaderName; 5] = [
    HeaderName::from_static("x-forwarded-for"),
    FORWARDED_HOST,
    HeaderName::from_static("x-real-ip"),
    header::FORWARDED,
    header::VIA,
];
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// True for a request that a program on this machine sends on its own account: from a loopback address, to a loopback name,
/// for no page of another origin, and through no proxy, which may forward requests from elsewhere.
#[must_use]
pub fn is_from_this_machine(request: &Request) -> bool {
    let is_forwarded = PROXY_HEADERS.iter().any(|name| request.headers().contains_key(name));
    is_from_loopback(request) && !is_forwarded && is_for_this_machine(request)
}

/// Answers only requests of [`is_from_this_machine`]; others get 403 with `advice`, and probes always an answer. For a server
/// that has no credentials to require.
pub fn local_only(routes: Router, advice: &'static str) -> Router {
    routes.layer(middleware::from_fn(move |request: Request, next: Next| async move {
        if request.uri().path().starts_with("/health/") || is_from_this_machine(&request) {
            return next.run(request).await;
        }
        Problem::new(StatusCode::FORBIDDEN, "request.not_local", advice).into_response()
    }))
}

/// Refuses what a web page makes this machine's browser send to a listener on loopback. The shop's own gateway forwards
/// pages' requests; those name the host that the page requested, which no page can add to a request of its own: it takes a
/// header that browsers send only after a preflight, and no service answers one.
pub(crate) fn no_web_pages(routes: Router) -> Router {
    routes.layer(middleware::from_fn(async |request: Request, next: Next| {
        let is_allowed = is_local_name(&host(&request))
            && (request.headers().contains_key(FORWARDED_HOST) || !is_cross_origin(request.headers(), &host(&request)));
        if is_allowed {
            return next.run(request).await;
        }
        let detail = "This server listens on this machine alone, and answers no web page of another origin. Use its \
                      address, such as http://127.0.0.1, or the shop's gateway.";
        Problem::new(StatusCode::FORBIDDEN, "request.not_local", detail).into_response()
    }))
}

fn is_from_loopback(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback())
}

fn is_for_this_machine(request: &Request) -> bool {
    let host = host(request);
    is_local_name(&host) && !is_cross_origin(request.headers(), &host)
}

fn host(request: &Request) -> String {
    match request.headers().get(header::HOST) {
        Some(host) => host.to_str().unwrap_or_default().to_owned(),
        None => request.uri().authority().map_or("localhost", Authority::as_str).to_owned(),
    }
}

/// True when a browser reports that a page of another origin makes the request. Other clients send no such headers.
fn is_cross_origin(headers: &HeaderMap, host: &str) -> bool {
    let is_other_origin = |origin: &HeaderValue| {
        let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, rest)| rest);
        authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host))
    };
    let is_other_site = |site: &HeaderValue| site.as_bytes() != b"same-origin" && site.as_bytes() != b"none";
    headers.get_all(header::ORIGIN).iter().any(is_other_origin)
        || headers.get_all(SEC_FETCH_SITE).iter().any(is_other_site)
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::any};
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn names_of_this_machine() {
        for local in
            ["localhost", "localhost:8888", "LOCALHOST:1", "127.0.0.1:8888", "127.1.2.3", "[::1]:8888", "a.localhost"]
        {
            assert!(is_local_name(local), "{local}");
        }
        for other in
            ["evil.example:8888", "10.0.0.1", "[2001:db8::1]:8888", "localhost.evil.example", "127.0.0.1.example", ""]
        {
            assert!(!is_local_name(other), "{other}");
        }
    }

    fn request(path: &str, peer: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        request
    }

    async fn status(routes: Router, request: Request) -> u16 {
        routes.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn a_server_without_credentials_answers_programs_of_this_machine_alone() {
        let open = || local_only(Router::new().fallback(any(|| async { "open" })), "Set credentials.");
        for (peer, headers, answer) in [
            ("127.0.0.1:9", &[("host", "localhost:8761")][..], 200),
            ("[::1]:9", &[("host", "[::1]:8761")], 200),
            ("127.0.0.1:9", &[("host", "127.0.0.1:1"), ("origin", "http://127.0.0.1:1")], 200),
            ("10.0.0.9:9", &[("host", "localhost")], 403),
            ("127.0.0.1:9", &[("host", "evil.example")], 403),
            ("127.0.0.1:9", &[("host", "localhost"), ("origin", "https://evil.example")], 403),
            ("127.0.0.1:9", &[("host", "localhost"), ("origin", "null")], 403),
            ("127.0.0.1:9", &[("host", "localhost"), ("sec-fetch-site", "cross-site")], 403),
            ("127.0.0.1:9", &[("host", "localhost"), ("x-forwarded-for", "10.0.0.9")], 403),
        ] {
            assert_eq!(status(open(), request("/x", peer, headers)).await, answer, "{peer} {headers:?}");
        }
        assert_eq!(status(open(), request("/health/live", "10.0.0.9:9", &[("host", "pod-1")])).await, 200);
    }

    #[tokio::test]
    async fn a_service_on_loopback_answers_no_web_page_but_through_the_gateway() {
        let service = || no_web_pages(Router::new().fallback(any(|| async { "service" })));
        for (headers, answer) in [
            (&[("host", "127.0.0.1:8081")][..], 200),
            (
                &[("host", "127.0.0.1:8081"), ("origin", "https://shop.example"), ("x-forwarded-host", "shop.example")],
                200,
            ),
            (&[("host", "127.0.0.1:8081"), ("origin", "https://evil.example")], 403),
            (&[("host", "127.0.0.1:8081"), ("sec-fetch-site", "cross-site")], 403),
            (&[("host", "evil.example:8081"), ("x-forwarded-host", "evil.example")], 403),
        ] {
            assert_eq!(status(service(), request("/x", "127.0.0.1:9", headers)).await, answer, "{headers:?}");
        }
    }
}
