//! The cookie that holds a browser's refresh token, out of the reach of its scripts.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use souk_values::Secret;

use crate::{App, session::REFRESH_LIFE};

const NAME: &str = "souk_refresh";

/// How the caller keeps its refresh token.
#[derive(Debug, Clone)]
pub struct Keeping {
    /// Whether the caller is a browser (`X-Souk-Client: browser`), whose token is kept in a cookie.
    pub browser: bool,
    /// What the cookie holds. Read for browsers only: another site can make a browser send the cookie,
    /// but not that header.
    pub token: Option<Secret>,
    secure: bool,
}

impl FromRequestParts<App> for Keeping {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let client = parts.headers.get("x-souk-client");
        let browser = client.is_some_and(|client| client.as_bytes().eq_ignore_ascii_case(b"browser"));
        let token = if browser { read(&parts.headers) } else { None };
        Ok(Self { browser, token, secure: !(app.public_is_loopback && reached_on_loopback(&parts.headers)) })
    }
}

impl Keeping {
    /// Makes the browser keep `token`.
    pub fn keep(&self, response: &mut Response, token: &Secret) {
        self.set(response, token.expose(), REFRESH_LIFE.as_secs());
    }

    /// Makes the browser forget its token. Does nothing for another caller.
    pub fn forget(&self, response: &mut Response) {
        if self.browser {
            self.set(response, "", 0);
        }
    }

    fn set(&self, response: &mut Response, value: &str, max_age: u64) {
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!("{NAME}={value}; Path=/api/auth; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

fn read(headers: &HeaderMap) -> Option<Secret> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == NAME && !value.is_empty()).map(|(_, value)| Secret::new(value.to_owned()))
}

/// Whether the host that the caller named, as far as a proxy tells, is this machine itself.
fn reached_on_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get("x-forwarded-host").or_else(|| headers.get(header::HOST));
    host.and_then(|host| host.to_str().ok()).is_some_and(|host| is_loopback(&format!("http://{host}")))
}

/// Whether `url`'s host is this machine itself.
pub fn is_loopback(url: &str) -> bool {
    match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        for url in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:1", "http://shop.localhost/"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in ["https://shop.example", "http://localhost.example", "http://10.0.0.1", "", "localhost"] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; souk_refresh_old=x".parse().unwrap());
        assert_eq!(read(&headers), None);
        headers.append(header::COOKIE, "c=d; souk_refresh=abc".parse().unwrap());
        assert_eq!(read(&headers).unwrap().expose(), "abc");
    }
}
