//! One question to one config server.

use futures::StreamExt;
use reqwest::{Response, StatusCode, header};
use url::Url;

use super::{FetchError, Fetched, RemoteConfig, Server, SignIn, answer};
use crate::call::chain;

/// The largest answer, bytes.
const LARGEST_ANSWER: usize = 8 << 20;
/// What is read of a refusal, bytes.
const LARGEST_REFUSAL: usize = 64 << 10;

/// Why a body was not read.
enum Unread {
    TooLarge,
    Broken(reqwest::Error),
}

impl RemoteConfig {
    /// What `server` has for `services`.
    pub(super) async fn ask(&self, server: &Server, services: &[&str]) -> Result<Fetched, FetchError> {
        let shown = server.base.as_str().trim_end_matches('/');
        let away = |cause: &dyn std::fmt::Display| FetchError::Away(format!("the config server {shown}: {cause}"));
        let request = self.http.get(self.url(server, services)).header(header::ACCEPT, "application/json");
        let request = match &server.sign_in {
            SignIn::Nothing => request,
            SignIn::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
            SignIn::Token(token) => request.bearer_auth(token.expose()),
        };
        let response = request.send().await.map_err(|error| away(&chain(&error.without_url())))?;
        if !response.status().is_success() {
            return Err(self.refusal(server, response).await);
        }
        let body = match read(response, LARGEST_ANSWER).await {
            Ok(body) => body,
            Err(Unread::Broken(error)) => return Err(away(&chain(&error.without_url()))),
            Err(Unread::TooLarge) => {
                let text = format!("the config server {shown}: its answer has more than {LARGEST_ANSWER} bytes");
                return Err(FetchError::Refused(text));
            }
        };
        answer::read(shown, &body).map_err(|wrong| away(&wrong))
    }

    /// `{base}/{order,cart}/{profiles}[/{label}]`.
    fn url(&self, server: &Server, services: &[&str]) -> Url {
        let mut url = server.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push(&services.join(",")).push(&self.profiles.join(","));
            if let Some(label) = &self.label {
                path.push(&label.replace('/', "(_)"));
            }
        }
        url
    }

    /// What a server says that gives no configuration.
    async fn refusal(&self, server: &Server, response: Response) -> FetchError {
        let status = response.status();
        let may_come_again = response.headers().contains_key(header::RETRY_AFTER);
        let shown = server.base.as_str().trim_end_matches('/');
        let message = read(response, LARGEST_REFUSAL).await.ok().and_then(|body| answer::message(&body));
        let said = message.as_ref().map(|said| format!(": {said}")).unwrap_or_default();
        let who = format!("the config server {shown}");
        match (status, &server.sign_in) {
            (StatusCode::UNAUTHORIZED, SignIn::Nothing) => FetchError::Refused(format!(
                "{who} wants credentials: write them into SOUK_CONFIG_URL (http://user:password@host:8888), or set \
                 SOUK_CONFIG_TOKEN"
            )),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, SignIn::Basic { .. }) => {
                FetchError::Refused(format!("{who} refuses the user or password in SOUK_CONFIG_URL ({status})"))
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, SignIn::Token(_)) => {
                FetchError::Refused(format!("{who} refuses the token in SOUK_CONFIG_TOKEN ({status})"))
            }
            // A repository that it cannot use yet: the protocol has no other status for that.
            (StatusCode::NOT_FOUND, _) if may_come_again => FetchError::Away(format!("{who} answers {status}{said}")),
            (StatusCode::NOT_FOUND, _) => FetchError::Refused(self.not_found(&who, message.as_deref())),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                FetchError::Away(format!("{who} answers {status}{said}"))
            }
            _ if status.is_redirection() => {
                FetchError::Refused(format!("{who} answers {status}: name in SOUK_CONFIG_URL the address it leads to"))
            }
            _ => FetchError::Refused(format!(
                "{who} answers {status}{said}: look at SOUK_CONFIG_PROFILES and SOUK_CONFIG_LABEL"
            )),
        }
    }

    /// What is guessed is only told when the server gives no reason of its own.
    fn not_found(&self, who: &str, said: Option<&str>) -> String {
        match (said, &self.label) {
            (Some(said), Some(label)) => {
                format!("{who} has nothing at the label '{label}' of SOUK_CONFIG_LABEL (404): {said}")
            }
            (Some(said), None) => format!("{who} has nothing for it (404): {said}"),
            (None, Some(label)) => format!(
                "{who} has no label '{label}' (404): SOUK_CONFIG_LABEL is a branch, tag or commit of its repository; \
                 look at the path in SOUK_CONFIG_URL too"
            ),
            (None, None) => format!(
                "{who} has nothing there (404): look at the path in SOUK_CONFIG_URL, and at the server's default label"
            ),
        }
    }
}

/// The whole body, if it has no more than `most` bytes.
async fn read(response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(Unread::Broken)?;
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
