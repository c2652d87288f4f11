//! Masking of values in output: passwords in URLs, and every value whose key looks secret.

use std::borrow::Cow;

/// Replacement of a masked text.
pub const HIDDEN: &str = "******";

/// Substrings of keys whose values are masked.
const SECRET_PARTS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "private", "pwd", "pem"];
/// Words that count as secret only as a whole: `key`, but not `monkey`.
const SECRET_WORDS: [&str; 5] = ["key", "keys", "salt", "apikey", "pass"];

/// True when the value of `key` must be masked: `auth.admin-password`, `encrypt.key`, `stripe-api-key`.
#[must_use]
pub fn looks_secret(key: &str) -> bool {
    let lower = super::key::normal(key);
    let mut words = lower.split(|letter: char| !letter.is_alphanumeric());
    // The location of a secret is no secret.
    if ["_file", "_dir", "_path"].iter().any(|end| lower.ends_with(end)) {
        return false;
    }
    SECRET_PARTS.iter().any(|part| lower.contains(part)) || words.any(|word| SECRET_WORDS.contains(&word))
}

/// Returns the value of `key`, masked if need be.
#[must_use]
pub fn shown<'t>(key: &str, text: &'t str) -> Cow<'t, str> {
    if text.is_empty() {
        Cow::Borrowed(text)
    } else if looks_secret(key) || text.trim_start().starts_with("{cipher}") {
        Cow::Borrowed(HIDDEN)
    } else {
        without_passwords(text)
    }
}

/// Masks the passwords of all URLs in `text`: `postgres://souk:******@host/db`.
#[must_use]
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        out.push_str(before);
        out.push_str("://");
        let (address, next) = after.split_at(url_end(after));
        hide(&mut out, before, address);
        rest = next;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the end of a URL: a space, a quote, or the scheme of the next URL.
fn url_end(text: &str) -> usize {
    let space = text.find(|letter: char| letter.is_whitespace() || letter == '"').unwrap_or(text.len());
    let Some(next) = text.find("://").filter(|next| *next < space) else { return space };
    let before = text.get(..next).unwrap_or_default();
    let is_scheme = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '.' | '-');
    before.trim_end_matches(is_scheme).len()
}

/// Appends `address` with its password masked. Passwords are often not escaped: all up to the last `@` may belong to one.
fn hide(out: &mut String, scheme: &str, address: &str) {
    let Some((user_info, host)) = address.rsplit_once('@') else {
        return hide_parameters(out, address);
    };
    let is_web = scheme.ends_with("http") || scheme.ends_with("https");
    match user_info.split_once(':') {
        Some((user, _)) => out.extend([user, ":", HIDDEN]),
        // An `@` in the path or the query ends no password.
        None if user_info.contains(['/', '?', '#']) => return hide_parameters(out, address),
        // A token stands alone before the host of a Git server.
        None if is_web => out.push_str(HIDDEN),
        None => out.push_str(user_info),
    }
    out.push('@');
    hide_parameters(out, host);
}

/// Appends `text` with secret parameters masked: `?password=…`, `&sslkey=…`, `;password=…`.
fn hide_parameters(out: &mut String, text: &str) {
    let mut is_first = true;
    for part in text.split_inclusive(['?', '&', ';']) {
        let body = part.trim_end_matches(['?', '&', ';']);
        match body.split_once('=') {
            Some((name, value)) if !is_first && looks_secret(name) && !value.is_empty() => {
                out.push_str(name);
                out.push('=');
                out.push_str(HIDDEN);
                out.push_str(part.get(body.len()..).unwrap_or_default());
            }
            _ => out.push_str(part),
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_of_an_address_is_shown() {
        for (text, is_shown) in [
            ("postgres://souk:geheim@host/db", "postgres://souk:******@host/db"),
            ("redis://:geheim@host", "redis://:******@host"),
            ("postgres://souk:ge/he@im?x@host/db", "postgres://souk:******@host/db"),
            ("http://u:a@x:1,https://v:b,c@y:2/z", "http://u:******@x:1,https://v:******@y:2/z"),
            ("https://geheim@git.example.org/r", "https://******@git.example.org/r"),
            ("amqp://guest@mq", "amqp://guest@mq"),
            ("http://host/p?mail=a@b.c", "http://host/p?mail=a@b.c"),
            ("mssql://host/db?user=sa&password=geheim&x=1", "mssql://host/db?user=sa&password=******&x=1"),
            ("jdbc:x://host;password=geheim", "jdbc:x://host;password=******"),
            ("sqlite:./order.db", "sqlite:./order.db"),
            ("Souk", "Souk"),
        ] {
            assert_eq!(without_passwords(text), is_shown);
        }
    }

    #[test]
    fn keys_that_look_secret_show_nothing() {
        for key in ["admin-password", "encrypt.key", "stripeApiKey", "SIGNING_KEY_PEM", "git.private-key", "tokens[0]"]
        {
            assert_eq!(shown(key, "geheim"), HIDDEN, "{key}");
        }
        for key in ["store-url", "monkey", "keystone", "keep-alive-timeout", "compass", "encrypt.key-file"] {
            assert_eq!(shown(key, "geheim"), "geheim", "{key}");
        }
        assert_eq!(shown("admin-password", ""), "");
        assert_eq!(shown("store-url", "{cipher}00ff"), HIDDEN);
    }
}
