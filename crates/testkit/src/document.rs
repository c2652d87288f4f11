//! Checks of a service's OpenAPI document: against its committed snapshot, and against the running service.

use std::{collections::BTreeSet, path::Path};

use reqwest::Method;
use serde::Serialize;
use serde_json::Value;

use crate::Client;

const QUESTION_WORDS: &[&str] = &["What", "Who", "Whose", "Whether", "Which", "How"];

/// Compares `document` with the file `snapshot`. With `SOUK_UPDATE_SNAPSHOTS=1` it writes the file instead.
///
/// # Panics
/// When they differ: an unwanted change of the API, or a wanted one whose snapshot is old.
pub fn holds_against_snapshot(document: &impl Serialize, snapshot: &Path) {
    every_field_is_described(document);
    every_event_stream_is_described(document);
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

/// Checks that every field of every schema in `document` and every parameter has a description: at least four words that
/// do not open with a question word. Path parameters may have none, since the path itself names them.
///
/// # Panics
/// When descriptions are missing or say too little, with the list of them.
pub fn every_field_is_described(document: &impl Serialize) {
    let document = serde_json::to_value(document).unwrap();
    let mut undescribed = Vec::new();
    collect_undescribed(&document, "", &mut undescribed);
    assert!(
        undescribed.is_empty(),
        "these need a description of four words or more that opens with no question word:\n{}",
        undescribed.join("\n")
    );
}

fn collect_undescribed(node: &Value, path: &str, undescribed: &mut Vec<String>) {
    let Value::Object(members) = node else {
        for (index, item) in node.as_array().into_iter().flatten().enumerate() {
            collect_undescribed(item, &format!("{path}/{index}"), undescribed);
        }
        return;
    };
    for (key, member) in members {
        let here = format!("{path}/{key}");
        match (key.as_str(), member) {
            // An example is data, not a schema, whatever its members are called.
            ("example" | "examples" | "default", _) => {}
            ("properties", Value::Object(fields)) => {
                for (name, field) in fields {
                    check_description(field, &format!("{here}/{name}"), undescribed);
                    collect_undescribed(field, &format!("{here}/{name}"), undescribed);
                }
            }
            ("parameters", Value::Array(parameters)) => {
                let is_undescribed_path =
                    |parameter: &&Value| parameter["in"] == "path" && parameter.get("description").is_none();
                for parameter in parameters.iter().filter(|parameter| !is_undescribed_path(parameter)) {
                    let name = parameter["name"].as_str().unwrap_or_default();
                    check_description(parameter, &format!("{here}/{name}"), undescribed);
                }
            }
            _ => collect_undescribed(member, &here, undescribed),
        }
    }
}

fn check_description(field: &Value, path: &str, undescribed: &mut Vec<String>) {
    let description = description(field).unwrap_or_default();
    let words: Vec<&str> = description.split_whitespace().collect();
    let opener = words.first().map_or("", |word| word.trim_end_matches(|c: char| !c.is_alphabetic()));
    if words.len() < 4 || QUESTION_WORDS.contains(&opener) {
        undescribed.push(format!("{path}: {description:?}"));
    }
}

/// Returns the description of a field. That of an optional reference to another schema stands in the reference, one
/// level below the `oneOf` with `null`.
fn description(field: &Value) -> Option<&str> {
    let alternatives = ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| field[*key].as_array()).flatten();
    std::iter::once(field).chain(alternatives).find_map(|schema| schema["description"].as_str())
}

/// Checks that every `text/event-stream` in `document` refers to the schema of its events: an object with `event` and
/// `id`, whose `data` refers to a schema. A bare string would leave generated clients with no types.
///
/// # Panics
/// When a stream has another schema, with its path in the document.
fn every_event_stream_is_described(document: &impl Serialize) {
    let document = serde_json::to_value(document).unwrap();
    let mut undescribed = Vec::new();
    collect_bare_streams(&document, &document, "", &mut undescribed);
    assert!(
        undescribed.is_empty(),
        "these streams need a schema of their events with `id`, `event`, and `data` that refers to a schema:\n{}",
        undescribed.join("\n")
    );
}

fn collect_bare_streams(document: &Value, node: &Value, path: &str, undescribed: &mut Vec<String>) {
    match node {
        Value::Object(members) => {
            for (key, member) in members {
                let here = format!("{path}/{key}");
                if key == "text/event-stream" && !is_described_event(document, &member["schema"]) {
                    undescribed.push(here);
                } else {
                    collect_bare_streams(document, member, &here, undescribed);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_bare_streams(document, item, &format!("{path}/{index}"), undescribed);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_described_event(document: &Value, schema: &Value) -> bool {
    let properties = &referenced(document, schema)["properties"];
    let data = &properties["data"];
    // A field with a description of its own holds its reference in an `allOf`, or beside the description.
    let alternatives = ["oneOf", "allOf"].iter().filter_map(|key| data[*key].as_array()).flatten();
    let refers = std::iter::once(data).chain(alternatives).any(|schema| referenced(document, schema).is_object());
    properties["id"].is_object() && properties["event"].is_object() && refers
}

/// Returns the schema to which `schema` refers, or null.
fn referenced<'d>(document: &'d Value, schema: &Value) -> &'d Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(&Value::Null)
}

/// Calls every operation of the service's document without a token, and expects 401 for all except those in `public`, such
/// as `GET /products`.
///
/// # Panics
/// When an operation requires a token though it is in `public` or documented as public, or the other way round.
pub async fn assert_public_routes(client: &Client, public: &[&str]) {
    let document = client.get("/openapi.json").await.json;
    let mut open = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|key| is_method(key)) {
            let verb: Method = method.to_ascii_uppercase().parse().unwrap();
            let filled = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
            let body = (verb != Method::GET).then(|| "{}".to_owned());
            let response = client.send(verb.clone(), &filled.collect::<Vec<_>>().join("/"), body).await;
            let operation = format!("{verb} {path}");
            let is_documented = document["paths"][path][method]["security"] == Value::Array(Vec::new());
            let is_open = response.json["code"] != "auth.token_missing";
            assert_eq!(is_open, is_documented, "{operation}: the document differs");
            if is_open {
                open.insert(operation);
            }
        }
    }
    assert_eq!(open, public.iter().map(ToString::to_string).collect());
}

fn is_method(key: &str) -> bool {
    matches!(key, "get" | "post" | "put" | "patch" | "delete")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stream(schema: &Value, data: &Value) -> Value {
        json!({
            "paths": {"/stream": {"get": {"responses": {"200": {"content": {"text/event-stream": {"schema": schema}}}}}}},
            "components": {"schemas": {
                "NoticeEvent": {"properties": {"id": {"type": "integer"}, "event": {"type": "string"}, "data": data}},
                "Notice": {"type": "object"},
            }},
        })
    }

    #[test]
    fn a_stream_that_refers_to_its_events_is_described() {
        let event = json!({"$ref": "#/components/schemas/NoticeEvent"});
        let notice = json!({"$ref": "#/components/schemas/Notice"});
        every_event_stream_is_described(&stream(&event, &notice));
        every_event_stream_is_described(&stream(&event, &json!({"allOf": [notice], "description": "The notice"})));
    }

    #[test]
    #[should_panic(expected = "/paths//stream/get/responses/200/content/text/event-stream")]
    fn a_bare_string_is_refused() {
        every_event_stream_is_described(&stream(&json!({"type": "string"}), &Value::Null));
    }

    #[test]
    #[should_panic(expected = "these streams need a schema")]
    fn an_event_whose_data_is_a_bare_string_is_refused() {
        every_event_stream_is_described(&stream(
            &json!({"$ref": "#/components/schemas/NoticeEvent"}),
            &json!({"type": "string"}),
        ));
    }
}
