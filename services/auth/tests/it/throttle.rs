//! Failed sign-ins throttle further ones, and nothing else does.

use std::time::Duration;

use serde_json::json;
use souk_testkit::Client;

use crate::rig::{PASSWORD, Rig, concurrently};

async fn login(client: &Client, password: &str) -> souk_testkit::TestResponse {
    client.post("/auth/login", json!({"username": "ada", "password": password})).await
}

/// Fails to sign in until the wait is `seconds` long.
async fn fail_until(auth: &Rig, client: &Client, seconds: u64) {
    for _ in 0..5 {
        login(client, "wrong").await.is_problem(401, "auth.credentials_wrong");
    }
    let mut wait = 1;
    while wait < seconds {
        auth.world.clock.advance(Duration::from_secs(wait));
        login(client, "wrong").await.is_problem(401, "auth.credentials_wrong");
        wait *= 2;
    }
}

#[tokio::test]
async fn five_failures_are_free_then_each_doubles_the_wait() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let here = auth.client.with_header("x-forwarded-for", "203.0.113.7");
    let elsewhere = auth.client.with_header("x-forwarded-for", "203.0.113.7, 203.0.113.8");
    fail_until(&auth, &here, 64).await;
    // During the wait not even the correct password is checked.
    for password in ["wrong", PASSWORD] {
        let waits = login(&here, password).await;
        waits.is_problem(429, "auth.too_many_attempts");
        let seconds: u64 = waits.header("retry-after").parse().unwrap();
        assert!((50..=64).contains(&seconds), "{seconds}");
    }
    let by_email = json!({"email": "ada@example.org", "password": PASSWORD});
    here.post("/auth/login", by_email).await.is_problem(429, "auth.too_many_attempts");
    // Another address and another account are not throttled.
    login(&elsewhere, PASSWORD).await.expect(200);
    let admin = json!({"username": "admin", "password": crate::rig::ADMIN_PASSWORD});
    here.post("/auth/login", admin).await.expect(200);
    // After the wait a success clears the failures.
    auth.world.clock.advance(Duration::from_secs(64));
    login(&here, PASSWORD).await.expect(200);
    for _ in 0..5 {
        login(&here, "wrong").await.is_problem(401, "auth.credentials_wrong");
    }
}

#[tokio::test]
async fn failures_outlive_a_restart_and_end_after_an_hour() {
    let mut auth = Rig::start().await;
    auth.register("ada").await;
    fail_until(&auth, &auth.client, 256).await;
    auth.restart_with(|_| ()).await;
    login(&auth.client, PASSWORD).await.is_problem(429, "auth.too_many_attempts");
    auth.world.clock.advance(Duration::from_secs(3_601));
    for _ in 0..4 {
        login(&auth.client, "wrong").await.is_problem(401, "auth.credentials_wrong");
    }
    login(&auth.client, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn unknown_names_are_throttled_like_known_ones() {
    let auth = Rig::start().await;
    fail_until(&auth, &auth.client, 64).await;
    login(&auth.client, "wrong").await.is_problem(429, "auth.too_many_attempts");
}

#[tokio::test]
async fn of_many_concurrent_guesses_only_a_few_are_checked() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let guess = |number: usize| {
        let client = auth.client.clone();
        async move { login(&client, &format!("guess {number}")).await }
    };
    let answers = concurrently((0..60).map(guess)).await;
    let checked = answers.iter().filter(|answer| answer.status == 401).count();
    // Five, and one more for each wait that passes during the test on a slow machine.
    assert!((5..=9).contains(&checked), "{checked} guesses were checked");
    answers.iter().filter(|answer| answer.status != 401).for_each(|answer| {
        answer.is_problem(429, "auth.too_many_attempts");
    });
}

#[tokio::test]
async fn correct_passwords_are_never_throttled() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let answers = concurrently((0..12).map(|_| {
        let client = auth.client.clone();
        async move { login(&client, PASSWORD).await }
    }))
    .await;
    for answer in answers {
        answer.expect(200);
    }
}

#[tokio::test]
async fn guesses_at_the_current_password_count_too() {
    let auth = Rig::start().await;
    let me = auth.as_of(&auth.register("ada").await);
    fail_until(&auth, &auth.client, 64).await;
    let change = json!({"current": PASSWORD, "new": "incorrect donkey capacitor"});
    me.post("/auth/password", change).await.is_problem(429, "auth.too_many_attempts");
}
