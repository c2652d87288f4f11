//! `POST /encrypt` and `POST /decrypt`, only for administrators, and `GET /encrypt/status` and `GET /key`. Names and
//! profiles in a path have no effect.

use axum::{
    Extension, Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::{
    app::App,
    cipher::CipherError,
    error::ConfigServerError,
    metrics::{self, RequestKind},
    security::Caller,
};

pub(crate) async fn encrypt(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<String, ConfigServerError> {
    caller.require_admin()?;
    let encrypted = text_to_encrypt(&headers, &body).and_then(|text| Ok(app.reader.encryptor().encrypt(&text)?));
    metrics::count_request(RequestKind::Cipher, &encrypted);
    encrypted
}

/// Decrypts the body. Whoever may submit altered texts could learn the plain text of others.
pub(crate) async fn decrypt(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<String, ConfigServerError> {
    caller.require_admin()?;
    let decrypted = text_to_decrypt(&headers, &body).and_then(|text| Ok(app.reader.encryptor().decrypt(&text)?));
    metrics::count_request(RequestKind::Cipher, &decrypted);
    decrypted
}

/// Answers 200 when a key is configured.
pub(crate) async fn status(State(app): State<App>) -> Result<Json<serde_json::Value>, ConfigServerError> {
    if app.reader.encryptor().has_key() {
        Ok(Json(serde_json::json!({"status": "OK"})))
    } else {
        Err(CipherError::NoKey.into())
    }
}

/// Returns the public half of the RSA key: `ssh-rsa …`, or PEM with `?format=pem`.
pub(crate) async fn key(State(app): State<App>, OriginalUri(uri): OriginalUri) -> Result<String, ConfigServerError> {
    let encryptor = app.reader.encryptor();
    let wants_pem = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "format=pem"));
    Ok(if wants_pem { encryptor.public_key_pem()? } else { encryptor.public_key()? })
}

/// Returns the text to encrypt. Plain text is taken literally; a form is decoded, and loses the `=` that follows a name
/// without a value.
fn text_to_encrypt(headers: &HeaderMap, body: &Bytes) -> Result<String, ConfigServerError> {
    let text = utf8(body)?;
    Ok(if is_text(headers) {
        text.to_owned()
    } else if is_form(headers) {
        without_sign(decode_form(text), text.ends_with('='))
    } else {
        text.strip_suffix('=').map_or_else(|| text.to_owned(), decode_form)
    })
}

/// Returns the text to decrypt. Spaces in a form become the `+` of Base64 again.
fn text_to_decrypt(headers: &HeaderMap, body: &Bytes) -> Result<String, ConfigServerError> {
    let text = utf8(body)?;
    if is_text(headers) || !(is_form(headers) || text.ends_with('=')) {
        return Ok(text.trim().to_owned());
    }
    let decoded = decode_form(text).replace(' ', "+");
    // Base64 itself may end in `=`, which then belongs to the text.
    let cipher = decoded.rsplit('}').next().unwrap_or_default();
    let is_added = decoded.ends_with('=') && STANDARD.decode(cipher).is_err();
    Ok(without_sign(decoded, is_added))
}

/// Removes the last `=` if a form added it.
fn without_sign(text: String, is_added: bool) -> String {
    if is_added { text.strip_suffix('=').unwrap_or(&text).to_owned() } else { text }
}

fn utf8(body: &Bytes) -> Result<&str, ConfigServerError> {
    std::str::from_utf8(body).map_err(|_| ConfigServerError::Invalid("The body is not UTF-8.".to_owned()))
}

/// True for plain text, and without a content type: a client that encodes a form declares it.
fn is_text(headers: &HeaderMap) -> bool {
    kind(headers).is_none_or(|kind| kind.starts_with("text/plain"))
}

fn is_form(headers: &HeaderMap) -> bool {
    kind(headers).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn kind(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase())
}

/// Decodes a form: `+` is a space, `%2B` a plus. A text that is then not UTF-8 is returned as it was.
fn decode_form(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded = percent_encoding::percent_decode_str(&spaced).decode_utf8().map(String::from);
    decoded.unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(kind: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        }
        headers
    }

    #[test]
    fn bodies_to_encrypt() {
        let form = "application/x-www-form-urlencoded";
        for (kind, body, text) in [
            ("text/plain", "a+b%20c=", "a+b%20c="),
            ("text/plain;charset=utf-8", "x=", "x="),
            ("", "a+b=", "a+b="),
            (form, "mysecret", "mysecret"),
            (form, "mysecret=", "mysecret"),
            (form, "my%2Bse+cret%3D", "my+se cret="),
            (form, "a==", "a="),
            ("application/json", "a%20b=", "a b"),
            ("application/json", "{\"a\":1}", "{\"a\":1}"),
        ] {
            assert_eq!(text_to_encrypt(&headers(kind), &Bytes::from(body)).unwrap(), text, "{kind}: {body}");
        }
        assert!(text_to_encrypt(&headers(""), &Bytes::from_static(b"\xff")).is_err());
    }

    #[test]
    fn bodies_to_decrypt() {
        let form = "application/x-www-form-urlencoded";
        for (kind, body, text) in [
            ("text/plain", " ab+/==\n", "ab+/=="),
            (form, "deadbeef", "deadbeef"),
            (form, "deadbeef=", "deadbeef"),
            (form, "YWI+YQ==", "YWI+YQ=="),
            (form, "YWI%2BYQ%3D%3D", "YWI+YQ=="),
            (form, "{key:a}YWI+YQ==", "{key:a}YWI+YQ=="),
            (form, "YWIr=", "YWIr"),
            ("application/json", "deadbeef=", "deadbeef"),
        ] {
            assert_eq!(text_to_decrypt(&headers(kind), &Bytes::from(body)).unwrap(), text, "{kind}: {body}");
        }
    }
}
