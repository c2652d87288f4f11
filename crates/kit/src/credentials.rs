//! User and password that stand in an address, such as `http://user:p%40ss@host/`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use souk_values::Secret;
use url::Url;

/// User and password in an address are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("user and password in the address are not valid UTF-8")]
pub struct Unreadable;

/// Takes user and password out of `url`, which can be shown then. Answers them decoded, if there were any.
///
/// Errors: they are no UTF-8, or `url` is of a kind that has none.
pub fn take(url: &mut Url) -> Result<Option<(String, Secret)>, Unreadable> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(Cow::into_owned).map_err(|_| Unreadable);
    let taken = match (url.username(), url.password()) {
        ("", None) => return Ok(None),
        (user, password) => (decoded(user)?, Secret::new(decoded(password.unwrap_or_default())?)),
    };
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| Unreadable)?;
    Ok(Some(taken))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_decoded_and_gone_from_the_address() {
        let mut url = Url::parse("http://so%75k:p%40%3Ass@host:8761/eureka").unwrap();
        let (user, password) = take(&mut url).unwrap().unwrap();
        assert_eq!((user.as_str(), password.expose().as_str()), ("souk", "p@:ss"));
        assert_eq!(url.as_str(), "http://host:8761/eureka");
        assert_eq!(take(&mut url), Ok(None));
        let mut wrong = Url::parse("http://souk:%ff@host/").unwrap();
        assert_eq!(take(&mut wrong), Err(Unreadable));
    }
}
