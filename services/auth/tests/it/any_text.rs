//! Any text in any field: never a 5xx, never a control character that is accepted.

use serde_json::json;
use souk_auth::Auth;
use souk_kit::Service as _;
use souk_testkit::withstands_any_text;

use crate::rig::{PASSWORD, Rig};

#[tokio::test]
async fn any_text_is_refused_or_stored() {
    let auth = Rig::start().await;
    let bob = auth.register("bob").await;
    let clients = [auth.client.clone(), auth.as_of(&bob), auth.admin().await, auth.service().await];
    let accepted = withstands_any_text(&Auth::openapi(), &clients, &[("userId", bob["user"]["userId"].clone())]).await;
    assert_eq!(
        accepted.into_iter().collect::<Vec<_>>(),
        ["GET /users", "PATCH /auth/me", "POST /auth/logout", "POST /auth/register", "POST /internal/users/find"]
    );
}

#[tokio::test]
async fn names_and_addresses_are_trimmed_and_have_no_control_characters() {
    let auth = Rig::start().await;
    let body = |username: &str, email: &str| json!({"username": username, "email": email, "password": PASSWORD});
    let ada = auth.client.post("/auth/register", body(" ada ", "ada@example.org\n")).await.expect(201).json;
    assert_eq!((&ada["user"]["username"], &ada["user"]["email"]), (&json!("ada"), &json!("ada@example.org")));
    for name in ["a\0da", "\0", "ada\r\n2", "a\u{202e}da"] {
        for field in ["username", "email"] {
            let mut login = json!({"password": PASSWORD});
            login[field] = json!(name);
            let refused = auth.client.post("/auth/login", login).await;
            refused.is_problem(422, "body.not_allowed");
            assert_eq!(refused.json["errors"][0]["field"], field);
        }
        let email = format!("{name}@example.org");
        auth.client.post("/auth/register", body("ada2", &email)).await.is_problem(422, "body.not_allowed");
        auth.client.post("/auth/register", body(name, "ada2@example.org")).await.is_problem(422, "body.not_allowed");
        auth.client.post("/auth/password/forgot", json!({"email": email})).await.is_problem(422, "body.not_allowed");
        auth.as_of(&ada).patch("/auth/me", json!({"email": email})).await.is_problem(422, "body.not_allowed");
    }
    let login = json!({"email": " ADA@example.org\n", "password": PASSWORD});
    auth.client.post("/auth/login", login).await.expect(200);
}

#[tokio::test]
async fn a_password_is_taken_as_it_is() {
    let auth = Rig::start().await;
    let password = " e\u{301}\0\r\n\u{202e} secret ";
    let body = json!({"username": "ada", "email": "ada@example.org", "password": password});
    auth.client.post("/auth/register", body).await.expect(201);
    auth.login("ada", password).await.expect(200);
    for other in [password.trim(), " \u{e9}\0\r\n\u{202e} secret "] {
        auth.login("ada", other).await.is_problem(401, "auth.credentials_wrong");
    }
}
