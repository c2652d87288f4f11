//! A browser's refresh token: returned in the cookie only, and read from it only with the header.

use serde_json::json;
use souk_testkit::{Client, TestResponse};

use crate::rig::{PASSWORD, Rig, person};

pub fn browser(client: &Client) -> Client {
    client.with_header("x-souk-client", "browser")
}

/// Checks the cookie's attributes and returns its value.
fn cookie(answer: &TestResponse) -> String {
    assert!(answer.json["accessToken"].is_string(), "{}", answer.text);
    assert!(answer.json.get("refreshToken").is_none(), "the body holds no refresh token");
    let text = answer.header("set-cookie").to_owned();
    let mut parts: Vec<&str> = text.split("; ").collect();
    let value = parts.remove(0).strip_prefix("souk_refresh=").unwrap().to_owned();
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Max-Age=2592000", "Path=/api/auth", "SameSite=Strict"]);
    value
}

fn clears(answer: &TestResponse) {
    assert!(answer.header("set-cookie").starts_with("souk_refresh=; Path=/api/auth; Max-Age=0;"), "{answer:?}");
}

/// Returns the value of the cookie that makes the device known, if the response sets it.
pub fn device(answer: &TestResponse) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let mut devices = cookies.filter_map(|cookie| cookie.strip_prefix("souk_device="));
    devices.next().and_then(|cookie| cookie.split("; ").next()).map(str::to_owned)
}

fn with_cookie(client: &Client, value: &str) -> Client {
    client.with_header("cookie", format!("theme=dark; souk_refresh={value}"))
}

#[tokio::test]
async fn register_login_and_refresh_keep_the_token_in_the_cookie_only() {
    let auth = Rig::start().await;
    let browser = browser(&auth.client);
    cookie(&browser.post("/auth/register", person("ada")).await.expect(201));
    let login = browser.post("/auth/login", json!({"username": "ada", "password": PASSWORD})).await.expect(200);
    let first = cookie(&login);
    let refreshed = with_cookie(&browser, &first).send(reqwest::Method::POST, "/auth/refresh", None).await.expect(200);
    let second = cookie(&refreshed);
    assert_ne!(first, second);
    let third = cookie(&with_cookie(&browser, &second).post("/auth/refresh", json!({})).await.expect(200));
    let out = with_cookie(&browser, &third).send(reqwest::Method::POST, "/auth/logout", None).await.expect(204);
    clears(&out);
    let refused = with_cookie(&browser, &third).post("/auth/refresh", json!({})).await;
    refused.is_problem(401, "auth.refresh_token_invalid");
    clears(&refused);
}

#[tokio::test]
async fn the_cookie_is_ignored_without_the_header() {
    let auth = Rig::start().await;
    let value = cookie(&browser(&auth.client).post("/auth/register", person("ada")).await);
    for client in [auth.client.clone(), auth.client.with_header("x-souk-client", "app")] {
        let forged = with_cookie(&client, &value);
        forged.send(reqwest::Method::POST, "/auth/refresh", None).await.is_problem(401, "auth.refresh_token_missing");
        let out = forged.send(reqwest::Method::POST, "/auth/logout", None).await;
        out.is_problem(401, "auth.refresh_token_missing");
        assert_eq!(out.header("set-cookie"), "");
    }
    cookie(&with_cookie(&browser(&auth.client), &value).post("/auth/refresh", json!({})).await.expect(200));
}

#[tokio::test]
async fn the_cookie_is_secure_except_on_loopback() {
    let mut auth = Rig::start().await;
    let login = json!({"username": "admin", "password": crate::rig::ADMIN_PASSWORD});
    let is_secure = async |client: Client| {
        let answer = browser(&client).post("/auth/login", login.clone()).await.expect(200);
        answer.header("set-cookie").split("; ").any(|part| part == "Secure")
    };
    assert!(!is_secure(auth.client.clone()).await);
    assert!(!is_secure(auth.client.with_header("x-forwarded-host", "localhost:8080")).await);
    assert!(is_secure(auth.client.with_header("x-forwarded-host", "shop.example")).await);
    auth.world.deps.shop.public_url = "https://shop.example".to_owned();
    auth.restart_with(|_| ()).await;
    assert!(is_secure(auth.client.clone()).await);
}

/// A subdomain, or someone on the network before TLS, could plant a cookie of the plain name.
#[tokio::test]
async fn with_tls_the_cookies_have_a_prefix_and_those_without_are_ignored() {
    let auth = Rig::start().await;
    let ada = browser(&auth.client).with_header("x-forwarded-host", "shop.example");
    let registered = ada.post("/auth/register", person("ada")).await.expect(201);
    let cookies: Vec<&str> =
        registered.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2);
    assert!(cookies.iter().all(|cookie| cookie.contains("; Secure")), "{cookies:?}");
    let value = cookies[0].strip_prefix("__Secure-souk_refresh=").unwrap().split("; ").next().unwrap();
    assert!(cookies[1].starts_with("__Secure-souk_device="));
    let refresh = async |cookie: String| ada.with_header("cookie", cookie).post("/auth/refresh", json!({})).await;
    refresh(format!("souk_refresh={value}")).await.is_problem(401, "auth.refresh_token_missing");
    refresh(format!("__Secure-souk_refresh={value}")).await.expect(200);
}

#[tokio::test]
async fn a_browser_becomes_a_known_device_by_signing_in() {
    let auth = Rig::start().await;
    let login = json!({"username": "ada", "password": PASSWORD});
    assert!(device(&auth.client.post("/auth/register", person("ada")).await.expect(201)).is_none());
    let first = device(&browser(&auth.client).post("/auth/login", login.clone()).await.expect(200)).unwrap();
    let known = browser(&auth.client).with_header("cookie", format!("souk_device={first}"));
    assert!(device(&known.post("/auth/login", login.clone()).await.expect(200)).is_none(), "it is known already");
    // Not to another user, and not without a password.
    assert!(device(&known.post("/auth/register", person("bob")).await.expect(201)).is_some());
    let wrong = known.post("/auth/login", json!({"username": "ada", "password": "a wrong one"})).await;
    wrong.is_problem(401, "auth.credentials_wrong");
    assert!(device(&wrong).is_none());
    auth.world.clock.advance(std::time::Duration::from_secs(31 * 86_400));
    let second = device(&known.post("/auth/login", login).await.expect(200)).unwrap();
    assert_ne!(first, second, "it is renewed after a month");
}

#[tokio::test]
async fn a_guest_in_a_browser_is_the_same_after_a_reload() {
    let auth = Rig::start().await;
    let browser = browser(&auth.client);
    let guest = browser.post("/auth/guest", json!({})).await.expect(200);
    let returning = with_cookie(&browser, &cookie(&guest));
    let refreshed = returning.post("/auth/refresh", json!({})).await.expect(200);
    cookie(&refreshed);
    assert_eq!(refreshed.json["user"], guest.json["user"]);
    // A browser without a token is signed out without an error.
    clears(&browser.post("/auth/logout", json!({})).await.expect(204));
}
