//! JSON bodies: size, syntax, shape and rules, each refused with its own code.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use garde::Validate;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::{Problem, problem::FieldError};

/// The largest JSON body, bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// A JSON body of type `T` that keeps `T`'s rules.
///
/// Errors: 413 too large, 415 not JSON by its Content-Type, 400 not readable (syntax, type, unknown
/// field), 422 readable but not allowed.
#[derive(Debug, Clone)]
pub struct ValidJson<T>(pub T);

impl<T, S> FromRequest<S> for ValidJson<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        parse(&read_json(request).await?).map(Self)
    }
}

/// The body of an act without fields: nothing, or `{}`.
#[derive(Debug, Clone, Copy)]
pub struct NoFields;

impl<S: Send + Sync> FromRequest<S> for NoFields {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = read(request).await?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self);
        }
        match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&body) {
            Ok(fields) if fields.is_empty() => Ok(Self),
            Ok(fields) => Err(unreadable(
                format!("This takes no fields, and was given '{}'.", fields.keys().next().map_or("", String::as_str)),
                Vec::new(),
            )),
            Err(error) => Err(malformed(&error)),
        }
    }
}

pub(super) async fn read_json(request: Request) -> Result<Bytes, Problem> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    if essence != "application/json" && !essence.ends_with("+json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "body.not_json",
            "Send the body as JSON, with 'Content-Type: application/json'.",
        ));
    }
    read(request).await
}

async fn read(request: Request) -> Result<Bytes, Problem> {
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body.too_large",
            format!("The body may have at most {MAX_BODY} bytes."),
        )),
        Err(_) => Err(unreadable("The body broke off before its end.".to_owned(), Vec::new())),
    }
}

pub(super) fn parse<T: DeserializeOwned + Validate<Context = ()>>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = error.path().to_string();
        let cause = error.inner();
        // Serde calls some wrong types wrong syntax; what parses as JSON at all is not malformed.
        if cause.is_data() || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
            let message = cause.to_string();
            unreadable(format!("The body is not as documented: {message}."), vec![FieldError { field, message }])
        } else {
            malformed(cause)
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    value.validate().map_err(|report| {
        let errors: Vec<FieldError> = report
            .iter()
            .map(|(path, error)| FieldError { field: on_the_wire(&path.to_string()), message: error.to_string() })
            .collect();
        let detail = errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>();
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "body.not_allowed", detail.join("; ")).with_errors(errors)
    })?;
    Ok(value)
}

/// A field's path as the body spells it: `shipping_address.postal_code` is `shippingAddress.postalCode`.
fn on_the_wire(path: &str) -> String {
    let mut words = path.split('_');
    words.next().into_iter().map(str::to_owned).chain(words.map(capitalized)).collect()
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = format!("The body is not JSON: line {}, column {}: {error}.", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, "body.malformed", detail)
}

fn unreadable(detail: String, errors: Vec<FieldError>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "body.invalid", detail).with_errors(errors)
}
