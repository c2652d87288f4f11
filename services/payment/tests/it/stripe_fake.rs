//! A server that answers as Stripe documents it, and fails as told.
#![expect(clippy::indexing_slicing, reason = "tests: what is not as expected may panic")]

mod books;

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

use self::books::{Books, Form, Said};

pub use self::books::error;

pub const API_KEY: &str = "sk_test_51ThisIsTheKey";

/// What goes wrong with the next request of a path.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It has its effect, and no answer comes.
    Lost,
    /// It has no effect, and this is answered.
    Answered(u16, Value),
    /// The intent is cancelled by somebody else just before.
    CancelledBefore,
}

/// The server; stops with the test's runtime.
pub struct FakeStripe {
    pub base_url: String,
    books: Arc<Mutex<Books>>,
}

impl FakeStripe {
    pub async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub fn start_on(listener: TcpListener) -> Self {
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let books = Arc::<Mutex<Books>>::default();
        let router = Router::new().fallback(answer).with_state(books.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, books }
    }

    pub fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// What goes wrong with the next request whose `METHOD /path` ends with `of`.
    pub fn next(&self, of: &'static str, fault: Fault) {
        self.books().faults.push((of, fault));
    }

    /// As a day later.
    pub fn forget_keys(&self) {
        self.books().answered.clear();
    }

    /// The only intent of a payment.
    pub fn intent(&self, payment: &Value) -> Value {
        let books = self.books();
        let of = |intent: &&Value| intent["metadata"]["payment_id"] == payment.to_string().as_str();
        let found: Vec<&Value> = books.intents.iter().filter(of).collect();
        assert_eq!(found.len(), 1, "{:?}", books.intents);
        found[0].clone()
    }

    /// An intent as a create that nobody heard the answer of leaves it.
    pub fn make_intent(&self, payment: PaymentId, minor: i64) -> String {
        let form =
            [("amount", minor.to_string()), ("currency", "eur".into()), ("payment_method", "pm_card_visa".into())];
        let mut form: Form = form.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        form.insert("metadata[payment_id]".into(), payment.to_string());
        self.books().create(&form).1["id"].as_str().unwrap().to_owned()
    }

    /// Takes the money of an intent, whatever the shop thinks of it.
    pub fn capture(&self, id: &str) {
        let mut books = self.books();
        let at = books.intents.iter().position(|intent| intent["id"] == id).unwrap();
        books.take(at);
    }
}

async fn answer(
    State(books): State<Arc<Mutex<Books>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = format!("{method} {}", uri.path());
    let (fault, said) = {
        let mut books = books.lock().unwrap();
        books.requests.push(asked.clone());
        let at = books.faults.iter().position(|(of, _)| asked.ends_with(of));
        let fault = at.map(|at| books.faults.remove(at).1);
        let said = match (&fault, wrong(&method, &headers)) {
            (_, Some(said)) => said,
            (Some(Fault::Answered(status, body)), None) => (*status, body.clone()),
            (Some(Fault::CancelledBefore), None) => {
                books.intents.iter_mut().for_each(|intent| intent["status"] = json!("canceled"));
                books.handle(&method, &uri, &headers, &body)
            }
            (Some(Fault::Lost) | None, None) => books.handle(&method, &uri, &headers, &body),
        };
        (fault, said)
    };
    if matches!(fault, Some(Fault::Lost)) {
        std::future::pending::<()>().await;
    }
    (StatusCode::from_u16(said.0).unwrap(), [("request-id", "req_fake")], Json(said.1)).into_response()
}

/// What Stripe says of a request that it does not look into.
fn wrong(method: &Method, headers: &HeaderMap) -> Option<Said> {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    if header("authorization") != format!("Bearer {API_KEY}") {
        return Some((401, error("invalid_request_error", None, None)));
    }
    let is_form = method != Method::POST || header("content-type") == "application/x-www-form-urlencoded";
    let is_ours = header("stripe-version") == API_VERSION && header("user-agent").starts_with("souk/");
    (!is_form || !is_ours).then(|| (400, error("invalid_request_error", Some("headers"), None)))
}
