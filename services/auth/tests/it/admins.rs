//! The first admin, and the rights that admins give and take.

use serde_json::{Value, json};
use souk_auth::{Auth, AuthConfig};
use souk_events::{UserChanged, queue::NOTIFICATION_USERS};
use souk_kit::Service;
use souk_testkit::{Client, TestResponse, World};

use crate::rig::{ADMIN_PASSWORD, PASSWORD, Rig, concurrently, config, person, secret};

fn path(signed_in: &Value) -> String {
    format!("/users/{}", signed_in["user"]["userId"])
}

#[tokio::test]
async fn the_first_admin_is_created_once() {
    let mut auth = Rig::start_with(|config| config.admin_password = secret("")).await;
    let made = auth.first_admin.clone().unwrap();
    assert_eq!((made.email.as_str(), made.generated), ("admin@souk.local", true));
    assert_eq!(made.password.expose().len(), 24);
    assert!(!format!("{made:?}").contains(made.password.expose()));
    let login = json!({"email": "admin@souk.local", "password": made.password.expose()});
    assert_eq!(auth.client.post("/auth/login", login.clone()).await.expect(200).json["user"]["role"], "admin");
    auth.restart_with(|config| config.admin_password = secret(ADMIN_PASSWORD)).await;
    assert!(auth.first_admin.is_none(), "an existing admin stays as it is");
    auth.client.post("/auth/login", login).await.expect(200);

    let configured = Rig::start_with(|config| config.admin_email = "Boss@shop.example".into()).await;
    let made = configured.first_admin.clone().unwrap();
    assert_eq!((made.email.as_str(), made.generated), ("Boss@shop.example", false));
    let login = json!({"email": "boss@shop.example", "password": ADMIN_PASSWORD});
    configured.client.post("/auth/login", login).await.expect(200);
    let facts = configured.facts().await;
    assert_eq!((facts.users, facts.admins), (1, 1));
}

#[tokio::test]
async fn a_wrong_configuration_is_reported_at_the_start() {
    let world = World::new().await;
    let start_error = async |config: AuthConfig| Auth::build(config, &world.deps).await.unwrap_err().to_string();
    let wrong = AuthConfig { admin_email: "nobody".into(), ..config(&world) };
    assert!(start_error(wrong).await.contains("auth.admin-email"));
    let wrong = AuthConfig { trusted_proxies: vec!["here".into(), "there".into()], ..config(&world) };
    let text = start_error(wrong).await;
    assert!(text.contains("'here'") && text.contains("'there'"), "{text}");
    let wrong = AuthConfig { signing_key_pem: secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END"), ..config(&world) };
    let text = start_error(wrong).await;
    assert!(text.contains("auth.signing-key-pem") && !text.contains("AAAA"), "{text}");
    let wrong = AuthConfig { store_url: "redis://x".into(), ..config(&world) };
    assert!(start_error(wrong).await.contains("sqlite:"));
}

#[tokio::test]
async fn admins_list_users_newest_first() {
    let auth = Rig::start().await;
    for name in ["ada", "bob", "eve"] {
        // Ids are ordered by the second in which they were drawn.
        auth.world.clock.advance(std::time::Duration::from_secs(2));
        auth.register(name).await;
    }
    let admin = auth.admin().await;
    let page = admin.get("/users?page=0&size=2").await.expect(200).json;
    assert_eq!((&page["page"], &page["size"], &page["total"]), (&json!(0), &json!(2), &json!(4)));
    let names = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&page), ["eve", "bob"]);
    assert_eq!(names(&admin.get("/users?page=1&size=2").await.json), ["ada", "admin"]);
    let mut fields: Vec<&String> = page["items"][0].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["createdAt", "email", "language", "locked", "role", "userId", "username"]);
    admin.get("/users?size=0").await.is_problem(400, "query.invalid");
    let ada = auth.login("ada", PASSWORD).await.json;
    auth.as_of(&ada).get("/users").await.is_problem(403, "auth.forbidden");
    auth.client.get("/users").await.is_problem(401, "auth.token_missing");
}

#[tokio::test]
async fn admins_find_users_by_name_address_role_and_lock() {
    let auth = Rig::start().await;
    let (ada, bob) = (auth.register("Ada_100").await, auth.register("bob").await);
    let admin = auth.admin().await;
    admin.patch(&path(&bob), json!({"locked": true})).await.expect(200);
    let found = async |query: &str| {
        let page = admin.get(&format!("/users?{query}")).await.expect(200).json;
        let users = page["items"].as_array().unwrap().iter();
        let mut names: Vec<String> = users.map(|user| user["username"].as_str().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(page["total"], names.len());
        names
    };
    assert_eq!(found("q=ADA").await, ["Ada_100"]);
    assert_eq!(found("q=bob%40example").await, ["bob"], "by the address");
    // Signs of patterns stand for themselves.
    assert_eq!(found("q=_100").await, ["Ada_100"]);
    assert_eq!(found("q=b_b").await, [""; 0]);
    assert_eq!(found("q=%25").await, [""; 0]);
    assert_eq!(found("role=admin").await, ["admin"]);
    assert_eq!(found("role=customer&locked=false").await, ["Ada_100"]);
    assert_eq!(found("locked=true").await, ["bob"]);
    assert_eq!(found(&format!("ids={},5", ada["user"]["userId"])).await, ["Ada_100"]);
    assert_eq!(found(&format!("ids={}&q=bob", ada["user"]["userId"])).await, [""; 0]);
    let one = admin.get(&path(&bob)).await.expect(200).json;
    assert_eq!((&one["username"], &one["locked"]), (&json!("bob"), &json!(true)));
    admin.get("/users/5").await.is_problem(404, "auth.user_not_found");
    auth.as_of(&ada).get(&path(&ada)).await.is_problem(403, "auth.forbidden");
    let many = (1..=101).map(|id: i32| id.to_string()).collect::<Vec<_>>().join(",");
    for query in ["role=guest", "locked=maybe", "ids=5,x", &format!("ids={many}"), "name=ada", &"q=x".repeat(201)] {
        admin.get(&format!("/users?{query}")).await.is_problem(400, "query.invalid");
    }
}

#[tokio::test]
async fn a_locked_user_cannot_sign_in_until_unlocked() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let admin = auth.admin().await;
    let locked = admin.patch(&path(&ada), json!({"locked": true})).await.expect(200).json;
    assert_eq!((&locked["locked"], &locked["role"]), (&json!(true), &json!("customer")));
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    auth.login("ada", PASSWORD).await.is_problem(403, "auth.locked");
    // Only a caller who knows the password is informed of the lock.
    auth.login("ada", "wrong").await.is_problem(401, "auth.credentials_wrong");
    auth.client.post_keyed("/auth/register", "k", person("ada")).await.is_problem(409, "auth.email_taken");
    admin.patch(&path(&ada), json!({"locked": false})).await.expect(200);
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    auth.login("ada", PASSWORD).await.expect(200);
    souk_testkit::eventually("both events are published", async || {
        auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await.len() == 2
    })
    .await;
    let events = auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await;
    assert_eq!((events[0].locked, events[0].version, events[1].locked, events[1].version), (true, 2, false, 3));
}

#[tokio::test]
async fn another_role_ends_all_sign_ins_and_applies_from_the_next_one_on() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let admin = auth.admin().await;
    admin.patch(&path(&ada), json!({"role": "admin"})).await.expect(200);
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    let again = auth.login("ada", PASSWORD).await.expect(200).json;
    assert_eq!(again["user"]["role"], "admin");
    auth.as_of(&again).get("/users").await.expect(200);
    admin.patch(&path(&ada), json!({})).await.expect(200);
    admin.patch(&path(&ada), json!({"role": "admin", "locked": false})).await.expect(200);
    auth.refresh(&again["refreshToken"]).await.expect(200);
    for role in ["guest", "service", "root"] {
        admin.patch(&path(&ada), json!({"role": role})).await.is_problem(400, "body.invalid");
    }
    admin.patch("/users/4", json!({"locked": true})).await.is_problem(404, "auth.user_not_found");
    admin.patch("/users/zero", json!({"locked": true})).await.is_problem(400, "path.invalid");
    let bob = auth.register("bob").await;
    auth.as_of(&bob).patch(&path(&bob), json!({"role": "admin"})).await.is_problem(403, "auth.forbidden");
}

#[tokio::test]
async fn the_last_admin_keeps_the_role() {
    let auth = Rig::start().await;
    let mut admin = auth.admin().await;
    let me = format!("/users/{}", admin.get("/auth/me").await.json["userId"]);
    admin.patch(&me, json!({"role": "customer"})).await.is_problem(409, "auth.last_admin");
    admin.patch(&me, json!({"locked": true})).await.is_problem(409, "auth.last_admin");
    for round in 0..5 {
        let other = auth.register(&format!("other{round}")).await;
        admin.patch(&path(&other), json!({"role": "admin"})).await.expect(200);
        // Both remove each other concurrently; only one may succeed.
        let demote = |client: &Client, path: String| {
            let client = client.clone();
            async move { client.patch(&path, json!({"locked": true})).await }
        };
        let other_admin = auth.as_of(&auth.login(&format!("other{round}"), PASSWORD).await.expect(200).json);
        let answers = concurrently([demote(&admin, path(&other)), demote(&other_admin, me.clone())]).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
        // The second one would remove the last admin, or no longer has the rights to.
        let loser = answers.iter().find(|answer| answer.status != 200).unwrap();
        assert_lost(loser);
        // The removed admin's token may be valid for a moment, but cannot restore the rights.
        if answers[0].status == 200 {
            assert_lost(&other_admin.patch(&path(&other), json!({"locked": false})).await);
        } else {
            assert_lost(&admin.patch(&me, json!({"locked": false})).await);
            other_admin.patch(&me, json!({"locked": false})).await.expect(200);
            admin = auth.admin().await;
        }
        admin.patch(&path(&other), json!({"role": "customer", "locked": false})).await.expect(200);
    }
}

fn assert_lost(answer: &TestResponse) {
    let code = answer.json["code"].as_str().unwrap_or_default();
    assert!(["auth.last_admin", "auth.forbidden", "auth.token_ended"].contains(&code), "{}", answer.text);
}
