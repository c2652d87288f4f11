//! The files of the web shop, and a welcome page for builds without one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use percent_encoding::percent_decode_str;

use crate::{
    error::GatewayError,
    extras::Asset,
    response::{GatewayResponse, ResponseBody},
};

/// Security headers of every page and file that the gateway serves.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

const SHOP_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";
const WELCOME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const WELCOME: &str = include_str!("files/welcome.html");

pub(crate) struct Files {
    find: Option<fn(&str) -> Option<Asset>>,
    welcome: String,
}

impl Files {
    /// Serves the files that `find` returns. `name` and `url` are the shop's, for the welcome page.
    pub fn new(find: Option<fn(&str) -> Option<Asset>>, name: &str, url: &str) -> Self {
        let url = url.trim_end_matches('/');
        Self { find, welcome: WELCOME.replace("{{shop}}", &escape(name)).replace("{{url}}", &escape(url)) }
    }

    /// Returns the file at `path`, which is percent-encoded. A path without a dot in its last segment is a page of the
    /// web shop, which has a router of its own: it gets `index.html`.
    pub fn response(&self, path: &str, method: &Method) -> Result<GatewayResponse, GatewayError> {
        let name = percent_decode_str(path.trim_start_matches('/')).decode_utf8();
        let name = name.map_err(|_| GatewayError::NoRoute)?;
        let find = |name: &str| self.find.and_then(|find| find(name));
        let is_page = name.is_empty() || !name.rsplit('/').next().unwrap_or_default().contains('.');
        let asset = if name.is_empty() { None } else { find(&name) };
        let asset = asset.or_else(|| if is_page { find("index.html") } else { None });
        match asset {
            Some(asset) => Ok(file(asset, SHOP_POLICY, method)),
            None if name.is_empty() => {
                let body = Cow::Owned(self.welcome.clone().into_bytes());
                let page = Asset { content_type: "text/html; charset=utf-8", body, cache: "no-cache" };
                Ok(file(page, WELCOME_POLICY, method))
            }
            None => Err(GatewayError::NoRoute),
        }
    }
}

pub(crate) fn add_security_headers(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
}

fn file(asset: Asset, policy: &'static str, method: &Method) -> GatewayResponse {
    let length = asset.body.len();
    let body = match asset.body {
        _ if method == Method::HEAD => axum::body::Body::empty(),
        Cow::Borrowed(body) => axum::body::Body::from(body),
        Cow::Owned(body) => axum::body::Body::from(body),
    };
    let mut response = Response::new(ResponseBody::Own(body));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    add_security_headers(headers);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(asset.cache));
    if asset.content_type.starts_with("text/html") {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
