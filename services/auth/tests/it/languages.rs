//! The language of a user: chosen or negotiated at registration, changed later, shown and published.

use reqwest::Method;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use souk_events::{PasswordResetRequested, UserChanged, UserRegistered, queue::NOTIFICATION_USERS};
use souk_sql::{Access, Db};
use souk_testkit::eventually;

use crate::rig::{ADMIN_PASSWORD, Rig, person};

fn speaking(name: &str, language: &str) -> Value {
    let mut body = person(name);
    body["language"] = json!(language);
    body
}

/// Registers without naming a language, as a browser with this `Accept-Language` does, and returns the user's language.
async fn negotiated(auth: &Rig, name: &str, header: Option<&str>) -> Value {
    let client = header.map_or_else(|| auth.client.clone(), |value| auth.client.with_header("accept-language", value));
    client.post("/auth/register", person(name)).await.expect(201).json["user"]["language"].clone()
}

#[tokio::test]
async fn a_registration_names_its_language_or_negotiates_it() {
    let auth = Rig::start().await;
    let ada = auth.client.post("/auth/register", speaking("ada", "de")).await.expect(201).json;
    assert_eq!(ada["user"]["language"], "de");
    assert_eq!(auth.as_of(&ada).get("/auth/me").await.expect(200).json["language"], "de");
    for (name, header, language) in [
        ("bob", None, "en"),
        ("eve", Some("de-AT,de;q=0.9,en;q=0.5"), "de"),
        ("ian", Some("fr, en;q=0.3, de;q=0.2"), "en"),
        ("kim", Some("ja"), "en"),
        ("lee", Some("*"), "en"),
        ("max", Some(";;q=,,\"de\""), "en"),
    ] {
        assert_eq!(negotiated(&auth, name, header).await, language, "{header:?}");
    }
    // A language that the request names counts before those that the browser prefers.
    let german = auth.client.with_header("accept-language", "de");
    let named = german.post("/auth/register", speaking("moe", "en")).await.expect(201).json;
    assert_eq!(named["user"]["language"], "en");

    eventually("all events are published", async || {
        auth.world.waiting::<UserRegistered>(&NOTIFICATION_USERS).await.len() == 9
    })
    .await;
    let events = auth.world.waiting::<UserRegistered>(&NOTIFICATION_USERS).await;
    let published: Vec<_> =
        events.iter().map(|event| (event.username.as_str(), event.language.as_deref().unwrap())).collect();
    assert_eq!(published[..4], [("admin", "en"), ("ada", "de"), ("bob", "en"), ("eve", "de")]);
}

#[tokio::test]
async fn an_unknown_language_is_refused_by_its_field() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    for language in ["fr", "DE", "de-AT", "english", "\u{fc}"] {
        let refusals = [
            auth.client.post("/auth/register", speaking("bob", language)).await,
            auth.as_of(&ada).patch("/auth/me", json!({"language": language})).await,
        ];
        for refused in refusals {
            refused.is_problem(422, "body.not_allowed");
            assert_eq!(refused.json["errors"], json!([{"field": "language", "message": "must be one of: en, de"}]));
        }
    }
    auth.client.post("/auth/register", speaking("bob", "")).await.is_problem(422, "body.not_allowed");
    auth.as_of(&ada).patch("/auth/me", json!({"language": 1})).await.is_problem(400, "body.invalid");
    assert_eq!(auth.facts().await.users, 2, "the admin and ada");
    // All wrong fields are named at once.
    let body = json!({"email": "bob", "password": "short", "language": "fr"});
    let all = auth.client.post("/auth/register", body).await;
    let fields: Vec<_> = all.json["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["email", "password", "language"]);
}

#[tokio::test]
async fn users_change_their_language_and_admins_see_it() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let me = auth.as_of(&ada);
    assert_eq!(me.patch("/auth/me", json!({"language": "de"})).await.expect(200).json["language"], "de");
    assert_eq!(me.get("/auth/me").await.json["language"], "de");
    me.patch("/auth/me", json!({"language": "de"})).await.expect(200);
    assert_eq!(me.patch("/auth/me", json!({"username": "ada.l"})).await.expect(200).json["language"], "de");
    let refreshed = auth.refresh(&ada["refreshToken"]).await.expect(200).json;
    assert_eq!(refreshed["user"]["language"], "de", "it ends no sign-in");

    let admin = auth.admin().await;
    assert_eq!(admin.get("/users?q=ada").await.expect(200).json["items"][0]["language"], "de");
    let id = &ada["user"]["userId"];
    assert_eq!(admin.get(&format!("/users/{id}")).await.expect(200).json["language"], "de");
    let locked = admin.patch(&format!("/users/{id}"), json!({"locked": true})).await.expect(200).json;
    assert_eq!(locked["language"], "de");
    admin.patch(&format!("/users/{id}"), json!({"language": "en"})).await.is_problem(400, "body.invalid");

    eventually("the changes are published", async || {
        auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await.len() == 3
    })
    .await;
    let events = auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await;
    let published: Vec<_> = events.iter().map(|event| (event.version, event.language.as_deref())).collect();
    assert_eq!(published, [(2, Some("de")), (3, Some("de")), (4, Some("de"))], "the same language is no change");
}

#[tokio::test]
async fn a_guest_has_no_language_and_a_reset_is_published_with_the_accounts() {
    let auth = Rig::start().await;
    let guest = auth.client.send(Method::POST, "/auth/guest", None).await.expect(200).json;
    assert_eq!(guest["user"]["language"], Value::Null);
    auth.as_of(&guest).patch("/auth/me", json!({"language": "de"})).await.is_problem(403, "auth.forbidden");
    auth.client.post("/auth/register", speaking("ada", "de")).await.expect(201);
    auth.client.post("/auth/password/forgot", json!({"email": "ada@example.org"})).await.expect(202);
    eventually("the reset is published", async || {
        !auth.world.waiting::<PasswordResetRequested>(&NOTIFICATION_USERS).await.is_empty()
    })
    .await;
    let reset = auth.world.waiting::<PasswordResetRequested>(&NOTIFICATION_USERS).await.remove(0);
    assert_eq!(reset.language.as_deref(), Some("de"));
}

#[tokio::test]
async fn users_of_an_earlier_release_have_english() {
    let auth = Rig::start().await;
    // As a replica of the release before writes its rows, during an upgrade as well: without a language.
    let store = Db::open(&auth.config.store_url, Access::ReadWrite).await.unwrap();
    let backend = store.reader().get_database_backend();
    let insert = "INSERT INTO shop_user (user_id, username, username_key, email, email_key, role, locked, password_hash,
            sign_in_epoch, version, created_at)
        SELECT 7, 'old', 'old', 'old@example.org', 'old@example.org', role, locked, password_hash, 0, 1, 0 FROM shop_user";
    store
        .write(Statement::from_string(backend, insert), |tx, insert| {
            Box::pin(async move { Ok::<_, souk_sql::SqlError>(tx.execute_raw(insert.clone()).await?) })
        })
        .await
        .unwrap();
    let old = json!({"email": "old@example.org", "password": ADMIN_PASSWORD});
    let signed_in = auth.client.post("/auth/login", old).await.expect(200).json;
    assert_eq!(signed_in["user"]["language"], "en");
    let me = auth.as_of(&signed_in);
    assert_eq!(me.patch("/auth/me", json!({"language": "de"})).await.expect(200).json["language"], "de");
}
