//! An operator's requests to the shop that runs on a folder.

use futures::{Stream, TryStreamExt as _};
use reqwest::{Method, StatusCode, header};
use souk_kit::{
    Problem,
    auth::{ServiceToken, ServiceTokenRequest},
};

use crate::{command_error::CommandError, folder::RunningShop};

/// An API client with an operator's token.
pub struct Operator {
    http: reqwest::Client,
    gateway: String,
    token: String,
}

impl Operator {
    pub async fn sign_in(shop: &RunningShop) -> Result<Self, CommandError> {
        // A proxy of the environment is for the internet, not for a shop on this machine.
        let http = reqwest::Client::builder().no_proxy().build().map_err(CommandError::failed)?;
        let request = ServiceTokenRequest { service: "operator".to_owned(), secret: shop.operator_token.clone() };
        let url = format!("{}/internal/tokens", shop.auth);
        let response = http.post(url).json(&request).send().await.map_err(|error| unreachable(&error))?;
        let response = response.error_for_status().map_err(CommandError::failed)?;
        let token: ServiceToken = response.json().await.map_err(CommandError::failed)?;
        Ok(Self { http, gateway: shop.gateway.clone(), token: token.access_token })
    }

    /// Sends a request to `path` below `/api` and returns the body of a successful response.
    ///
    /// Errors: the problem that the shop reports, in its own words.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<String, CommandError> {
        let mut request = self.http.request(method, format!("{}/api{path}", self.gateway)).bearer_auth(&self.token);
        if let Some((content_type, body)) = body {
            request = request.header(header::CONTENT_TYPE, content_type).body(body);
        }
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(CommandError::failed)?;
        if status.is_success() { Ok(text) } else { Err(refusal(status, &text)) }
    }

    /// Returns the body of `GET path` below `/api` in parts. Errors: as of [`send`](Self::send).
    pub async fn download(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<impl AsRef<[u8]>, CommandError>>, CommandError> {
        let request = self.http.get(format!("{}/api{path}", self.gateway)).bearer_auth(&self.token);
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        if !status.is_success() {
            let text = response.text().await.map_err(CommandError::failed)?;
            return Err(refusal(status, &text));
        }
        Ok(response.bytes_stream().map_err(CommandError::failed))
    }
}

fn refusal(status: StatusCode, text: &str) -> CommandError {
    match serde_json::from_str::<Problem>(text) {
        Ok(problem) => CommandError::failed(format!("{} ({})", problem.detail, problem.code)),
        Err(_) => CommandError::failed(format!("the shop answered {status}")),
    }
}

fn unreachable(error: &reqwest::Error) -> CommandError {
    CommandError::failed(format!("the shop runs, but does not answer: {error}"))
}
