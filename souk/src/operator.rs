//! An operator's calls to the shop that runs on a folder.

use reqwest::{Method, StatusCode, header};
use souk_kit::{
    Problem,
    auth::{ServiceToken, ServiceTokenRequest},
};

use crate::{CommandError, folder::Run};

/// Calls the running shop as its operator.
pub struct Operator {
    http: reqwest::Client,
    gateway: String,
    token: String,
}

impl Operator {
    /// Signs in at the shop that `run` describes.
    pub async fn sign_in(run: &Run) -> Result<Self, CommandError> {
        let http = reqwest::Client::builder().no_proxy().build().map_err(CommandError::failed)?;
        let ask = ServiceTokenRequest { service: "operator".to_owned(), secret: run.operator_token.clone() };
        let url = format!("{}/internal/tokens", run.auth);
        let answer = http.post(url).json(&ask).send().await.map_err(|error| unreachable(&error))?;
        let answer = answer.error_for_status().map_err(CommandError::failed)?;
        let token: ServiceToken = answer.json().await.map_err(CommandError::failed)?;
        Ok(Self { http, gateway: run.gateway.clone(), token: token.access_token })
    }

    /// Sends a request below `/api`; answers the body of a success. Fails with the shop's own words.
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
        let answer = request.send().await.map_err(|error| unreachable(&error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(CommandError::failed)?;
        if status.is_success() { Ok(text) } else { Err(refusal(status, &text)) }
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
