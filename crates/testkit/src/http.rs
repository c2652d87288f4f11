//! An HTTP client for tests, with one call per request and the whole response read.

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;

/// A client of one base URL, with or without a bearer token.
#[derive(Debug, Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    headers: Vec<(String, String)>,
    http: reqwest::Client,
}

/// A response with its body as text and as JSON.
#[derive(Debug, Clone)]
pub struct TestResponse {
    /// Status code of the response.
    pub status: StatusCode,
    /// Headers of the response.
    pub headers: HeaderMap,
    /// Body parsed as JSON; `Null` if it is not JSON.
    pub json: Value,
    /// Body as text.
    pub text: String,
}

impl TestResponse {
    /// Returns this response, and asserts its status.
    ///
    /// # Panics
    /// When the status is not `status`, with the body.
    #[track_caller]
    #[expect(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "many tests check the status only")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Asserts that the body is a problem+json with this status and code.
    ///
    /// # Panics
    /// When the body is none, or another one.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.json["code"], code, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
    }

    /// Returns the text of a header, empty if it is missing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    /// Returns a client of `base`: `http://host:port` with or without a path prefix.
    #[must_use]
    pub fn new(base: impl Into<String>) -> Self {
        Self { base: base.into(), token: None, headers: Vec::new(), http: reqwest::Client::new() }
    }

    /// Returns a copy that sends `token` as bearer token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// Returns a copy that sends a header with every request, in place of an earlier one of that name.
    #[must_use]
    pub fn with_header(&self, name: &str, value: impl Into<String>) -> Self {
        let mut headers = self.headers.clone();
        headers.retain(|(other, _)| other != name);
        headers.push((name.to_owned(), value.into()));
        Self { headers, ..self.clone() }
    }

    /// Sends a `GET` request.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(Method::GET, path, None).await
    }

    /// Sends a `POST` request with a JSON body.
    pub async fn post(&self, path: &str, body: Value) -> TestResponse {
        self.send(Method::POST, path, Some(body.to_string())).await
    }

    /// Sends a `POST` request with a JSON body and the header `Idempotency-Key`.
    pub async fn post_keyed(&self, path: &str, key: &str, body: Value) -> TestResponse {
        self.with_header("idempotency-key", key).post(path, body).await
    }

    /// Sends a `PUT` request with a JSON body.
    pub async fn put(&self, path: &str, body: Value) -> TestResponse {
        self.send(Method::PUT, path, Some(body.to_string())).await
    }

    /// Sends a `PATCH` request with a JSON body.
    pub async fn patch(&self, path: &str, body: Value) -> TestResponse {
        self.send(Method::PATCH, path, Some(body.to_string())).await
    }

    /// Sends a `DELETE` request.
    pub async fn delete(&self, path: &str) -> TestResponse {
        self.send(Method::DELETE, path, None).await
    }

    /// Sends a request with any method, and `body` unchanged as `application/json`.
    ///
    /// # Panics
    /// When there is no response.
    pub async fn send(&self, method: Method, path: &str, body: Option<String>) -> TestResponse {
        self.try_send(method, path, body).await.unwrap()
    }

    /// Sends a request, and returns the status and the code of the problem, if the response is one. Reads no other body: that
    /// of an event stream never ends.
    ///
    /// # Panics
    /// When there is no response.
    pub async fn status(&self, method: Method, path: &str, body: Option<String>) -> (StatusCode, String) {
        let response = self.request(method, path, body).send().await.unwrap();
        let status = response.status();
        if status.is_success() {
            return (status, String::new());
        }
        let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null);
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Like [`Client::send`], for a server that may be down. Errors: there is no response, or it is incomplete.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<TestResponse, reqwest::Error> {
        let response = self.request(method, path, body).send().await?;
        let status = response.status();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(TestResponse { status, headers, json, text })
    }

    fn request(&self, method: Method, path: &str, body: Option<String>) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }
}
