//! What clients send to be encrypted or decrypted: text, or what `curl -d` makes of it.

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::error::ConfigServerError;

/// The text to encrypt: as it is when it is said to be text; a form is decoded, and loses the `=` that a
/// form has after a name without a value.
pub fn to_encrypt(headers: &HeaderMap, body: &Bytes) -> Result<String, ConfigServerError> {
    let text = utf8(body)?;
    Ok(if is_text(headers) {
        text.to_owned()
    } else if is_form(headers) {
        let decoded = decode(text);
        let is_added = text.ends_with('=');
        if is_added { decoded.strip_suffix('=').unwrap_or(&decoded).to_owned() } else { decoded }
    } else {
        text.strip_suffix('=').map_or_else(|| text.to_owned(), decode)
    })
}

/// The text to decrypt; the `+` of Base64 that a form made a space is one again.
pub fn to_decrypt(headers: &HeaderMap, body: &Bytes) -> Result<String, ConfigServerError> {
    let text = utf8(body)?;
    if is_text(headers) || !(is_form(headers) || text.ends_with('=')) {
        return Ok(text.trim().to_owned());
    }
    let decoded = decode(text).replace(' ', "+");
    // Base64 may end so itself.
    let cipher = decoded.rsplit('}').next().unwrap_or_default();
    let is_added = decoded.ends_with('=') && STANDARD.decode(cipher).is_err();
    Ok(if is_added { decoded.strip_suffix('=').unwrap_or(&decoded).to_owned() } else { decoded })
}

fn utf8(body: &Bytes) -> Result<&str, ConfigServerError> {
    std::str::from_utf8(body).map_err(|_| ConfigServerError::Invalid("The body is not UTF-8.".to_owned()))
}

/// No content type is taken for text: nobody who leaves it out encodes a form.
fn is_text(headers: &HeaderMap) -> bool {
    kind(headers).is_none_or(|kind| kind.starts_with("text/plain"))
}

fn is_form(headers: &HeaderMap) -> bool {
    kind(headers).is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

fn kind(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(header::CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase())
}

/// `+` is a space, `%2B` a plus. What is not UTF-8 then stays as it was.
fn decode(text: &str) -> String {
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
            assert_eq!(to_encrypt(&headers(kind), &Bytes::from(body)).unwrap(), text, "{kind}: {body}");
        }
        assert!(to_encrypt(&headers(""), &Bytes::from_static(b"\xff")).is_err());
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
            assert_eq!(to_decrypt(&headers(kind), &Bytes::from(body)).unwrap(), text, "{kind}: {body}");
        }
    }
}
