//! State of the fake Stripe: intents, refunds and idempotency keys, and its replies.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, Uri};
use serde_json::{Value, json};
use souk_values::{Clock, SystemClock};
use url::form_urlencoded;

use super::Fault;

pub type Form = HashMap<String, String>;
/// HTTP status and body of a response.
pub type Reply = (u16, Value);

#[derive(Default)]
pub struct StripeState {
    pub intents: Vec<Value>,
    pub refunds: Vec<Value>,
    /// Number of captures so far.
    pub charges: usize,
    /// Method and path of every request.
    pub requests: Vec<String>,
    /// Maximum number of refunds on a page.
    pub page: Option<usize>,
    /// Status of a new refund; `None` stands for `succeeded`.
    pub refund_status: Option<&'static str>,
    pub faults: Vec<(&'static str, Fault)>,
    /// Status and `Retry-After` of the response to every list of refunds; `None` for a list.
    pub broken_lists: Option<(u16, &'static str)>,
    pub replies: HashMap<String, (String, Reply)>,
    numbers: u64,
}

pub fn error(kind: &str, code: Option<&str>, param: Option<&str>) -> Value {
    let mut error = json!({"type": kind, "message": "In Stripe's own words.", "request_log_url": "https://dashboard"});
    for (name, value) in [("code", code), ("param", param)] {
        if let Some(value) = value {
            error[name] = json!(value);
        }
    }
    json!({"error": error})
}

fn invalid(code: Option<&str>, param: Option<&str>) -> Reply {
    (400, error("invalid_request_error", code, param))
}

fn pairs(text: &[u8]) -> Form {
    form_urlencoded::parse(text).into_owned().collect()
}

/// Returns the idempotency key of a request, and what must be the same when the key is used again.
fn identity(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> (Option<String>, String) {
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    (key, format!("{uri} {}", String::from_utf8_lossy(body)))
}

impl StripeState {
    /// Handles a request, once for each idempotency key.
    pub fn handle(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Reply {
        let form = if method == Method::GET { pairs(uri.query().unwrap_or("").as_bytes()) } else { pairs(body) };
        let (key, print) = identity(uri, headers, body);
        if let Some((known, reply)) = key.as_ref().and_then(|key| self.replies.get(key)) {
            return if *known == print { reply.clone() } else { (400, error("idempotency_error", None, None)) };
        }
        let path: Vec<&str> = uri.path().trim_start_matches("/v1/").split('/').collect();
        let reply = match (method.as_str(), path.as_slice(), &key) {
            ("POST", ["payment_intents"], Some(_)) => self.create(&form),
            ("GET", ["payment_intents"], None) => self.list_intents(&form),
            ("GET", ["payment_intents", id], None) => {
                self.with(id, &form, |state, at| (200, state.intents[at].clone()))
            }
            ("POST", ["payment_intents", id, "confirm"], Some(_)) => self.with(id, &form, Self::confirm),
            ("POST", ["payment_intents", id, "cancel"], None) => self.with(id, &form, Self::cancel),
            ("POST", ["refunds"], Some(_)) => self.refund(&form),
            ("GET", ["refunds"], None) => self.list(&form),
            _ => (404, error("invalid_request_error", Some("url_invalid"), None)),
        };
        self.save(key, print, &reply);
        reply
    }

    /// Saves the reply under its key, as Stripe does: whatever came of a request that it began to process, errors of its
    /// own included, and nothing that it refused before.
    fn save(&mut self, key: Option<String>, print: String, reply: &Reply) {
        let code = reply.1["error"]["code"].as_str().unwrap_or_default();
        let was_processed = !matches!(reply.0, 401 | 409 | 429) && !code.starts_with("parameter_");
        if let Some(key) = key.filter(|_| was_processed) {
            self.replies.insert(key, (print, reply.clone()));
        }
    }

    /// Fails a request with a scripted reply, which is saved like any other, and repeated.
    pub fn fail(&mut self, uri: &Uri, headers: &HeaderMap, body: &[u8], reply: Reply) -> Reply {
        let (key, print) = identity(uri, headers, body);
        self.save(key, print, &reply);
        reply
    }

    fn id(&mut self, prefix: &str) -> String {
        self.numbers += 1;
        format!("{prefix}_3Fake{:06}", self.numbers)
    }

    pub fn create(&mut self, form: &Form) -> Reply {
        let known = ["amount", "currency", "payment_method", "capture_method", "metadata[payment_id]"];
        let known = known
            .into_iter()
            .chain(["automatic_payment_methods[enabled]", "automatic_payment_methods[allow_redirects]"]);
        let known: Vec<&str> = known.collect();
        if let Some(unknown) = form.keys().find(|name| !known.contains(&name.as_str())) {
            return invalid(Some("parameter_unknown"), Some(unknown));
        }
        if !form["payment_method"].starts_with("pm_card_") {
            return invalid(Some("resource_missing"), Some("payment_method"));
        }
        if form["currency"] != form["currency"].to_lowercase() {
            return invalid(None, Some("currency"));
        }
        let id = self.id("pi");
        let amount: i64 = form["amount"].parse().unwrap();
        let intent = json!({
            "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": 0,
            "application": null, "automatic_payment_methods": {"allow_redirects": "never", "enabled": true},
            "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic",
            "client_secret": format!("{id}_secret_ofTheIntent"), "confirmation_method": "automatic",
            "created": SystemClock.now().seconds(), "currency": form["currency"], "customer": null,
            "description": null, "last_payment_error": null, "latest_charge": null, "livemode": false,
            "metadata": {"payment_id": form["metadata[payment_id]"]}, "next_action": null,
            "payment_method": form["payment_method"], "payment_method_types": ["card"],
            "status": "requires_confirmation",
        });
        self.intents.push(intent.clone());
        (200, intent)
    }

    fn with(&mut self, id: &str, form: &Form, act: impl FnOnce(&mut Self, usize) -> Reply) -> Reply {
        if form.get("expand[]").map(String::as_str) != Some("latest_charge") || form.len() != 1 {
            return invalid(Some("parameter_unknown"), None);
        }
        match self.intents.iter().position(|intent| intent["id"] == id) {
            Some(at) => act(self, at),
            None => (404, error("invalid_request_error", Some("resource_missing"), Some("intent"))),
        }
    }

    /// Lists intents, newest first, as pages of `page`.
    fn list_intents(&self, form: &Form) -> Reply {
        let known = ["limit", "created[gte]", "expand[]", "starting_after"];
        if let Some(unknown) = form.keys().find(|name| !known.contains(&name.as_str())) {
            return invalid(Some("parameter_unknown"), Some(unknown));
        }
        if form.get("expand[]").map(String::as_str) != Some("data.latest_charge") {
            return invalid(Some("parameter_missing"), Some("expand"));
        }
        let since: i64 = form["created[gte]"].parse().unwrap();
        let newest: Vec<&Value> =
            self.intents.iter().rev().filter(|intent| intent["created"].as_i64().unwrap() >= since).collect();
        let from = match form.get("starting_after") {
            None => 0,
            Some(after) => newest.iter().position(|intent| intent["id"] == after.as_str()).unwrap() + 1,
        };
        let limit = self.page.unwrap_or(100).min(form["limit"].parse().unwrap());
        let mut page: Vec<Value> = newest.iter().skip(from).take(limit).map(|intent| (*intent).clone()).collect();
        for intent in page.iter_mut().filter(|intent| !intent["latest_charge"].is_null()) {
            intent["latest_charge"]["amount_refunded"] = json!(self.returned(intent["id"].as_str().unwrap()));
        }
        let has_more = from + page.len() < newest.len();
        (200, json!({"object": "list", "url": "/v1/payment_intents", "has_more": has_more, "data": page}))
    }

    fn confirm(&mut self, at: usize) -> Reply {
        if self.intents[at]["status"] != "requires_confirmation" {
            return invalid(Some("payment_intent_unexpected_state"), None);
        }
        let decline = match self.intents[at]["payment_method"].as_str().unwrap() {
            "pm_card_visa" => {
                self.take(at);
                return (200, self.intents[at].clone());
            }
            "pm_card_slow" => "processing",
            "pm_card_authenticationRequired" => "requires_action",
            "pm_card_chargeDeclinedInsufficientFunds" => "insufficient_funds",
            _ => "generic_decline",
        };
        if matches!(decline, "processing" | "requires_action") {
            self.intents[at]["status"] = json!(decline);
            return (200, self.intents[at].clone());
        }
        let mut reply = error("card_error", Some("card_declined"), None);
        reply["error"]["decline_code"] = json!(decline);
        self.intents[at]["status"] = json!("requires_payment_method");
        self.intents[at]["last_payment_error"] = reply["error"].clone();
        reply["error"]["payment_intent"] = self.intents[at].clone();
        (402, reply)
    }

    pub fn take(&mut self, at: usize) {
        let id = self.id("ch");
        let intent = &mut self.intents[at];
        intent["status"] = json!("succeeded");
        intent["amount_received"] = intent["amount"].clone();
        intent["latest_charge"] = json!({
            "id": id, "object": "charge", "amount": intent["amount"], "amount_refunded": 0, "captured": true,
            "created": SystemClock.now().seconds() + 7, "currency": intent["currency"], "metadata": intent["metadata"],
            "paid": true, "payment_intent": intent["id"], "refunded": false, "status": "succeeded",
        });
        self.charges += 1;
    }

    fn cancel(&mut self, at: usize) -> Reply {
        let status = self.intents[at]["status"].as_str().unwrap();
        if matches!(status, "succeeded" | "canceled" | "processing") {
            return invalid(Some("payment_intent_unexpected_state"), None);
        }
        self.intents[at]["status"] = json!("canceled");
        self.intents[at]["canceled_at"] = json!(SystemClock.now().seconds());
        (200, self.intents[at].clone())
    }

    /// Sums the refunds of an intent that have not failed.
    pub fn returned(&self, intent: &str) -> i64 {
        let counts = |refund: &&Value| refund["payment_intent"] == intent && refund["status"] != "failed";
        self.refunds.iter().filter(counts).map(|refund| refund["amount"].as_i64().unwrap()).sum()
    }

    /// Makes a refund, also for a person at Stripe's dashboard.
    pub fn refund(&mut self, form: &Form) -> Reply {
        let known = ["payment_intent", "amount", "metadata[refund_id]", "metadata[payment_id]"];
        if let Some(unknown) = form.keys().find(|name| !known.contains(&name.as_str())) {
            return invalid(Some("parameter_unknown"), Some(unknown));
        }
        let intent = form["payment_intent"].clone();
        let paid = self.intents.iter().find(|known| known["id"] == intent.as_str()).unwrap();
        let left = paid["amount_received"].as_i64().unwrap() - self.returned(&intent);
        let amount: i64 = form["amount"].parse().unwrap();
        let currency = paid["currency"].clone();
        match left {
            0 => return invalid(Some("charge_already_refunded"), None),
            left if amount > left => return invalid(None, Some("amount")),
            _ => {}
        }
        let metadata = ["refund_id", "payment_id"].into_iter();
        let metadata = metadata.filter_map(|name| Some((name, form.get(&format!("metadata[{name}]"))?)));
        let refund = json!({
            "id": self.id("re"), "object": "refund", "amount": amount, "balance_transaction": "txn_fake",
            "charge": "ch_fake", "created": SystemClock.now().seconds(), "currency": currency,
            "metadata": metadata.collect::<HashMap<_, _>>(), "payment_intent": intent, "reason": null,
            "receipt_number": null, "status": self.refund_status.unwrap_or("succeeded"),
        });
        // Newest first, as Stripe lists them.
        self.refunds.insert(0, refund.clone());
        (200, refund)
    }

    fn list(&self, form: &Form) -> Reply {
        let mut found: Vec<&Value> =
            self.refunds.iter().filter(|refund| refund["payment_intent"] == form["payment_intent"].as_str()).collect();
        if let Some(after) = form.get("starting_after") {
            let at = found.iter().position(|refund| refund["id"] == after.as_str()).unwrap();
            found.drain(..=at);
        }
        let page = self.page.unwrap_or(usize::MAX).min(form["limit"].parse().unwrap());
        let has_more = found.len() > page;
        found.truncate(page);
        (200, json!({"object": "list", "url": "/v1/refunds", "has_more": has_more, "data": found}))
    }
}
