//! Files outside the web shop, the web shop, and a welcome page for builds without one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;

use crate::{
    error::GatewayError,
    extras::Asset,
    response::{GatewayResponse, ResponseBody},
    storefront::{ShopFacts, Storefront, escape},
};

/// Security headers of every page and file that the gateway serves.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

const WELCOME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

const WELCOME: &str = include_str!("files/welcome.html");

/// Everything at addresses that belong neither to a service nor to the gateway's own endpoints.
pub(crate) struct Files {
    find: Option<fn(&str) -> Option<Asset>>,
    storefront: Option<Storefront>,
    welcome: String,
}

impl Files {
    /// Serves the files that `find` returns, and the web shop; without one, a welcome page.
    pub fn new(find: Option<fn(&str) -> Option<Asset>>, storefront: Option<Storefront>, shop: &ShopFacts) -> Self {
        let welcome = WELCOME.replace("{{shop}}", &escape(&shop.name)).replace("{{url}}", &escape(&shop.url));
        Self { find, storefront, welcome }
    }

    /// Returns what is at the path of `uri`, which is percent-encoded.
    pub async fn response(
        &self,
        uri: &Uri,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<GatewayResponse, GatewayError> {
        let name = percent_decode_str(uri.path().trim_start_matches('/')).decode_utf8();
        let name = name.map_err(|_| GatewayError::NoRoute)?;
        if let Some(asset) = self.find.and_then(|find| find(&name)) {
            return Ok(file(asset, method));
        }
        if let Some(storefront) = &self.storefront {
            let mut response = Box::pin(storefront.response(&name, uri, method, headers)).await?;
            add_security_headers(response.headers_mut());
            return Ok(response);
        }
        if !name.is_empty() {
            return Err(GatewayError::NoRoute);
        }
        let body = Cow::Owned(self.welcome.clone().into_bytes());
        let mut page = file(Asset { content_type: "text/html; charset=utf-8", body, cache: "no-cache" }, method);
        page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(WELCOME_POLICY));
        Ok(page)
    }
}

pub(crate) fn add_security_headers(headers: &mut HeaderMap) {
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
}

fn file(asset: Asset, method: &Method) -> GatewayResponse {
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
    response
}
