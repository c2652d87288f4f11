//! Limits of requests by address, network and user; in memory and in Redis.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use axum::{Router, routing::any};
use serde_json::json;
use souk_gateway::{BucketConfig, GatewayConfig, RateLimitConfig};
use souk_testkit::{CapturedLog, Client, Proxy, TestResponse, World, eventually, needs_engines};
use tracing::Level;

use crate::rig::Rig;

/// Three requests, and one more in 100 s: a test takes no time by it.
const BUCKET: BucketConfig = BucketConfig { replenish_rate: 1, burst_capacity: 300, requested_tokens: 100 };

async fn with_peers(config: GatewayConfig) -> Rig {
    let rig = Rig::with(config).await;
    for name in ["auth", "product", "order", "cart"] {
        rig.world.fake_peer(name, Router::new().fallback(any(|| async { "hi" }))).await;
    }
    rig
}

fn strict() -> GatewayConfig {
    let rate_limit = RateLimitConfig { address: BUCKET, entry: BUCKET, mail: BUCKET, ..RateLimitConfig::default() };
    GatewayConfig { rate_limit, trusted_proxies: vec!["127.0.0.1".to_owned()], ..GatewayConfig::default() }
}

/// Returns a client behind a trusted proxy.
fn from(rig: &Rig, address: &str) -> Client {
    rig.client.with_header("x-forwarded-for", address)
}

fn limits(answer: &TestResponse) -> [&str; 3] {
    ["remaining", "burst-capacity", "replenish-rate"].map(|name| answer.header(&format!("x-ratelimit-{name}")))
}

/// Number of `requests` that were not refused.
async fn granted(client: &Client, requests: usize) -> usize {
    let mut count = 0;
    for _ in 0..requests {
        count += usize::from(client.get("/api/products").await.status == 200);
    }
    count
}

#[tokio::test]
async fn a_flood_from_an_address_is_refused_and_another_address_is_not() {
    let rig = with_peers(GatewayConfig::default()).await;
    let mut refused = None;
    for _ in 0..2_000 {
        let answer = rig.client.post("/api/auth/guest", json!({})).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("guests have no limit");
    refused.is_problem(429, "gateway.too_many_requests");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(limits(&refused), ["0", "20", "5"]);
    // Browsing has a bucket of its own.
    assert_eq!(limits(&rig.client.get("/api/products").await.expect(200)), ["99", "100", "50"]);
    rig.world.clock.advance(Duration::from_secs(1));
    rig.client.post("/api/auth/guest", json!({})).await.expect(200);
}

#[tokio::test]
async fn registrations_from_an_address_are_few() {
    let rig = with_peers(GatewayConfig::default()).await;
    let mut accepted = 0;
    for _ in 0..30 {
        accepted += usize::from(rig.client.post("/api/auth/register", json!({})).await.status == 200);
    }
    assert_eq!(accepted, 20);
    let refused = rig.client.post("/api/auth/password/forgot", json!({})).await;
    refused.is_problem(429, "gateway.too_many_requests");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 20);
}

#[tokio::test]
async fn clients_are_distinguished_behind_trusted_proxies_alone() {
    let rig = with_peers(strict()).await;
    assert_eq!(granted(&from(&rig, "10.0.0.1"), 6).await, 3);
    assert_eq!(granted(&from(&rig, "10.0.0.2"), 6).await, 3);
    // The network's bucket holds 12, six of which are left.
    let mut of_network = 0;
    for last in 3..9 {
        of_network += granted(&from(&rig, &format!("10.0.0.{last}")), 3).await;
    }
    assert_eq!(of_network, 6);
    assert_eq!(granted(&from(&rig, "10.0.1.1"), 6).await, 3);
    assert_eq!(granted(&from(&rig, "6.6.6.6, 10.0.1.1"), 6).await, 0);
    let untrusting = with_peers(GatewayConfig { trusted_proxies: Vec::new(), ..strict() }).await;
    assert_eq!(granted(&from(&untrusting, "10.0.0.1"), 6).await, 3);
    assert_eq!(granted(&from(&untrusting, "10.0.0.2"), 6).await, 0);
}

#[tokio::test]
async fn a_user_has_one_limit_at_all_addresses() {
    let rate_limit = RateLimitConfig { user: BUCKET, ..RateLimitConfig::default() };
    let rig = with_peers(GatewayConfig { rate_limit, ..strict() }).await;
    let user = rig.world.user();
    let token = rig.world.customer(user);
    for last in 1..=3_u32 {
        let client = from(&rig, &format!("10.0.{last}.1")).with_token(token.clone());
        let left = (300 - 100 * last).to_string();
        assert_eq!(limits(&client.get("/api/orders").await.expect(200)), [left.as_str(), "300", "1"]);
    }
    let client = from(&rig, "10.0.4.1").with_token(token);
    client.get("/api/orders").await.is_problem(429, "gateway.too_many_requests");
    let other = rig.world.customer(rig.world.user());
    from(&rig, "10.0.4.1").with_token(other).get("/api/orders").await.expect(200);
}

#[tokio::test]
async fn invalid_tokens_are_limited_and_pictures_files_and_probes_are_not() {
    let rig = with_peers(strict()).await;
    let forger = rig.client.with_token("x.y.z".to_owned());
    for _ in 0..3 {
        forger.get("/api/orders").await.is_problem(401, "auth.token_invalid");
    }
    forger.get("/api/orders").await.is_problem(429, "gateway.too_many_requests");
    for path in ["/api/pictures/1/thumb", "/health/live", "/api/health/ready", "/docs", "/"] {
        let answer = rig.client.get(path).await;
        assert!(answer.status != 429 && answer.header("x-ratelimit-remaining").is_empty(), "{path} {}", answer.text);
    }
    rig.client.post("/api/visits", json!({"page": "/"})).await.is_problem(429, "gateway.too_many_requests");
}

#[tokio::test]
async fn limits_can_be_switched_off_for_load_tests() {
    let rate_limit = RateLimitConfig { enabled: false, ..strict().rate_limit };
    let rig = with_peers(GatewayConfig { rate_limit, ..strict() }).await;
    assert_eq!(granted(&rig.client, 200).await, 200);
    assert_eq!(rig.client.get("/api/products").await.header("x-ratelimit-remaining"), "");
}

#[tokio::test]
async fn a_redis_that_is_away_from_the_start_changes_no_limit() {
    let rig = with_peers(GatewayConfig { redis_url: "redis://127.0.0.1:1".to_owned(), ..strict() }).await;
    assert_eq!(granted(&rig.client, 6).await, 3);
}

#[tokio::test]
async fn gateways_count_together_in_redis_and_alone_while_it_is_away() {
    if !needs_engines() {
        return;
    }
    let log = CapturedLog::start(Level::WARN);
    let world = World::new().await;
    // The cart's keys have a prefix of this test's own.
    let redis = world.store_url("cart");
    let proxy = Proxy::to(redis.split('/').nth(2).unwrap()).await;
    let config = || GatewayConfig { redis_url: proxy.instead_of(&redis), ..strict() };
    let (first, second) = (with_peers(config()).await, with_peers(config()).await);
    let number = AtomicU32::new(0);
    let granted_by_both = async || {
        let [.., high, low] = number.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let address = format!("10.{high}.{low}.1");
        (granted(&from(&first, &address), 2).await, granted(&from(&second, &address), 6).await)
    };
    // The connections are made beside the requests.
    eventually("both count in Redis", async || granted_by_both().await == (2, 1)).await;
    proxy.refuse(true);
    eventually("each counts alone", async || granted_by_both().await == (2, 3)).await;
    assert_eq!(granted_by_both().await, (2, 3));
    assert_eq!(log.count("Redis does not answer"), 2, "{}", log.text());
    proxy.refuse(false);
    eventually("both count in Redis again", async || granted_by_both().await == (2, 1)).await;
}

#[tokio::test]
async fn a_redis_that_hangs_delays_no_request_for_long() {
    if !needs_engines() {
        return;
    }
    let world = World::new().await;
    let redis = world.store_url("cart");
    let proxy = Proxy::to(redis.split('/').nth(2).unwrap()).await;
    let rig = with_peers(GatewayConfig { redis_url: proxy.instead_of(&redis), ..GatewayConfig::default() }).await;
    rig.client.get("/api/products").await.expect(200);
    proxy.stall(true);
    let started = Instant::now();
    for _ in 0..20 {
        rig.client.get("/api/products").await.expect(200);
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
