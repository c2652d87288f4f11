//! Registering, and changes of one's own account.

use serde_json::{Value, json};
use souk_events::{UserChanged, UserEmailChanged, UserPasswordChanged, UserRegistered, queue::NOTIFICATION_USERS};

use crate::rig::{PASSWORD, Rig, concurrently, person};

#[tokio::test]
async fn registering_signs_in_and_publishes_an_event() {
    let auth = Rig::start().await;
    let answer = auth.client.post("/auth/register", person("ada")).await.expect(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("set-cookie"), "");
    let ada = answer.json;
    assert_eq!((&ada["tokenType"], &ada["expiresIn"]), (&json!("Bearer"), &json!(900)));
    assert_eq!(ada["refreshToken"].as_str().unwrap().len(), 64);
    let user = json!({"userId": ada["user"]["userId"], "username": "ada", "email": "ada@Example.org", "role": "customer",
        "language": "en"});
    assert_eq!(ada["user"], user);
    assert_eq!(auth.as_of(&ada).get("/auth/me").await.expect(200).json, user);

    for who in [json!({"username": "ADA"}), json!({"email": "ADA@example.ORG"})] {
        let mut body = who;
        body["password"] = json!(PASSWORD);
        let again = auth.client.post("/auth/login", body).await.expect(200).json;
        assert_eq!(again["user"], user);
        assert_ne!(again["refreshToken"], ada["refreshToken"]);
    }
    souk_testkit::eventually("both events are published", async || {
        auth.world.waiting::<UserRegistered>(&NOTIFICATION_USERS).await.len() == 2
    })
    .await;
    let events = auth.world.waiting::<UserRegistered>(&NOTIFICATION_USERS).await;
    assert_eq!((events[0].role.as_str(), events[0].username.as_str()), ("admin", "admin"));
    assert_eq!(
        (events[1].role.as_str(), events[1].email.as_str(), events[1].version),
        ("customer", "ada@Example.org", 1)
    );
    assert_eq!(json!(events[1].user_id), ada["user"]["userId"]);
}

#[tokio::test]
async fn names_and_addresses_are_unique_in_any_case() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let other = |username: &str, email: &str| json!({"username": username, "email": email, "password": PASSWORD});
    let register = |body: Value| {
        let client = auth.client.clone();
        async move { client.post("/auth/register", body).await }
    };
    register(other("ADA", "ada2@example.org")).await.is_problem(409, "auth.username_taken");
    register(other("ada2", "ADA@EXAMPLE.ORG")).await.is_problem(409, "auth.email_taken");
    // Values that are spelled like column names cause no confusion.
    register(other("email_key", "username_key@example.org")).await.expect(201);
    register(other("email_key", "other@example.org")).await.is_problem(409, "auth.username_taken");
    assert_eq!(auth.facts().await.users, 3);
}

#[tokio::test]
async fn a_name_may_be_left_out_and_have_any_script() {
    let auth = Rig::start().await;
    let register = |body: Value| {
        let client = auth.client.clone();
        async move { client.post("/auth/register", body).await }
    };
    let first = register(json!({"email": "ada@example.org", "password": PASSWORD})).await.expect(201).json;
    assert_eq!(first["user"]["username"], "ada");
    let second = register(json!({"email": "ada@example.com", "password": PASSWORD})).await.expect(201).json;
    let name = second["user"]["username"].as_str().unwrap();
    assert!(name.starts_with("ada-") && name.len() == 9, "{name}");
    register(json!({"email": "ADA@example.com", "password": PASSWORD})).await.is_problem(409, "auth.email_taken");
    let third = json!({"username": "Nguyễn Thị Ánh", "email": "anh@example.org", "password": PASSWORD});
    assert_eq!(register(third).await.expect(201).json["user"]["username"], "Nguyễn Thị Ánh");
    auth.login("NGUYỄN  THỊ ÁNH", PASSWORD).await.expect(200);
    let body = json!({"email": "eve@example.org", "password": PASSWORD});
    let one = auth.client.post_keyed("/auth/register", "k", body.clone()).await.expect(201).json;
    let again = auth.client.post_keyed("/auth/register", "k", body).await.expect(201).json;
    assert_eq!(one["user"], again["user"]);
}

#[tokio::test]
async fn concurrent_registrations_without_a_name_all_succeed() {
    let auth = Rig::start().await;
    let answers = concurrently((0..4).map(|number| {
        let client = auth.client.clone();
        let body = json!({"email": format!("ada@example{number}.org"), "password": PASSWORD});
        async move { client.post("/auth/register", body).await }
    }))
    .await;
    for answer in answers {
        answer.expect(201);
    }
    assert_eq!(auth.facts().await.users, 5);
}

#[tokio::test]
async fn one_mailbox_of_an_international_domain_has_one_account() {
    let auth = Rig::start().await;
    let body = |email: &str| json!({"email": email, "password": PASSWORD});
    let made = auth.client.post("/auth/register", body("ada@münchen.example")).await.expect(201).json;
    assert_eq!(made["user"]["email"], "ada@xn--mnchen-3ya.example");
    for same in ["ada@xn--mnchen-3ya.example", "ADA@MÜNCHEN.example", "ada@mu\u{308}nchen.example"] {
        auth.client.post("/auth/register", body(same)).await.is_problem(409, "auth.email_taken");
        auth.client.post("/auth/login", body(same)).await.expect(200);
    }
}

#[tokio::test]
async fn of_concurrent_registrations_with_one_name_one_succeeds() {
    let auth = Rig::start().await;
    let answers = concurrently((0..8).map(|number| {
        let client = auth.client.clone();
        let mut body = person("ada");
        body["email"] = json!(format!("ada{number}@example.org"));
        async move { client.post("/auth/register", body).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    answers
        .iter()
        .filter(|answer| answer.status != 201)
        .for_each(|answer| answer.is_problem(409, "auth.username_taken"));
    assert_eq!(auth.facts().await.users, 2);
}

#[tokio::test]
async fn a_repeated_registration_signs_in_again() {
    let auth = Rig::start().await;
    let answers = concurrently((0..6).map(|_| {
        let client = auth.client.clone();
        async move { client.post_keyed("/auth/register", "k-1", person("ada")).await }
    }))
    .await;
    let first = answers[0].clone().expect(201).json;
    for answer in &answers {
        assert_eq!(answer.clone().expect(201).json["user"], first["user"]);
    }
    assert_eq!(auth.facts().await.users, 2);
    for answer in &answers {
        auth.refresh(&answer.json["refreshToken"]).await.expect(200);
    }
    let mut other = person("ada");
    other["password"] = json!("another password of hers");
    auth.client.post_keyed("/auth/register", "k-1", other).await.is_problem(422, "idempotency_key.reused");
    auth.client.post_keyed("/auth/register", "k-1", person("bob")).await.is_problem(422, "idempotency_key.reused");
    auth.client.post_keyed("/auth/register", "k-2", person("ada")).await.is_problem(409, "auth.email_taken");
    assert_eq!(auth.facts().await.users, 2);
}

#[tokio::test]
async fn users_may_change_their_name_and_address() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    auth.register("bob").await;
    let me = auth.as_of(&ada);
    let body = json!({"username": "ada.l", "email": "ada@new.example", "current": PASSWORD});
    let changed = me.patch("/auth/me", body).await.expect(200).json;
    assert_eq!((&changed["username"], &changed["email"]), (&json!("ada.l"), &json!("ada@new.example")));
    assert_eq!(me.get("/auth/me").await.json, changed);
    me.patch("/auth/me", json!({})).await.expect(200);
    me.patch("/auth/me", json!({"username": "BOB"})).await.is_problem(409, "auth.username_taken");
    me.patch("/auth/me", json!({"email": "bob@example.org", "current": PASSWORD}))
        .await
        .is_problem(409, "auth.email_taken");
    me.patch("/auth/me", json!({"username": "ADA.L"})).await.expect(200);
    me.patch("/auth/me", json!({"username": "x"})).await.is_problem(422, "body.not_allowed");
    me.patch("/auth/me", json!({"role": "admin"})).await.is_problem(400, "body.invalid");
    auth.login("ada", PASSWORD).await.is_problem(401, "auth.credentials_wrong");
    let again = auth.login("ada.l", PASSWORD).await.expect(200).json;
    assert_eq!(again["user"]["username"], "ADA.L");
    let refreshed = auth.refresh(&ada["refreshToken"]).await.expect(200).json;
    assert_eq!(refreshed["user"]["username"], "ADA.L", "a new name does not end a sign-in");

    souk_testkit::eventually("both events are published", async || {
        auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await.len() == 2
    })
    .await;
    let events = auth.world.waiting::<UserChanged>(&NOTIFICATION_USERS).await;
    assert_eq!((events[0].email.as_str(), events[0].version, events[0].locked), ("ada@new.example", 2, false));
    assert_eq!((events[1].username.as_str(), events[1].version), ("ADA.L", 3));
}

#[tokio::test]
async fn concurrent_changes_are_all_kept() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let bodies = [json!({"username": "ada.l"}), json!({"email": "ada@new.example", "current": PASSWORD})];
    let answers = concurrently(bodies.into_iter().map(|body| {
        let me = auth.as_of(&ada);
        async move { me.patch("/auth/me", body).await }
    }))
    .await;
    for answer in answers {
        answer.expect(200);
    }
    let me = auth.as_of(&ada).get("/auth/me").await.json;
    assert_eq!((&me["username"], &me["email"]), (&json!("ada.l"), &json!("ada@new.example")));
}

#[tokio::test]
async fn a_new_address_takes_the_password_and_the_old_one_is_informed() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let me = auth.as_of(&ada);
    // A stolen access token changed the address, and reset the password with a mail to it.
    me.patch("/auth/me", json!({"email": "eve@example.org"})).await.is_problem(422, "auth.current_password_required");
    let guess = json!({"email": "eve@example.org", "current": "a guess of eve's"});
    me.patch("/auth/me", guess.clone()).await.is_problem(422, "auth.current_password_wrong");
    assert_eq!(me.get("/auth/me").await.json["email"], "ada@Example.org");
    me.patch("/auth/me", json!({"email": "ada@Example.org"})).await.expect(200);
    me.patch("/auth/me", json!({"email": "ada@new.example", "current": PASSWORD})).await.expect(200);
    let next = json!({"current": PASSWORD, "new": "incorrect donkey capacitor"});
    me.post("/auth/password", next).await.expect(204);

    souk_testkit::eventually("both events are published", async || {
        auth.world.waiting::<UserPasswordChanged>(&NOTIFICATION_USERS).await.len() == 1
    })
    .await;
    let moved = auth.world.waiting::<UserEmailChanged>(&NOTIFICATION_USERS).await.remove(0);
    let addresses = (moved.old_email.as_str(), moved.new_email.as_str(), moved.version);
    assert_eq!(addresses, ("ada@Example.org", "ada@new.example", 2));
    let changed = auth.world.waiting::<UserPasswordChanged>(&NOTIFICATION_USERS).await.remove(0);
    assert_eq!((changed.email.as_str(), changed.version), ("ada@new.example", 3));

    // Guesses are throttled as at the sign-in.
    let bob = auth.register("bob").await;
    for _ in 0..4 {
        auth.as_of(&bob).patch("/auth/me", guess.clone()).await.is_problem(422, "auth.current_password_wrong");
    }
    auth.as_of(&bob).patch("/auth/me", guess.clone()).await;
    auth.as_of(&bob).patch("/auth/me", guess).await.is_problem(429, "auth.too_many_attempts");
}

#[tokio::test]
async fn a_service_finds_a_user_by_the_whole_address() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let service = auth.service().await;
    let find = |email: &str| service.post("/internal/users/find", json!({"email": email}));
    assert_eq!(find("ADA@example.org").await.expect(200).json, json!({"userId": ada["user"]["userId"]}));
    for nobody in ["ada@", "ada", "bob@example.org"] {
        assert_eq!(find(nobody).await.expect(200).json, json!({"userId": null}), "{nobody}");
    }
    find("").await.is_problem(422, "body.not_allowed");
    find(&"x".repeat(201)).await.is_problem(422, "body.not_allowed");
    auth.admin()
        .await
        .post("/internal/users/find", json!({"email": "ada@example.org"}))
        .await
        .is_problem(403, "auth.forbidden");
}
