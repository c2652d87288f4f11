//! Failed sign-ins throttle further ones, and nothing else does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use souk_testkit::Client;

use crate::{
    cookies::{browser, device},
    rig::{ADMIN_PASSWORD, PASSWORD, Rig, concurrently, person},
};

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

/// Returns a client at another address.
fn at(client: &Client, number: usize) -> Client {
    client.with_header(
        "x-forwarded-for",
        format!("198.{}.{}.{}", 18 + number / 40_000, number / 200 % 200, number % 200 + 1),
    )
}

async fn guess(client: &Client, name: &str) -> u16 {
    let answer = client.post("/auth/login", json!({"username": name, "password": "a wrong one"})).await;
    if answer.status != 401 {
        let code = answer.json["code"].as_str().unwrap();
        assert!(["auth.too_many_attempts", "auth.busy"].contains(&code), "{}", answer.text);
        assert!(!answer.header("retry-after").is_empty());
    }
    answer.status.as_u16()
}

#[tokio::test]
async fn one_address_cannot_try_one_password_at_many_names() {
    let auth = Rig::start().await;
    auth.register("ada").await;
    let mut checked = 0;
    for number in 0..60 {
        checked += usize::from(guess(&at(&auth.client, 1), &format!("person{number}")).await == 401);
    }
    // Thirty, and one for each five seconds that the test takes.
    assert!((30..=40).contains(&checked), "{checked}");
    login(&at(&auth.client, 2), PASSWORD).await.expect(200);
}

#[tokio::test]
async fn many_addresses_cannot_guess_at_one_name_and_its_owner_still_gets_in() {
    let auth = Rig::start().await;
    let registered = browser(&auth.client).post("/auth/register", person("ada")).await.expect(201);
    let known = auth.client.with_header("cookie", format!("souk_device={}", device(&registered).unwrap()));
    for number in 0..30 {
        assert_eq!(guess(&at(&auth.client, number), "ada").await, 401, "{number}");
    }
    for number in 30..40 {
        assert_eq!(guess(&at(&auth.client, number), "ada").await, 429);
    }
    // From a device that is known, and with the other name.
    login(&browser(&at(&known, 99)), PASSWORD).await.expect(200);
    auth.client.post("/auth/login", json!({"email": "ada@example.org", "password": PASSWORD})).await.expect(200);
    // A device's cookie is no licence to guess.
    let mut checked = 0;
    for number in 0..20 {
        checked += usize::from(guess(&browser(&at(&known, 200 + number)), "ada").await == 401);
    }
    assert_eq!(checked, 10);
}

/// 800 connections with new names made the admin's sign-in take 8.5 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_holds_up_no_known_user_no_registration_and_no_refresh() {
    let auth = Rig::start().await;
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    let first = browser(&auth.client).post("/auth/login", body.clone()).await.expect(200);
    let cookie = format!("souk_device={}", device(&first).unwrap());
    let admin = browser(&auth.client).with_header("cookie", cookie);
    let began = Instant::now();
    admin.post("/auth/login", body.clone()).await.expect(200);
    let alone_before = began.elapsed();
    let is_over = Arc::new(AtomicBool::new(false));
    let connections = (0..40).map(|connection| {
        let (eve, is_over) = (auth.client.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                let number = 40 * statuses.len() + connection;
                let body = json!({"username": format!("n{number}"), "password": "a wrong one"});
                statuses.push(at(&eve, number).post("/auth/login", body).await.status.as_u16());
            }
            statuses
        })
    });
    let flood: Vec<_> = connections.collect();
    let mut slowest = Duration::ZERO;
    let mut guest = auth.client.post("/auth/guest", json!({})).await.expect(200).json;
    for number in 0..8 {
        let began = Instant::now();
        admin.post("/auth/login", body.clone()).await.expect(200);
        guest = auth.refresh(&guest["refreshToken"]).await.expect(200).json;
        slowest = slowest.max(began.elapsed());
        if number % 4 == 0 {
            let began = Instant::now();
            auth.register(&format!("customer{number}")).await;
            slowest = slowest.max(began.elapsed());
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let mut refused = 0;
    for statuses in flood {
        for status in statuses.await.unwrap() {
            assert!([401, 429].contains(&status), "{status}");
            refused += usize::from(status == 429);
        }
    }
    assert!(refused > 0, "a full queue refuses at once");
    let began = Instant::now();
    admin.post("/auth/login", body).await.expect(200);
    // A second; on a machine that is busy with something else, before the flood or since, in proportion.
    let limit = Duration::from_secs(1).max(alone_before.max(began.elapsed()) * 12);
    assert!(slowest < limit, "{slowest:?} of {limit:?}");
}
