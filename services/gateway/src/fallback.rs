//! Answers in place of a target that did not: the `fallbackUri` of the filter `CircuitBreaker`.

use axum::response::IntoResponse;
use http::{HeaderMap, Method, Request, Uri, uri::PathAndQuery};
use souk_kit::Problem;

use crate::{
    error::GatewayError,
    headers::ClientAddress,
    proxy::Proxy,
    response::{GatewayResponse, ResponseBody},
    routes,
    upload::Upload,
};

impl Proxy {
    /// Answers from another path of this gateway: an endpoint of its own, or another route, whose own fallback is not
    /// used. Method and headers are those of the request. Its body may be half sent, so this one has none.
    pub async fn fall_back(
        &self,
        to: &PathAndQuery,
        method: Method,
        headers: HeaderMap,
        client: &ClientAddress,
    ) -> Result<GatewayResponse, GatewayError> {
        let uri = Uri::from(to.clone());
        if routes::is_own(uri.path(), self.has_test_clock) {
            let mut request = Request::new(axum::body::Body::empty());
            (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) = (method, uri, headers);
            return Ok(self.answer_own(request).await);
        }
        let Some(entry) = self.entry(&method, &uri, &headers, client) else {
            tracing::warn!(service = "gateway", path = uri.path(), "a fallback leads nowhere");
            return Ok(Problem::from(GatewayError::NoRoute).into_response().map(ResponseBody::Own));
        };
        self.send(entry, (method, &uri, headers, Upload::default())).await
    }
}
