//! Holds a service to its OpenAPI document, and the document to its committed snapshot.

use std::{collections::BTreeSet, path::Path};

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::Client;

/// Compares `document` with the file `snapshot`. With `SOUK_UPDATE_SNAPSHOTS=1` it writes the file instead.
///
/// # Panics
/// When they differ: an unwanted change of the API, or a wanted one whose snapshot is old.
pub fn holds_against_snapshot(document: &impl Serialize, snapshot: &Path) {
    let now = serde_json::to_string_pretty(document).unwrap() + "\n";
    if std::env::var_os("SOUK_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(snapshot, &now).unwrap();
        return;
    }
    let then = std::fs::read_to_string(snapshot).unwrap_or_default();
    assert!(
        now == then,
        "{} is not what the code documents. If the change is wanted, run the test with SOUK_UPDATE_SNAPSHOTS=1.",
        snapshot.display()
    );
}

/// Calls every operation of the service's document without a token: those in `public` (`GET /products`)
/// must not answer 401, all others must.
///
/// # Panics
/// When an operation is more or less public than said.
pub async fn only_public(client: &Client, public: &[&str]) {
    let document = client.get("/openapi.json").await.json;
    let mut open = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| is_method(key)) {
            let verb: Method = method.to_ascii_uppercase().parse().unwrap();
            let filled = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
            let body = (verb != Method::GET).then(|| "{}".to_owned());
            let answer = client.send(verb.clone(), &filled.collect::<Vec<_>>().join("/"), body).await;
            let line = format!("{verb} {path}");
            let said_open = document["paths"][path][method]["security"] == Value::Array(Vec::new());
            assert_eq!(answer.json["code"] != "auth.token_missing", said_open, "{line}: the document says otherwise");
            if said_open {
                open.insert(line);
            }
        }
    }
    assert_eq!(open, public.iter().map(ToString::to_string).collect());
}

fn is_method(key: &str) -> bool {
    matches!(key, "get" | "post" | "put" | "patch" | "delete")
}
