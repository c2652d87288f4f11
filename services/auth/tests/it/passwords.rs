//! Changing and resetting passwords.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use serde_json::json;
use souk_events::{PasswordResetRequested, queue::NOTIFICATION_USERS};
use souk_testkit::eventually;

use crate::rig::{PASSWORD, Rig, concurrently};

const NEXT: &str = "incorrect donkey capacitor";

/// Waits until `count` reset tokens are mailed, and returns them. An event may be delivered twice.
async fn mailed(auth: &Rig, count: usize) -> Vec<PasswordResetRequested> {
    let mails = async || {
        let mut mails = auth.world.waiting::<PasswordResetRequested>(&NOTIFICATION_USERS).await;
        let mut tokens = HashSet::new();
        mails.retain(|mail| tokens.insert(mail.token.clone()));
        mails
    };
    eventually("the mails are sent", async || mails().await.len() >= count).await;
    let mails = mails().await;
    assert_eq!(mails.len(), count);
    mails
}

async fn forgot(auth: &Rig, email: &str) {
    let answer = auth.client.post("/auth/password/forgot", json!({"email": email})).await.expect(202);
    assert_eq!(answer.text, "");
}

#[tokio::test]
async fn a_new_password_ends_every_sign_in() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let elsewhere = auth.login("ada", PASSWORD).await.expect(200).json;
    let me = auth.as_of(&ada);
    let change =
        async |current: &str, new: &str| me.post("/auth/password", json!({"current": current, "new": new})).await;
    change("wrong", NEXT).await.is_problem(422, "auth.current_password_wrong");
    change(PASSWORD, "short").await.is_problem(422, "body.not_allowed");
    change(PASSWORD, "ADA@example.org").await.is_problem(422, "body.not_allowed");
    auth.refresh(&elsewhere["refreshToken"]).await.expect(200);
    change(PASSWORD, NEXT).await.expect(204);
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    auth.login("ada", PASSWORD).await.is_problem(401, "auth.credentials_wrong");
    let next = auth.login("ada", NEXT).await.expect(200).json;
    auth.refresh(&next["refreshToken"]).await.expect(200);
    eventually("its access tokens are refused", async || me.get("/auth/me").await.status == 401).await;
    me.get("/auth/me").await.is_problem(401, "auth.token_ended");
    auth.as_of(&next).get("/auth/me").await.expect(200);
}

#[tokio::test]
async fn a_forgotten_password_is_reset_once_within_an_hour() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    forgot(&auth, "nobody@example.org").await;
    forgot(&auth, "ADA@example.org").await;
    let mail = mailed(&auth, 1).await.remove(0);
    assert_eq!((json!(mail.user_id), mail.email.as_str()), (ada["user"]["userId"].clone(), "ada@Example.org"));
    let left = mail.expires_at.since(souk_values::Clock::now(&*auth.world.clock));
    assert!(left > Duration::from_secs(3_500) && left <= Duration::from_secs(3_600), "{left:?}");

    let reset = async |token: &str, new: &str| {
        auth.client.post("/auth/password/reset", json!({"token": token, "new": new})).await
    };
    reset("forged", NEXT).await.is_problem(422, "auth.reset_token_invalid");
    // A refused password does not use up the token.
    reset(&mail.token, "short").await.is_problem(422, "body.not_allowed");
    auth.login("ada", PASSWORD).await.expect(200);
    reset(&mail.token, NEXT).await.expect(204);
    auth.login("ada", PASSWORD).await.is_problem(401, "auth.credentials_wrong");
    auth.login("ada", NEXT).await.expect(200);
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
    reset(&mail.token, "yet another password").await.is_problem(422, "auth.reset_token_invalid");

    forgot(&auth, "ada@example.org").await;
    let late = mailed(&auth, 2).await.remove(1);
    auth.world.clock.advance(Duration::from_secs(3_601));
    reset(&late.token, "yet another password").await.is_problem(422, "auth.reset_token_invalid");
    auth.login("ada", NEXT).await.expect(200);
}

#[tokio::test]
async fn of_concurrent_resets_with_one_token_exactly_one_succeeds() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    forgot(&auth, "ada@example.org").await;
    let token = mailed(&auth, 1).await.remove(0).token;
    let answers = concurrently((0..6).map(|number| {
        let body = json!({"token": token, "new": format!("new password number {number}")});
        let client = auth.client.clone();
        async move { client.post("/auth/password/reset", body).await }
    }))
    .await;
    // The valid password first: after five wrong ones the sign-in has to wait.
    let (accepted, refused): (Vec<_>, Vec<_>) = (0..).zip(&answers).partition(|(_, answer)| answer.status == 204);
    assert_eq!(accepted.len(), 1);
    for (number, _) in accepted {
        auth.login("ada", &format!("new password number {number}")).await.expect(200);
    }
    for (number, _) in refused {
        let password = format!("new password number {number}");
        auth.login("ada", &password).await.is_problem(401, "auth.credentials_wrong");
    }
}

#[tokio::test]
async fn mailed_tokens_end_with_a_new_password_or_address() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let is_over = async |token: &str| {
        let answer = auth.client.post("/auth/password/reset", json!({"token": token, "new": "whatever it is"})).await;
        answer.is_problem(422, "auth.reset_token_invalid");
    };
    forgot(&auth, "ada@example.org").await;
    let first = mailed(&auth, 1).await.remove(0).token;
    let body = json!({"email": "ada@new.example", "current": PASSWORD});
    auth.as_of(&ada).patch("/auth/me", body).await.expect(200);
    is_over(&first).await;
    forgot(&auth, "ada@new.example").await;
    let second = mailed(&auth, 2).await.remove(1).token;
    auth.as_of(&ada).post("/auth/password", json!({"current": PASSWORD, "new": NEXT})).await.expect(204);
    is_over(&second).await;
}

#[tokio::test]
async fn one_account_gets_at_most_five_mails_an_hour() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    auth.register("bob").await;
    for _ in 0..7 {
        forgot(&auth, "ada@example.org").await;
    }
    forgot(&auth, "bob@example.org").await;
    let mails = mailed(&auth, 6).await;
    assert_eq!(mails.iter().filter(|mail| mail.username == "ada").count(), 5);
}

#[tokio::test]
async fn a_restart_loses_no_reset_request() {
    let mut auth = Rig::start().await;
    auth.register("ada").await;
    for _ in 0..3 {
        forgot(&auth, "ada@example.org").await;
    }
    auth.restart_with(|_| ()).await;
    mailed(&auth, 3).await;
}

#[tokio::test]
async fn neither_duration_nor_response_reveals_known_users() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let mut shortest = [Duration::MAX; 2];
    let mut answers = [String::new(), String::new()];
    // Compares the fastest of several attempts; each has an address of its own, so that none is throttled.
    for round in 0..8 {
        for (index, name) in ["ada", "nobody"].into_iter().enumerate() {
            let client = auth.client.with_header("x-forwarded-for", format!("198.51.100.{round}"));
            let began = Instant::now();
            let answer = client.post("/auth/login", json!({"username": name, "password": "a wrong one"})).await;
            shortest[index] = shortest[index].min(began.elapsed());
            answer.is_problem(401, "auth.credentials_wrong");
            answers[index] = answer.text;
        }
    }
    let [known, unknown] = shortest;
    assert_eq!(answers[0], answers[1]);
    assert!(unknown * 2 > known && known * 2 > unknown, "known {known:?}, unknown {unknown:?}");
}
