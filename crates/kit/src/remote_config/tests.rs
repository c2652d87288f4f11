//! The client against a server that answers what a test says.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::Request,
    response::{AppendHeaders, IntoResponse},
};
use http::StatusCode;
use serde_json::{Value, json};
use souk_values::SystemClock;

use super::*;

/// Answers each request by the next of its answers, the last one again and again.
struct Fake {
    base: String,
    requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl Fake {
    async fn answering(answers: Vec<(u16, String)>) -> Self {
        Self::answering_by(answers.into_iter().map(|(status, body)| (status, None, body)).collect()).await
    }

    /// Status, `Retry-After` and body.
    async fn answering_by(answers: Vec<(u16, Option<&'static str>, String)>) -> Self {
        crate::install_crypto();
        let requests: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (seen, count) = (Arc::clone(&requests), AtomicUsize::new(0));
        let answer = move |request: Request| {
            let header =
                |name: &str| request.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            seen.lock().unwrap().push((request.uri().to_string(), header("authorization")));
            assert_eq!(header("accept"), "application/json");
            let nth = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            let (status, retry_after, body) = answers[nth].clone();
            let headers = AppendHeaders(retry_after.map(|after| ("retry-after", after)));
            std::future::ready((StatusCode::from_u16(status).unwrap(), headers, body).into_response())
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let app = Router::new().fallback(move |request: Request| answer(request));
        tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { base, requests }
    }

    async fn having(sources: &Value) -> Self {
        let body = json!({"name": "x", "profiles": ["default"], "label": null, "version": "abc", "state": null,
                          "propertySources": sources});
        Self::answering(vec![(200, body.to_string())]).await
    }

    fn requests(&self) -> Vec<(String, String)> {
        self.requests.lock().unwrap().clone()
    }
}

fn config(pairs: &[(&str, &str)]) -> Result<Option<RemoteConfig>, ConfigError> {
    crate::install_crypto();
    RemoteConfig::from_variables(|name| {
        pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
    })
}

fn at(url: &str) -> RemoteConfig {
    config(&[("SOUK_CONFIG_URL", url)]).unwrap().unwrap()
}

fn ids() -> IdGen {
    IdGen::new(Arc::new(SystemClock))
}

/// Returns the address of a port without a listener.
async fn nowhere() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn the_first_source_of_the_server_wins_and_each_value_knows_its_own() {
    let fake = Fake::having(&json!([
        {"name": "file:///repo/order-prod.yml", "source": {"order.store-url": "postgres://${db.host}/o", "order.peers[0]": "x"}},
        {"name": "https://u:geheim@git/order.yml",
         "source": {"order.store-url": "sqlite:x", "order.peers[0]": "a", "order.peers[1]": "b", "db.host": "h",
                    "order.pay-within-seconds": {"value": 7, "origin": "order.yml:3"}}},
    ]))
    .await;
    let fetched = at(&fake.base).fetch(&["order", "cart"]).await.unwrap();
    assert_eq!(fetched.version.as_deref(), Some("abc"));
    let sources = fetched.sources;
    assert_eq!(sources.text("order", "store-url").as_deref(), Some("postgres://h/o"));
    assert_eq!(sources.text("order", "peers").as_deref(), Some("x"));
    assert_eq!(sources.text("order", "pay-within-seconds").as_deref(), Some("7"));
    let strong = format!("{} file:///repo/order-prod.yml", fake.base);
    assert_eq!(sources.origin_of("order", "store-url"), Some(strong.as_str()));
    let weak = sources.origin_of("db", "host").unwrap();
    assert!(weak.ends_with("order.yml") && !weak.contains("geheim"), "{weak}");
    assert_eq!(fake.requests(), [("/order,cart/default".to_owned(), String::new())]);
}

#[tokio::test]
async fn profiles_label_path_and_credentials_are_sent() {
    let fake = Fake::having(&json!([])).await;
    let with_user = fake.base.replace("http://", "http://us%40er:p%2Fw@");
    let pairs = [
        ("SOUK_CONFIG_URL", format!("{with_user}/config/")),
        ("SOUK_CONFIG_PROFILES", "prod, eu-1".to_owned()),
        ("SOUK_CONFIG_LABEL", "feature/x y".to_owned()),
        ("SOUK_CONFIG_TOKEN", "tok".to_owned()),
    ];
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let signed_in = config(&pairs).unwrap().unwrap();
    signed_in.fetch(&["order"]).await.unwrap();
    let by_token = [("SOUK_CONFIG_URL", fake.base.as_str()), pairs[3]];
    config(&by_token).unwrap().unwrap().fetch(&["order"]).await.unwrap();
    let other = config(&by_token).unwrap().unwrap().with_profiles(&["test".to_owned()]).unwrap();
    other.fetch(&["cart"]).await.unwrap();
    let basic = "Basic dXNAZXI6cC93".to_owned();
    let requests = fake.requests();
    assert_eq!(requests[0], ("/config/order/prod,eu-1/feature(_)x%20y".to_owned(), basic));
    assert_eq!(requests[1], ("/order/default".to_owned(), "Bearer tok".to_owned()));
    assert_eq!(requests[2].0, "/cart/test");
    let shown = format!("{signed_in:?} {:?}", signed_in.servers());
    assert!(!shown.contains("p/w") && !shown.contains("p%2Fw") && !shown.contains("tok"), "{shown}");
    assert_eq!(signed_in.servers(), [format!("{}/config", fake.base)]);
}

#[tokio::test]
async fn what_cannot_be_decrypted_is_a_mistake() {
    let fake = Fake::having(&json!([
        {"name": "order.yml", "source": {"invalid.order.store-url": "<n/a>"}},
        {"name": "application.yml", "source": {"order.store-url": "sqlite:weak.db"}},
    ]))
    .await;
    let sources = at(&fake.base).fetch(&["order"]).await.unwrap().sources;
    let message = sources.section::<std::collections::HashMap<String, Value>>("order").unwrap_err().to_string();
    assert!(message.contains("the config server cannot decrypt order.store-url"), "{message}");
    assert!(message.contains(&format!("{} order.yml", fake.base)), "{message}");
}

#[tokio::test]
async fn a_server_that_is_away_is_passed_over() {
    let broken = Fake::answering(vec![(503, json!({"status": 503, "detail": "starting"}).to_string())]).await;
    let fake = Fake::having(&json!([])).await;
    let all = at(&format!("{},{},{}", nowhere().await, broken.base, fake.base));
    all.fetch(&["order"]).await.unwrap();
    let none = at(&format!("{},{}", nowhere().await, broken.base)).fetch(&["order"]).await.unwrap_err();
    assert!(none.is_transient() && none.to_string().contains("503") && none.to_string().contains("starting"), "{none}");
}

#[tokio::test]
async fn a_refusal_ends_it_at_once_and_says_what_to_do() {
    let body = |status: u16| json!({"status": status, "error": "No", "message": "it said so"}).to_string();
    for (status, variable, parts) in [
        (401, ("", ""), ["SOUK_CONFIG_TOKEN", "user:password"]),
        (401, ("SOUK_CONFIG_TOKEN", "geheim"), ["SOUK_CONFIG_TOKEN", "401"]),
        (403, ("SOUK_CONFIG_TOKEN", "geheim"), ["SOUK_CONFIG_TOKEN", "403"]),
        (404, ("SOUK_CONFIG_LABEL", "nope"), ["label 'nope' of SOUK_CONFIG_LABEL", "it said so"]),
        (404, ("", ""), ["404", "it said so"]),
        (400, ("", ""), ["it said so", "SOUK_CONFIG_PROFILES"]),
        (302, ("", ""), ["SOUK_CONFIG_URL", "302"]),
    ] {
        let fake = Fake::answering(vec![(status, body(status))]).await;
        let other = Fake::having(&json!([])).await;
        let urls = format!("{},{}", fake.base, other.base);
        let remote = config(&[("SOUK_CONFIG_URL", urls.as_str()), variable]).unwrap().unwrap();
        let began = Instant::now();
        let refused = remote.fetch_with_retries(&["order"], &ids()).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(20) && !refused.is_transient());
        let message = refused.to_string();
        assert!(parts.iter().all(|part| message.contains(part)) && message.contains(&fake.base), "{message}");
        assert!(!message.contains("geheim"), "{message}");
        assert_eq!((fake.requests().len(), other.requests().len()), (1, 0), "{message}");
    }
}

#[tokio::test]
async fn a_guess_is_shown_only_where_the_server_gives_no_reason() {
    let message = async |label: &str, body: Value| {
        let fake = Fake::answering(vec![(404, body.to_string())]).await;
        let remote = config(&[("SOUK_CONFIG_URL", fake.base.as_str()), ("SOUK_CONFIG_LABEL", label)]).unwrap().unwrap();
        remote.fetch(&["order"]).await.unwrap_err().to_string()
    };
    let silent = || json!({"status": 404, "error": "Not Found", "message": "No message available", "path": "/x"});
    let (no_label, nothing) = (message("nope", silent()).await, message("", silent()).await);
    assert!(no_label.contains("no label 'nope'") && no_label.contains("SOUK_CONFIG_LABEL"), "{no_label}");
    assert!(nothing.contains("SOUK_CONFIG_URL") && nothing.contains("default label"), "{nothing}");
    for label in ["nope", ""] {
        let message = message(label, json!({"error": "Not Found", "message": "the repository x cannot be used"})).await;
        assert!(message.contains("the repository x cannot be used") && !message.contains("path"), "{message}");
        assert!(!message.contains("has no label"), "{message}");
    }
}

#[tokio::test]
async fn a_repository_that_cannot_be_used_yet_is_waited_for() {
    let body = json!({"status": 404, "error": "Not Found", "message": "the repository x cannot be used"}).to_string();
    let yet = || (404, Some("5"), body.clone());
    let fake = Fake::having(&json!([])).await;
    let unusable = Fake::answering_by(vec![yet()]).await;
    at(&format!("{},{}", unusable.base, fake.base)).fetch(&["order"]).await.unwrap();
    let away = at(&unusable.base).fetch(&["order"]).await.unwrap_err();
    let message = away.to_string();
    assert!(
        away.is_transient() && message.contains("the repository x cannot be used") && !message.contains("path"),
        "{message}"
    );
    let coming = Fake::answering_by(vec![yet(), (200, None, json!({"propertySources": []}).to_string())]).await;
    at(&coming.base).fetch_with_retries(&["order"], &ids()).await.unwrap();
    assert_eq!(coming.requests().len(), 2);
}

#[tokio::test]
async fn it_waits_for_a_server_and_then_gives_up_with_a_sentence() {
    let body = json!({"propertySources": []}).to_string();
    let coming = Fake::answering(vec![(503, String::new()), (500, "oops".to_owned()), (200, body)]).await;
    at(&coming.base).fetch_with_retries(&["order"], &ids()).await.unwrap();
    assert_eq!(coming.requests().len(), 3);

    let message = json!({"message": "order.yml: line 3 is no YAML"}).to_string();
    let broken = Fake::answering(vec![(500, message)]).await;
    let mut remote = at(&broken.base.replace("http://", "http://u:geheim@"));
    remote.timeout = Duration::from_millis(700);
    let message = remote.fetch_with_retries(&["order"], &ids()).await.unwrap_err();
    assert!(!message.is_transient() && broken.requests().len() >= 2);
    let message = message.to_string();
    for part in [broken.base.as_str(), "line 3 is no YAML", "0.7 s", "SOUK_CONFIG_URL", "souk serve config-server"] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert!(!message.contains("geheim"), "{message}");
}

#[tokio::test]
async fn a_server_that_never_answers_does_not_hold_a_start_for_ever() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut remote = at(&format!("http://{}", listener.local_addr().unwrap()));
    remote.timeout = Duration::from_millis(300);
    let message = remote.fetch_with_retries(&["order"], &ids()).await.unwrap_err().to_string();
    assert!(message.contains("no answer"), "{message}");
}

#[tokio::test]
async fn an_answer_without_end_or_sense_is_refused() {
    let huge = format!(r#"{{"propertySources": [{{"name": "x", "source": {{"a": "{}"}}}}]}}"#, "x".repeat(9 << 20));
    let fake = Fake::answering(vec![(200, huge)]).await;
    let message = at(&fake.base).fetch(&["order"]).await.unwrap_err();
    assert!(matches!(&message, FetchError::Refused(text) if text.contains("more than")), "{message}");
    let page = Fake::answering(vec![(200, "<html>geheim</html>".to_owned())]).await;
    let message = at(&page.base).fetch(&["order"]).await.unwrap_err().to_string();
    assert!(message.contains("not a configuration") && !message.contains("geheim"), "{message}");
}

#[test]
fn every_mistake_of_the_variables_is_shown_and_no_value_shown() {
    assert!(config(&[]).unwrap().is_none());
    assert!(config(&[("SOUK_CONFIG_URL", " ")]).unwrap().is_none());
    let ConfigError(mistakes) = config(&[
        ("SOUK_CONFIG_URL", "http://u:geheim@h:8888,ftp://u:geheim@h,u:geheim@h,http://u:ge#heim@h"),
        ("SOUK_CONFIG_TOKEN", "ge heim"),
        ("SOUK_CONFIG_PROFILES", "prod,,-x"),
        ("SOUK_CONFIG_LABEL", "../x"),
        ("SOUK_CONFIG_TIMEOUT_SECONDS", "99999999999999999999"),
    ])
    .unwrap_err();
    let text = mistakes.join("\n");
    assert_eq!(mistakes.len(), 8, "{text}");
    assert!(!text.contains("heim"), "{text}");
    for part in ["address 2", "address 3", "address 4", "TOKEN", "PROFILES", "LABEL", "TIMEOUT_SECONDS"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert!(config(&[("SOUK_CONFIG_URL", ",")]).is_err());
}
