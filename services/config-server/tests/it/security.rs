//! Tests of access control: readers, administrators, and requests without credentials.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo, http::Request};
use serde_json::{Value, json};
use souk_testkit::World;
use tower::ServiceExt;

use crate::rig::{Rig, service, write};

const READER: &[(&str, &str)] = &[("authorization", "Basic YW5uOnJlYWQ=")];
const ADMIN: &[(&str, &str)] = &[("authorization", "Basic cm9vdDp3cml0ZQ==")];
const READ_TOKEN: &[(&str, &str)] = &[("authorization", "Bearer t-read")];
const ADMIN_TOKEN: &[(&str, &str)] = &[("authorization", "Bearer t-admin")];
const ADMIN_PATHS: [&str; 6] =
    ["/encrypt", "/decrypt", "/encrypt/a/b", "/monitor", "/actuator/busrefresh", "/actuator/busrefresh/shop"];

fn tree(folder: &std::path::Path, security: &Value) -> Value {
    json!({"native": {"search_locations": [folder]}, "encrypt": {"key": "a password of some length"}, "security": security})
}

#[tokio::test]
async fn readers_read_and_administrators_act() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yml", "a: 1\n")]);
    let security = json!({"user": "ann", "password": "read", "token": "t-read",
        "admin_user": "root", "admin_password": "write", "admin_token": "t-admin"});
    let rig = Rig::with(tree(folder.path(), &security)).await;
    let reads = [
        "/shop/dev",
        "/shop-dev.yml",
        "/shop/dev/main/shop.yml",
        "/encrypt/status",
        "/metrics",
        "/info",
        "/docs/",
        "/openapi.json",
    ];
    for path in reads {
        let refused = rig.get(path).await.expect(401);
        assert!(refused.header("www-authenticate").starts_with("Basic"), "{path}");
        assert_eq!((&refused.json["status"], &refused.json["path"]), (&json!(401), &json!(path)));
        for wrong in ["Basic YW5uOndyb25n", "Basic Og==", "Bearer t-reader", "Bearer", "Basic", "Bearer "] {
            rig.get_with(path, &[("authorization", wrong)]).await.expect(401);
        }
        for known in [READER, READ_TOKEN, ADMIN, ADMIN_TOKEN] {
            rig.get_with(path, known).await.expect(200);
        }
    }
    for path in ADMIN_PATHS {
        rig.post(path, &[], "{}").await.expect(401);
        for reader in [READER, READ_TOKEN] {
            assert_eq!(rig.post(path, reader, "{}").await.expect(403).json["error"], "Forbidden", "{path}");
        }
        for admin in [ADMIN, ADMIN_TOKEN] {
            let status = rig.post(path, admin, "{}").await.status.as_u16();
            assert!(matches!(status, 200 | 204 | 400), "{path}: {status}");
        }
    }
    // Readers may read the public half of the key. Callers without credentials do not learn which paths exist.
    rig.get_with("/key", READER).await.expect(404);
    rig.get("/nothing").await.expect(401);
}

#[tokio::test]
async fn only_health_is_public_and_its_details_are_not() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("health.yml", "a: 1\n"), ("live/x.yml", "a: 1\n")]);
    let rig = Rig::with(tree(folder.path(), &json!({"user": "ann", "password": "read"}))).await;
    for path in ["/health/live", "/health/ready", "/actuator/health/liveness"] {
        rig.get(path).await.expect(200);
    }
    assert_eq!(rig.get("/actuator/health").await.expect(200).json, json!({"status": "UP"}));
    assert!(rig.get_with("/actuator/health", READER).await.json["components"].is_object());
    // Other paths that begin with health are not public.
    for path in [
        "/health/dev",
        "/health/live/main/health.yml",
        "/health/livex",
        "/health/live/",
        "/actuator/health/main/health.yml",
        "//health/live",
        "/health/live/../../shop/dev",
        "/health%2Flive/dev",
    ] {
        assert_eq!(rig.raw_status(path).await, 401, "{path}");
    }
    // Without an administrator, readers have all rights.
    rig.post("/encrypt", READER, "x").await.expect(200);
}

#[tokio::test]
async fn without_credentials_only_requests_from_this_machine_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("shop.yml", "a: 1\n")]);
    let world = World::new().await;
    let open = tree(folder.path(), &json!({}));
    let (service, _) = service(&world, &open).await;
    let routes = service.guard.unwrap()(service.router);
    let status = async |peer: &str, path: &str, header: (&str, &str)| {
        let mut request = Request::get(path).header(header.0, header.1).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        routes.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    let none = ("x-none", "");
    for peer in ["127.0.0.1:1", "[::1]:1", "127.8.8.8:1", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(status(peer, "/shop/dev", none).await, 200, "{peer}");
    }
    for peer in ["10.0.0.1:1", "[2001:db8::1]:1", "[::ffff:10.0.0.1]:1", "0.0.0.0:1"] {
        assert_eq!(status(peer, "/shop/dev", none).await, 403, "{peer}");
        assert_eq!(status(peer, "/actuator/health", none).await, 200, "{peer}");
    }
    let here = "127.0.0.1:1";
    for far in [
        ("x-forwarded-for", "10.0.0.1"),
        ("x-forwarded-host", "config.example"),
        ("x-real-ip", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("via", "1.1 proxy"),
        ("host", "evil.example:8888"),
        ("origin", "https://evil.example"),
        ("origin", "http://localhost.evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        assert_eq!(status(here, "/shop/dev", far).await, 403, "{far:?}");
    }
    for near in [("host", "localhost:8888"), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "none")] {
        assert_eq!(status(here, "/shop/dev", near).await, 200, "{near:?}");
    }
    let nowhere = Request::get("/shop/dev").body(Body::empty()).unwrap();
    assert_eq!(routes.clone().oneshot(nowhere).await.unwrap().status().as_u16(), 403);
}

#[tokio::test]
async fn a_web_page_of_another_origin_cannot_use_a_local_browser() {
    let folder = tempfile::tempdir().unwrap();
    let rig = Rig::with(tree(folder.path(), &json!({}))).await;
    for path in ["/monitor", "/actuator/busrefresh"] {
        for page in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
            rig.post(path, &[page, ("x-none", "")], "{\"path\": \"shop.yml\"}").await.expect(403);
        }
    }
    assert!(rig.published().is_empty());
    // Pages of the server itself may.
    let own = rig.post("/actuator/busrefresh", &[("origin", &rig.base), ("sec-fetch-site", "same-origin")], "").await;
    own.expect(204);
}
