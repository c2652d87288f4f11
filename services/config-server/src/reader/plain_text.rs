//! Decrypts `{cipher}` values within files that are returned as they are.

use std::borrow::Cow;

use crate::{
    cipher::{CIPHER_PREFIX, Encryptor},
    metrics,
};

/// Decrypts every `{cipher}…` in a YAML, JSON or properties file. A value that cannot be decrypted becomes `<n/a>`.
pub(super) fn decrypt(text: &str, path: &str, encryptor: &Encryptor) -> String {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    if !matches!(extension, "yml" | "yaml" | "json" | "properties") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(CIPHER_PREFIX) {
        out.push_str(before);
        let (cipher, tail) = after.split_at(cipher_length(after));
        let plain = encryptor.decrypt(cipher).unwrap_or_else(|error| {
            metrics::count_decrypt_failure();
            tracing::warn!(file = path, error = %error, "a value cannot be decrypted and is withheld");
            "<n/a>".to_owned()
        });
        out.push_str(&quote_like(before, &plain, extension));
        rest = tail;
    }
    out.push_str(rest);
    out
}

fn cipher_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(prefix) = text.get(at..).filter(|rest| rest.starts_with('{')).and_then(|rest| rest.split_once('}')) {
        at += prefix.0.len() + 1;
    }
    let is_inner = |letter: char| letter.is_ascii_alphanumeric() || "+/=".contains(letter);
    let rest = text.get(at..).unwrap_or_default();
    at + rest.find(|letter| !is_inner(letter)).unwrap_or(rest.len())
}

/// Escapes the plain text for the quotes that `before`, the text in front of it, ends with.
fn quote_like<'p>(before: &str, plain: &'p str, extension: &str) -> Cow<'p, str> {
    match before.chars().next_back() {
        Some('"') if extension != "properties" => {
            let quoted = serde_json::Value::from(plain).to_string();
            Cow::Owned(quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned())
        }
        Some('\'') if extension != "properties" => Cow::Owned(plain.replace('\'', "''")),
        _ => Cow::Borrowed(plain),
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Secret;

    use super::*;
    use crate::config::EncryptConfig;

    #[test]
    fn each_value_is_decrypted_in_place() {
        let config = EncryptConfig { key: Secret::new("a password of some length".to_owned()), ..Default::default() };
        let encryptor = Encryptor::new(&config).unwrap();
        let cipher = encryptor.encrypt("it's \"x\"").unwrap();
        let yaml = format!("a: '{{cipher}}{cipher}'\nb: \"{{cipher}}{{key:k}}{cipher}\"\nc: '{{cipher}}00'\nd: 1\n");
        let expected = "a: 'it''s \"x\"'\nb: \"it's \\\"x\\\"\"\nc: '<n/a>'\nd: 1\n";
        assert_eq!(decrypt(&yaml, "a/b.yml", &encryptor), expected);
        assert_eq!(decrypt(&format!("a={{cipher}}{cipher}"), "b.properties", &encryptor), "a=it's \"x\"");
        assert_eq!(decrypt(&yaml, "b.txt", &encryptor), yaml);
    }
}
