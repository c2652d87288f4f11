//! The text fields and parameters of an OpenAPI document, and bodies to put texts into.

use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Map, Value};

use super::has_no_body;

/// Kind of a text field, which decides the characters that it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line,
    /// May have line ends.
    Paragraphs,
    /// May have any character.
    Secret,
}

/// One text field of a body.
#[derive(Debug, Clone)]
pub(super) struct Field {
    steps: Vec<Step>,
    pub kind: Kind,
    pub max_length: Option<usize>,
}

#[derive(Debug, Clone)]
enum Step {
    Field(String),
    FirstItem,
    /// Value of a map with any keys.
    AnyValue,
    /// Key of a map.
    AnyKey,
}

/// One operation with its parameters and the text fields of its body.
pub(super) struct Operation {
    pub method: Method,
    /// Path with parameters in braces.
    pub template: String,
    /// Names of the parameters in the path and in the query.
    pub parameters: Vec<String>,
    pub fields: Vec<Field>,
    /// Valid body; `None` if the operation takes none.
    pub body: Option<Value>,
    /// True if the operation needs `If-Match`.
    pub is_conditional: bool,
}

impl Field {
    pub fn name(&self) -> String {
        let mut name = String::new();
        for step in &self.steps {
            let _ = match step {
                Step::Field(field) => write!(name, "/{field}"),
                Step::FirstItem => write!(name, "/0"),
                Step::AnyValue => write!(name, "/*"),
                Step::AnyKey => write!(name, "/(key)"),
            };
        }
        name
    }

    /// Puts `text` into the field of `body`.
    pub fn set(&self, body: &mut Value, text: &str) {
        let mut place = body;
        for step in &self.steps {
            place = match step {
                Step::Field(name) => object(place).entry(name.clone()).or_insert(Value::Null),
                Step::AnyValue => object(place).entry("any").or_insert(Value::Null),
                Step::AnyKey => {
                    object(place).insert(text.to_owned(), Value::from("any"));
                    return;
                }
                Step::FirstItem => {
                    if place.as_array().is_none_or(Vec::is_empty) {
                        *place = Value::Array(vec![Value::Null]);
                    }
                    &mut place[0]
                }
            };
        }
        *place = Value::from(text);
    }
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().unwrap()
}

/// Returns the operations of `document` that take a text, those that delete last. Bodies are the document's examples, with
/// `params` in place of their fields of the same name.
pub(super) fn operations(document: &Value, params: &[(&str, Value)]) -> Vec<Operation> {
    let mut found = Vec::new();
    for (template, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Ok(method) = method.to_ascii_uppercase().parse::<Method>() else { continue };
            found.push(read(document, template, method, operation, params));
        }
    }
    found.retain(|operation| !operation.parameters.is_empty() || !operation.fields.is_empty());
    found.sort_by_key(|operation| operation.method == Method::DELETE);
    found
}

fn read(document: &Value, template: &str, method: Method, operation: &Value, params: &[(&str, Value)]) -> Operation {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named_in = |place: &str| {
        let here = parameters.iter().filter(|parameter| parameter["in"] == place);
        here.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let mut fields = Vec::new();
    collect(document, schema, &mut Vec::new(), &mut fields);
    let mut body = (!has_no_body(&method)).then(|| sample(document, schema));
    if let Some(body) = &mut body {
        overlay(body, params);
    }
    Operation {
        parameters: [named_in("path"), named_in("query")].concat(),
        is_conditional: named_in("header").iter().any(|name| name == "If-Match"),
        template: template.to_owned(),
        method,
        fields,
        body,
    }
}

/// Returns the example of `schema`, or a value with its required fields.
fn sample(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if let Some(example) = schema.get("example").or_else(|| schema["examples"].get(0)) {
        return example.clone();
    }
    match schema["type"].as_str() {
        Some("array") => Value::Array(vec![sample(document, &schema["items"])]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(Value::from(1)),
        Some("boolean") => Value::Bool(false),
        Some("string") => schema["enum"].get(0).cloned().unwrap_or(Value::from("x")),
        _ => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|name| (name.to_owned(), sample(document, &schema["properties"][name]))).collect()
        }
    }
}

fn overlay(body: &mut Value, params: &[(&str, Value)]) {
    match body {
        Value::Object(fields) => {
            for (name, field) in fields {
                match params.iter().find(|(other, _)| other == name) {
                    Some((_, value)) => *field = value.clone(),
                    None => overlay(field, params),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                overlay(item, params);
            }
        }
        _ => {}
    }
}

fn resolved<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

fn collect(document: &Value, schema: &Value, steps: &mut Vec<Step>, fields: &mut Vec<Field>) {
    let schema = resolved(document, schema);
    let is_a = |wanted: &str| {
        schema["type"] == wanted || schema["type"].as_array().is_some_and(|types| types.iter().any(|one| one == wanted))
    };
    for alternative in ["oneOf", "anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
        collect(document, alternative, steps, fields);
    }
    let mut nested = |step: Step, schema: &Value, fields: &mut Vec<Field>| {
        steps.push(step);
        collect(document, schema, steps, fields);
        steps.pop();
    };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        nested(Step::Field(name.clone()), property, fields);
    }
    if schema["additionalProperties"].is_object() {
        nested(Step::AnyValue, &schema["additionalProperties"], fields);
        let key = serde_json::json!({"type": "string"});
        nested(Step::AnyKey, &key, fields);
    }
    if schema["items"].is_object() {
        nested(Step::FirstItem, &schema["items"], fields);
    }
    if is_a("string") && schema.get("enum").is_none() {
        let kind = match schema["format"].as_str() {
            Some("password") => Kind::Secret,
            Some("multiline") => Kind::Paragraphs,
            _ => Kind::Line,
        };
        let max_length = schema["maxLength"].as_u64().and_then(|length| usize::try_from(length).ok());
        fields.push(Field { steps: steps.clone(), kind, max_length });
    }
}

/// Returns `text` percent-encoded for a segment of a path or a value of a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
