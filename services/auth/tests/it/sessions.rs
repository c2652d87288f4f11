//! Refresh tokens, which are valid once and end in families; guests.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use souk_sql::{Access, Db};
use souk_testkit::TestResponse;

use crate::rig::{PASSWORD, Rig, concurrently};

fn assert_signed_out(answer: &TestResponse) {
    assert_eq!(answer.status.as_u16(), 401, "{}", answer.text);
    let code = answer.json["code"].as_str().unwrap();
    assert!(["auth.refresh_token_invalid", "auth.refresh_token_reused"].contains(&code), "{code}");
}

#[tokio::test]
async fn a_refresh_token_is_valid_once_and_its_copy_ends_the_family() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let elsewhere = auth.login("ada", PASSWORD).await.expect(200).json;
    let second = auth.refresh(&ada["refreshToken"]).await.expect(200).json;
    assert_eq!(second["user"], ada["user"]);
    auth.as_of(&second).get("/auth/me").await.expect(200);
    let third = auth.refresh(&second["refreshToken"]).await.expect(200).json;
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_reused");
    auth.refresh(&third["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    auth.refresh(&elsewhere["refreshToken"]).await.expect(200);
}

#[tokio::test]
async fn of_concurrent_refreshes_exactly_one_wins() {
    let auth = Rig::start().await;
    for _ in 0..5 {
        let guest = auth.client.post("/auth/guest", json!({})).await.expect(200).json;
        let answers = concurrently((0..8).map(|_| {
            let client = auth.client.clone();
            let body = json!({"refreshToken": guest["refreshToken"]});
            async move { client.post("/auth/refresh", body).await }
        }))
        .await;
        let winners: Vec<&TestResponse> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(winners.len(), 1);
        answers.iter().filter(|answer| answer.status != 200).for_each(assert_signed_out);
        assert_signed_out(&auth.refresh(&winners[0].json["refreshToken"]).await);
    }
}

#[tokio::test]
async fn a_refresh_token_is_valid_for_thirty_days() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let other = auth.login("ada", PASSWORD).await.expect(200).json;
    auth.world.clock.advance(Duration::from_secs(29 * 86_400));
    let second = auth.refresh(&ada["refreshToken"]).await.expect(200).json;
    auth.world.clock.advance(Duration::from_secs(2 * 86_400));
    auth.refresh(&other["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    let third = auth.refresh(&second["refreshToken"]).await.expect(200).json;
    // The first token is purged by now, its family is not.
    auth.world.clock.advance(Duration::from_secs(601));
    auth.refresh(&third["refreshToken"]).await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_one_sign_in() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let elsewhere = auth.login("ada", PASSWORD).await.expect(200).json;
    let logout = |body: Value| {
        let client = auth.client.clone();
        async move { client.post("/auth/logout", body).await }
    };
    // By the refresh token.
    let out = logout(json!({"refreshToken": ada["refreshToken"]})).await.expect(204);
    assert_eq!(out.text, "");
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    logout(json!({"refreshToken": ada["refreshToken"]})).await.expect(204);
    // By the access token alone, expired or not.
    let next = auth.refresh(&elsewhere["refreshToken"]).await.expect(200).json;
    auth.world.clock.advance(Duration::from_secs(3_600));
    auth.as_of(&next).send(reqwest::Method::POST, "/auth/logout", None).await.expect(204);
    auth.refresh(&next["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    // No token identifies a sign-in.
    logout(json!({})).await.is_problem(401, "auth.refresh_token_missing");
    auth.client.with_token("forged").post("/auth/logout", json!({})).await.is_problem(401, "auth.token_invalid");
}

#[tokio::test]
async fn a_guest_has_tokens_but_no_account() {
    let auth = Rig::start().await;
    let guest = auth.client.send(reqwest::Method::POST, "/auth/guest", None).await.expect(200).json;
    let user =
        json!({"userId": guest["user"]["userId"], "username": null, "email": null, "role": "guest", "language": null});
    assert_eq!(guest["user"], user);
    let me = auth.as_of(&guest);
    assert_eq!(me.get("/auth/me").await.expect(200).json, user);
    let next = auth.refresh(&guest["refreshToken"]).await.expect(200).json;
    assert_eq!(next["user"], user);
    let other = auth.client.post("/auth/guest", json!({})).await.expect(200).json;
    assert_ne!(other["user"]["userId"], guest["user"]["userId"]);
    me.patch("/auth/me", json!({"username": "ghost"})).await.is_problem(403, "auth.forbidden");
    me.post("/auth/password", json!({"current": "x", "new": "y"})).await.is_problem(403, "auth.forbidden");
    me.get("/users").await.is_problem(403, "auth.forbidden");
    auth.client.post("/auth/guest", json!({"x": 1})).await.is_problem(400, "body.invalid");
    assert_eq!(auth.facts().await.users, 1);
    me.post("/auth/logout", json!({"refreshToken": next["refreshToken"]})).await.expect(204);
    assert_signed_out(&auth.refresh(&next["refreshToken"]).await);
}

#[tokio::test]
async fn a_guest_costs_no_row_until_the_first_refresh() {
    let auth = Rig::start().await;
    let rows = async || {
        let db = Db::open(&auth.config.store_url, Access::ReadOnly).await.unwrap();
        let mut count = 0;
        for table in ["token_family", "refresh_token"] {
            let query =
                Statement::from_string(db.reader().get_database_backend(), format!("SELECT 1 AS x FROM {table}"));
            count += db.reader().query_all_raw(query).await.unwrap().len();
        }
        count
    };
    let before = rows().await;
    let mut guests = Vec::new();
    for _ in 0..200 {
        guests.push(auth.client.post("/auth/guest", json!({})).await.expect(200).json);
    }
    assert_eq!(rows().await, before);
    let next = auth.refresh(&guests[0]["refreshToken"]).await.expect(200).json;
    assert_eq!(next["user"], guests[0]["user"]);
    assert_eq!(rows().await, before + 3);
    // Reuse of the first token ends the sign-in, as that of any other.
    auth.refresh(&guests[0]["refreshToken"]).await.is_problem(401, "auth.refresh_token_reused");
    auth.refresh(&next["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    // Signing out ends a sign-in that is not stored, by either token.
    let body = json!({"refreshToken": guests[1]["refreshToken"]});
    auth.client.post("/auth/logout", body).await.expect(204);
    auth.as_of(&guests[2]).send(reqwest::Method::POST, "/auth/logout", None).await.expect(204);
    for guest in &guests[1..3] {
        auth.refresh(&guest["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    }
    // It is valid for thirty days, and is no access token.
    let as_access = auth.client.with_token(guests[3]["refreshToken"].as_str().unwrap());
    as_access.get("/auth/me").await.is_problem(401, "auth.token_invalid");
    auth.world.clock.advance(Duration::from_secs(29 * 86_400));
    auth.refresh(&guests[3]["refreshToken"]).await.expect(200);
    auth.world.clock.advance(Duration::from_secs(86_400));
    auth.refresh(&guests[4]["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
}

#[tokio::test]
async fn clients_without_a_gateway_are_limited_too() {
    let auth = Rig::start_with(|config| config.trusted_proxies.clear()).await;
    let mut answers = Vec::new();
    for _ in 0..40 {
        let clients = (0..25).map(|_| auth.client.clone());
        answers.extend(
            concurrently(clients.map(|client| async move { client.post("/auth/guest", json!({})).await })).await,
        );
    }
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty(), "guests have no limit");
    refused[0].is_problem(429, "auth.too_many_requests");
    assert_eq!(refused[0].header("retry-after"), "1");
    auth.client.get("/.well-known/jwks.json").await.expect(200);
}

#[tokio::test]
async fn anything_but_a_refresh_token_is_refused() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    auth.refresh(&json!("0".repeat(64))).await.is_problem(401, "auth.refresh_token_invalid");
    auth.refresh(&ada["accessToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    auth.refresh(&json!(null)).await.is_problem(401, "auth.refresh_token_missing");
    auth.client.send(reqwest::Method::POST, "/auth/refresh", None).await.is_problem(401, "auth.refresh_token_missing");
    auth.refresh(&json!(5)).await.is_problem(400, "body.invalid");
    auth.as_of(&ada).post("/auth/refresh", json!({})).await.is_problem(401, "auth.refresh_token_missing");
    let as_bearer = auth.client.with_token(ada["refreshToken"].as_str().unwrap());
    as_bearer.get("/auth/me").await.is_problem(401, "auth.token_invalid");
}
