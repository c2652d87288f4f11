//! A fake server that responds as Stripe documents it, with scripted faults.
#![expect(clippy::indexing_slicing, reason = "tests: what is not as expected may panic")]

mod state;

use std::sync::{Arc, Mutex, MutexGuard};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use souk_payment::provider::stripe::API_VERSION;
use souk_values::PaymentId;
use tokio::net::TcpListener;

use self::state::{Form, Reply, StripeState};

pub use self::state::error;

pub const API_KEY: &str = "sk_test_51ThisIsTheKey";

/// A fault of the next request to a path.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The request takes effect, and no response is sent.
    Lost,
    /// The request has no effect and receives this response.
    Response(u16, Value),
    /// Another client cancels the intent just before.
    CancelledBefore,
    /// The request takes effect, and its response has a field of this many bytes more.
    Padded(usize),
}

/// The server, which stops with the test's runtime.
pub struct FakeStripe {
    pub base_url: String,
    state: Arc<Mutex<StripeState>>,
}

impl FakeStripe {
    pub async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn start_on(listener: TcpListener) -> Self {
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<StripeState>>::default();
        let router = Router::new().fallback(respond).with_state(state.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, state }
    }

    pub fn state(&self) -> MutexGuard<'_, StripeState> {
        self.state.lock().unwrap()
    }

    /// Scripts a fault of the next request whose `METHOD /path` ends with `of`.
    pub fn next(&self, of: &'static str, fault: Fault) {
        self.state().faults.push((of, fault));
    }

    /// Drops the idempotency keys, as Stripe does after about a day.
    pub fn drop_keys(&self) {
        self.state().replies.clear();
    }

    /// Returns the only intent of a payment.
    pub fn intent(&self, payment: &Value) -> Value {
        let state = self.state();
        let of = |intent: &&Value| intent["metadata"]["payment_id"] == payment.to_string().as_str();
        let found: Vec<&Value> = state.intents.iter().filter(of).collect();
        assert_eq!(found.len(), 1, "{:?}", state.intents);
        found[0].clone()
    }

    /// Creates an intent as a request does whose response is lost.
    pub fn create_intent(&self, payment: PaymentId, minor: i64) -> String {
        let form =
            [("amount", minor.to_string()), ("currency", "eur".into()), ("payment_method", "pm_card_visa".into())];
        let mut form: Form = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        form.insert("metadata[payment_id]".into(), payment.to_string());
        self.state().create(&form).1["id"].as_str().unwrap().to_owned()
    }

    /// Captures an intent without a request of the shop.
    pub fn capture(&self, id: &str) {
        let mut state = self.state();
        let at = state.intents.iter().position(|intent| intent["id"] == id).unwrap();
        state.take(at);
    }
}

async fn respond(
    State(state): State<Arc<Mutex<StripeState>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = format!("{method} {}", uri.path());
    let (fault, reply) = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        let at = state.faults.iter().position(|(of, _)| request.ends_with(of));
        let fault = at.map(|at| state.faults.remove(at).1);
        let reply = match (&fault, refusal(&method, &headers)) {
            (_, Some(reply)) => reply,
            (Some(Fault::Response(status, reply)), None) => state.fail(&uri, &headers, &body, (*status, reply.clone())),
            (Some(Fault::CancelledBefore), None) => {
                state.intents.iter_mut().for_each(|intent| intent["status"] = json!("canceled"));
                state.handle(&method, &uri, &headers, &body)
            }
            (Some(Fault::Padded(bytes)), None) => {
                let mut reply = state.handle(&method, &uri, &headers, &body);
                reply.1["padding"] = json!("x".repeat(*bytes));
                reply
            }
            (Some(Fault::Lost) | None, None) => state.handle(&method, &uri, &headers, &body),
        };
        (fault, reply)
    };
    if matches!(fault, Some(Fault::Lost)) {
        std::future::pending::<()>().await;
    }
    let broken = state.lock().unwrap().broken_lists.filter(|_| request == "GET /v1/refunds");
    let (status, retry_after) = broken.unwrap_or((reply.0, "0"));
    let body = if broken.is_some() { error("api_error", None, None) } else { reply.1 };
    let headers = [("request-id", "req_fake"), ("retry-after", retry_after)];
    (StatusCode::from_u16(status).unwrap(), headers, Json(body)).into_response()
}

/// Returns the refusal of a request with wrong headers.
fn refusal(method: &Method, headers: &HeaderMap) -> Option<Reply> {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    if header("authorization") != format!("Bearer {API_KEY}") {
        return Some((401, error("invalid_request_error", None, None)));
    }
    let is_form = method != Method::POST || header("content-type") == "application/x-www-form-urlencoded";
    let is_ours = header("stripe-version") == API_VERSION && header("user-agent").starts_with("souk/");
    (!is_form || !is_ours).then(|| (400, error("invalid_request_error", Some("headers"), None)))
}
