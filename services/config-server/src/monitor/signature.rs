//! Authenticates webhooks by their signature or token. Comparisons take constant time.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest, hmac};
use axum::http::HeaderMap;
use base64::{Engine, engine::general_purpose::STANDARD};

/// Headers with an HMAC of the body in hexadecimal: GitHub, Bitbucket, Gitea, Gogs.
const SIGNATURES: [&str; 4] = ["x-hub-signature-256", "x-hub-signature", "x-gitea-signature", "x-gogs-signature"];
/// Headers with the secret itself: GitLab, Gitee.
const TOKENS: [&str; 2] = ["x-gitlab-token", "x-gitee-token"];

/// True when a header of the request proves that its sender knows `secret`.
pub(crate) fn is_authentic(headers: &HeaderMap, body: &[u8], secret: &str) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let is_signed = |signature: &str| {
        // A signature with SHA-1 has another prefix, which no decoding as hexadecimal survives: SHA-1 is not accepted.
        let digits = signature.strip_prefix("sha256=").unwrap_or(signature);
        hex::decode(digits).is_ok_and(|signature| hmac::verify(&key, body, &signature).is_ok())
    };
    SIGNATURES.into_iter().filter_map(text).any(is_signed)
        || TOKENS.into_iter().filter_map(text).any(|token| is_same(token, secret))
        || is_signed_by_gitee(text("x-gitee-token"), text("x-gitee-timestamp"), &key, secret)
}

/// Verifies the other form of Gitee, which signs the time and the secret instead of sending the secret.
fn is_signed_by_gitee(token: Option<&str>, time: Option<&str>, key: &hmac::Key, secret: &str) -> bool {
    let (Some(token), Some(time)) = (token, time) else { return false };
    let signature = STANDARD.decode(token).unwrap_or_default();
    hmac::verify(key, format!("{time}\n{secret}").as_bytes(), &signature).is_ok()
}

/// Compares digests, so that not even the length is revealed.
fn is_same(one: &str, other: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    verify_slices_are_equal(digest(one).as_ref(), digest(other).as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl dgst -sha256 -hmac "It's a Secret to Everybody"` of `Hello, World!`, GitHub's own example.
    const SIGNED: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const SECRET: &str = "It's a Secret to Everybody";

    fn authentic(name: &'static str, value: &str, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        is_authentic(&headers, body.as_bytes(), SECRET)
    }

    #[test]
    fn signatures_of_every_host() {
        let prefixed = format!("sha256={SIGNED}");
        for (name, value) in [
            ("x-hub-signature-256", prefixed.as_str()),
            ("x-hub-signature", &prefixed),
            ("x-gitea-signature", SIGNED),
            ("x-gogs-signature", SIGNED),
            ("x-gitlab-token", SECRET),
            ("x-gitee-token", SECRET),
        ] {
            assert!(authentic(name, value, "Hello, World!"), "{name}");
            if !name.ends_with("token") {
                assert!(!authentic(name, value, "Hello, World?"), "{name}: another body");
            }
            let mut wrong = value.to_owned();
            wrong.replace_range(8..9, if wrong.get(8..9) == Some("0") { "1" } else { "0" });
            for wrong in [wrong.as_str(), "", "sha256=", "sha1=2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"] {
                assert!(!authentic(name, wrong, "Hello, World!"), "{name}: {wrong}");
            }
        }
        assert!(!authentic("x-github-event", "push", "Hello, World!"));
    }

    #[test]
    fn gitee_may_sign_the_time() {
        let mut headers = HeaderMap::new();
        headers.insert("x-gitee-timestamp", "1576754827988".parse().unwrap());
        // `printf '1576754827988\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64`
        headers.insert("x-gitee-token", "2D978FIy4DMMTbiN80zQkNH1Eq/kMBt3gL6OnWfGzzY=".parse().unwrap());
        assert!(is_authentic(&headers, b"{}", "this is secret"));
        assert!(!is_authentic(&headers, b"{}", "this is another"));
    }
}
