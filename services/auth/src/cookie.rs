//! The cookies that hold a browser's refresh token and its device's token, out of reach of its scripts.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::Response,
};
use souk_kit::cookies;
use souk_values::Secret;

use crate::{app::App, device::DEVICE_LIFETIME, loopback::is_loopback_url, session::REFRESH_LIFETIME};

const REFRESH: &str = "souk_refresh";
const DEVICE: &str = "souk_device";

/// The cookies of a request, and the attributes for setting them in the response.
#[derive(Debug, Clone)]
pub(crate) struct BrowserCookies {
    /// True for callers that keep their refresh token in the cookie: browsers, with `X-Souk-Client: browser`.
    pub(crate) is_browser: bool,
    /// Refresh token in the cookie; always `None` unless `is_browser`. Another site can make a browser send the cookie,
    /// but not that header.
    pub(crate) refresh: Option<Secret>,
    /// Token of a device from which someone has signed in before; always `None` unless `is_browser`.
    pub(crate) device: Option<Secret>,
    secure: bool,
}

impl FromRequestParts<App> for BrowserCookies {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let client = parts.headers.get("x-souk-client");
        let is_browser = client.is_some_and(|client| client.as_bytes().eq_ignore_ascii_case(b"browser"));
        let secure = !(app.public_is_loopback && requested_on_loopback(&parts.headers));
        let of = |name| if is_browser { read(&parts.headers, &full_name(name, secure)) } else { None };
        Ok(Self { is_browser, refresh: of(REFRESH), device: of(DEVICE), secure })
    }
}

impl BrowserCookies {
    pub(crate) fn set_refresh(&self, response: &mut Response, token: &Secret) {
        self.write(response, REFRESH, token.expose(), REFRESH_LIFETIME);
    }

    pub(crate) fn set_device(&self, response: &mut Response, token: &Secret) {
        self.write(response, DEVICE, token.expose(), DEVICE_LIFETIME);
    }

    /// Clears the refresh token of a browser; does nothing for other callers. The device stays known.
    pub(crate) fn clear(&self, response: &mut Response) {
        if self.is_browser {
            self.write(response, REFRESH, "", Duration::ZERO);
        }
    }

    fn write(&self, response: &mut Response, name: &str, value: &str, lifetime: Duration) {
        let (name, max_age) = (full_name(name, self.secure), lifetime.as_secs());
        let secure = if self.secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/api/auth; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}");
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}

/// Returns the cookie's name. With TLS it has a prefix, by which a browser takes it from this host over TLS only: neither a
/// subdomain nor someone on the network can plant one. `__Host-` would require the path `/`, and so send it with everything.
fn full_name(name: &str, secure: bool) -> String {
    if secure { format!("__Secure-{name}") } else { name.to_owned() }
}

fn read(headers: &HeaderMap, name: &str) -> Option<Secret> {
    cookies::find(headers, name).map(|value| Secret::new(value.to_owned()))
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
        assert_eq!(read(&headers, REFRESH), None);
        headers.append(header::COOKIE, "c=d; souk_refresh=abc".parse().unwrap());
        assert_eq!(read(&headers, REFRESH).unwrap().expose(), "abc");
    }
}
