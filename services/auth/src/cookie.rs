//! The cookie that holds a browser's refresh token, out of reach of its scripts.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use souk_values::Secret;

use crate::{app::App, loopback::is_loopback_url, session::REFRESH_LIFETIME};

const NAME: &str = "souk_refresh";

/// The refresh token's cookie in a request, and the attributes for setting it in the response.
#[derive(Debug, Clone)]
pub(crate) struct RefreshCookie {
    /// True for callers that keep their refresh token in the cookie: browsers, with `X-Souk-Client: browser`.
    pub(crate) is_browser: bool,
    /// Token in the cookie; always `None` unless `is_browser`. Another site can make a browser send the cookie,
    /// but not that header.
    pub(crate) token: Option<Secret>,
    secure: bool,
}

impl FromRequestParts<App> for RefreshCookie {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let client = parts.headers.get("x-souk-client");
        let is_browser = client.is_some_and(|client| client.as_bytes().eq_ignore_ascii_case(b"browser"));
        let token = if is_browser { read(&parts.headers) } else { None };
        let secure = !(app.public_is_loopback && requested_on_loopback(&parts.headers));
        Ok(Self { is_browser, token, secure })
    }
}

impl RefreshCookie {
    pub(crate) fn set(&self, response: &mut Response, token: &Secret) {
        self.write(response, token.expose(), REFRESH_LIFETIME.as_secs());
    }

    /// Clears the cookie of a browser; does nothing for other callers.
    pub(crate) fn clear(&self, response: &mut Response) {
        if self.is_browser {
            self.write(response, "", 0);
        }
    }

    fn write(&self, response: &mut Response, value: &str, max_age: u64) {
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

/// True if the host that the caller requested, as reported by the proxy, is this machine itself.
fn requested_on_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get("x-forwarded-host").or_else(|| headers.get(header::HOST));
    host.and_then(|host| host.to_str().ok()).is_some_and(|host| is_loopback_url(&format!("http://{host}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, "a=b; souk_refresh_old=x".parse().unwrap());
        assert_eq!(read(&headers), None);
        headers.append(header::COOKIE, "c=d; souk_refresh=abc".parse().unwrap());
        assert_eq!(read(&headers).unwrap().expose(), "abc");
    }
}
