//! Public routes, the OpenAPI document, responses to bad input, and metrics.

use std::path::Path;

use reqwest::Method;
use serde_json::json;
use souk_auth::Auth;
use souk_kit::Service;
use souk_testkit::{assert_public_routes, holds_against_snapshot};

use crate::rig::{PASSWORD, Rig};

#[tokio::test]
async fn only_entry_points_are_public() {
    let auth = Rig::start().await;
    let public = [
        "POST /auth/register",
        "POST /auth/login",
        "POST /auth/refresh",
        "POST /auth/logout",
        "POST /auth/guest",
        "POST /auth/password/forgot",
        "POST /auth/password/reset",
        "GET /.well-known/jwks.json",
        "POST /internal/tokens",
    ];
    assert_public_routes(&auth.client, &public).await;
}

#[test]
fn the_document_is_the_committed_one() {
    let snapshot = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"));
    holds_against_snapshot(&Auth::openapi(), snapshot);
}

#[tokio::test]
async fn bad_input_is_refused_with_a_reason_and_stores_nothing() {
    let auth = Rig::start().await;
    let token = auth.as_of(&auth.register("ada").await);
    let admin = auth.admin().await;
    let before = auth.facts().await;
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "5",
        "\"x\"",
        "{\"x\": 1}",
        "{\"username\": 1}",
        "{\"email\": {}}",
        "{\"password\": []}",
        "{\"username\":\"a\\u0000b\",\"email\":\"a\\u0000@b.org\",\"password\":\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"}",
        "{\"username\":\"ada2\",\"email\":\"ada2@example.org\",\"password\":\"correct horse\",\"role\":\"admin\"}",
        "{\"username\":\"ada2\",\"email\":\"not an address\",\"password\":\"correct horse\"}",
        "{\"username\":\"' OR 1=1 --\",\"email\":\"x@example.org\",\"password\":\"correct horse\"}",
        "{\"username\":\"ada\",\"email\":\"ada@example.org\",\"password\":\"\"}",
        "{\"refreshToken\": 5}",
        "{\"refreshToken\": \"\"}",
        "{\"token\": \"\", \"new\": \"\"}",
        "{\"service\": \"order\"}",
        "{\"service\": \"order\", \"secret\": \"\"}",
        "{\"role\": 5}",
        "{\"locked\": \"yes\"}",
        "{\"current\": \"\", \"new\": \"\"}",
    ];
    let posts = ["/auth/register", "/auth/login", "/auth/refresh", "/auth/password", "/auth/password/forgot"];
    let mut routes: Vec<_> = posts.into_iter().map(|path| (Method::POST, path)).collect();
    routes.extend([(Method::POST, "/auth/password/reset"), (Method::POST, "/internal/tokens")]);
    routes.extend([(Method::PATCH, "/auth/me"), (Method::PATCH, "/users/6")]);
    for (method, path) in routes {
        let client = if path == "/users/6" { &admin } else { &token };
        for body in bodies {
            let answer = client.send(method.clone(), path, Some(body.to_owned())).await;
            let status = answer.status.as_u16();
            assert!((400..500).contains(&status), "{method} {path} {body}: {status} {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/problem+json", "{path} {body}");
            assert!(answer.json["code"].as_str().unwrap().contains('.'), "{path} {body}: {}", answer.text);
        }
        let large = format!("{{\"username\":\"{}\"}}", "x".repeat(300_000));
        client.send(method.clone(), path, Some(large)).await.is_problem(413, "body.too_large");
    }
    let after = auth.facts().await;
    assert_eq!((before.users, before.admins), (after.users, after.admins));
    auth.client.post("/auth/register", json!({"username": "x", "email": "y", "password": "z"})).await.json["errors"]
        .as_array()
        .map(|errors| assert_eq!(errors.len(), 3, "all mistakes are reported together"))
        .unwrap();
    auth.login("ada", PASSWORD).await.expect(200);
}

#[tokio::test]
async fn every_series_is_exposed() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    auth.login("ada", PASSWORD).await.expect(200);
    auth.login("ada", "wrong").await;
    auth.refresh(&ada["refreshToken"]).await.expect(200);
    auth.refresh(&ada["refreshToken"]).await;
    let metrics = auth.client.get("/metrics").await.text;
    for series in [
        "sign_ins_total{service=\"auth\",outcome=\"succeeded\"}",
        "sign_ins_total{service=\"auth\",outcome=\"wrong\"}",
        "sign_ins_total{service=\"auth\",outcome=\"locked\"}",
        "sign_ins_total{service=\"auth\",outcome=\"throttled\"}",
        "registrations_total{service=\"auth\"}",
        "refreshes_total{service=\"auth\",outcome=\"rotated\"}",
        "refreshes_total{service=\"auth\",outcome=\"reused\"}",
        "refreshes_total{service=\"auth\",outcome=\"invalid\"}",
        "outbox_pending{service=\"auth\"}",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    auth.client.get("/health/ready").await.expect(200);
}
