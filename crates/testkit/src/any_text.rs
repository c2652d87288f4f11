//! Sends hostile texts to every text field and parameter that an OpenAPI document lists.

mod fields;
mod texts;

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use self::{
    fields::{Field, Kind, Operation},
    texts::Text,
};
use crate::Client;

/// Failures listed before the rest is only counted.
const MAX_SHOWN: usize = 30;

/// Sends every text of a fixed list and random ones, and texts at and above `maxLength`, as each text field of each JSON
/// body in `document`, and as each parameter of the path and the query. Returns the operations, such as `POST /orders`, that accepted
/// one, so that a test can check that it reached the stores.
///
/// Each request is sent by the first of `clients` that is permitted. `params` are the values of path parameters, and
/// replace fields of that name in the examples of bodies.
///
/// # Panics
/// When a response is 5xx; when a control or invisible character, or a text that is too long, is accepted. Secrets are
/// exempt from the latter: passwords may have any character.
pub async fn withstands_any_text(
    document: &impl Serialize,
    clients: &[Client],
    params: &[(&str, Value)],
) -> BTreeSet<String> {
    let document = serde_json::to_value(document).unwrap();
    let mut walk = Walk { clients, params, sent: 0, accepted: BTreeSet::new(), failures: Vec::new() };
    for operation in fields::operations(&document, params) {
        for parameter in &operation.parameters {
            for text in texts::all(None) {
                let path = operation.path(params, Some((parameter, &text.value)));
                let request = (path, operation.body.clone());
                walk.check(&operation, parameter, &text, text.is_forbidden, request).await;
            }
        }
        for field in &operation.fields {
            for text in texts::all(field.max_length) {
                let mut body = operation.body.clone().unwrap_or_default();
                field.set(&mut body, &text.value);
                let path = operation.path(params, None);
                let is_refused = is_refused(field, &text);
                walk.check(&operation, &field.name(), &text, is_refused, (path, Some(body))).await;
            }
        }
    }
    let Walk { sent, accepted, failures, .. } = walk;
    let shown = failures.iter().take(MAX_SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {sent} requests failed:\n{shown}", failures.len());
    accepted
}

/// Returns true if the field must not take the text.
fn is_refused(field: &Field, text: &Text) -> bool {
    match field.kind {
        Kind::Line => text.is_too_long || text.is_forbidden,
        Kind::Paragraphs => text.is_too_long || text.is_forbidden_in_paragraphs,
        Kind::Secret => false,
    }
}

struct Walk<'w> {
    clients: &'w [Client],
    params: &'w [(&'w str, Value)],
    sent: usize,
    accepted: BTreeSet<String>,
    failures: Vec<String>,
}

impl Walk<'_> {
    /// Sends the text at `place` by a request of path and body.
    async fn check(
        &mut self,
        operation: &Operation,
        place: &str,
        text: &Text,
        is_refused: bool,
        (path, body): (String, Option<Value>),
    ) {
        let status = self.send(operation, &path, body).await;
        let name = format!("{} {}", operation.method, operation.template);
        let problem = match status {
            Some(status) if status.is_server_error() => format!("{status}"),
            Some(status) if status.is_success() && is_refused => format!("accepted ({status})"),
            Some(status) => {
                if status.is_success() {
                    self.accepted.insert(name);
                }
                return;
            }
            None => "no client is permitted".to_owned(),
        };
        self.failures.push(format!("{name}, {place}: {:?}: {problem}", text.shown()));
    }

    /// Returns the status of the first client that is permitted.
    async fn send(&mut self, operation: &Operation, path: &str, body: Option<Value>) -> Option<StatusCode> {
        for client in self.clients {
            self.sent += 1;
            let mut client = client.with_header("idempotency-key", format!("any-text-{}", self.sent));
            if operation.is_conditional {
                let shown = client.get(&operation.path(self.params, None)).await;
                client = client.with_header("if-match", shown.header("etag"));
            }
            let body = body.as_ref().map(Value::to_string);
            let (status, code) = client.status(operation.method.clone(), path, body).await;
            if !matches!(code.as_str(), "auth.token_missing" | "auth.forbidden") {
                return Some(status);
            }
        }
        None
    }
}

impl Operation {
    /// Returns the path with `params`, and with `text` in place of one parameter of the path or the query.
    fn path(&self, params: &[(&str, Value)], text: Option<(&str, &str)>) -> String {
        let replaced = |name: &str| match text {
            Some((parameter, text)) if parameter == name => fields::encoded(text),
            _ => match params.iter().find(|(other, _)| *other == name) {
                Some((_, Value::String(value))) => fields::encoded(value),
                Some((_, value)) => value.to_string(),
                None => "1".to_owned(),
            },
        };
        let segments = self.template.split('/').map(|segment| match segment.strip_prefix('{') {
            Some(name) => replaced(name.trim_end_matches('}')),
            None => segment.to_owned(),
        });
        let path = segments.collect::<Vec<_>>().join("/");
        match text {
            Some((name, text)) if !self.template.contains(&format!("{{{name}}}")) => {
                format!("{path}?{name}={}", fields::encoded(text))
            }
            _ => path,
        }
    }
}

/// Returns true for methods that have no body.
fn has_no_body(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::DELETE)
}
