//! One request to one config server.

use reqwest::{Response, StatusCode, header};
use souk_values::error_chain;
use url::Url;

use super::{FetchError, Fetched, RemoteConfig, Server, SignIn, response};
use crate::http_body::{BodyError, read_at_most};

/// Largest environment that is read, in bytes.
const MAX_ENVIRONMENT: usize = 8 << 20;
/// Largest body of a refusal that is read, in bytes.
const MAX_REFUSAL: usize = 64 << 10;

impl RemoteConfig {
    /// Fetches the configuration of `services` from `server`.
    pub(super) async fn fetch_from(&self, server: &Server, services: &[&str]) -> Result<Fetched, FetchError> {
        let shown = server.base.as_str().trim_end_matches('/');
        let unavailable =
            |cause: &dyn std::fmt::Display| FetchError::Unavailable(format!("the config server {shown}: {cause}"));
        let request = self.http.get(self.url(server, services)).header(header::ACCEPT, "application/json");
        let request = match &server.sign_in {
            SignIn::Nothing => request,
            SignIn::Basic { user, password } => request.basic_auth(user, Some(password.expose())),
            SignIn::Token(token) => request.bearer_auth(token.expose()),
        };
        let response = request.send().await.map_err(|error| unavailable(&error_chain(&error.without_url())))?;
        if !response.status().is_success() {
            return Err(self.refusal(server, response).await);
        }
        let body = match read_at_most(response, MAX_ENVIRONMENT).await {
            Ok(body) => body,
            Err(BodyError::Broken(error)) => return Err(unavailable(&error_chain(&error.without_url()))),
            Err(BodyError::TooLarge(_)) => {
                let text = format!("the config server {shown}: its response has more than {MAX_ENVIRONMENT} bytes");
                return Err(FetchError::Refused(text));
            }
        };
        response::parse(shown, &body).map_err(|wrong| unavailable(&wrong))
    }

    /// Returns the URL of an environment: `{base}/{order,cart}/{profiles}[/{label}]`.
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

    /// Maps a refusal to an error with advice.
    async fn refusal(&self, server: &Server, response: Response) -> FetchError {
        let status = response.status();
        let is_temporary = response.headers().contains_key(header::RETRY_AFTER);
        let shown = server.base.as_str().trim_end_matches('/');
        let reason = read_at_most(response, MAX_REFUSAL).await.ok().and_then(|body| response::reason(&body));
        let suffix = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let who = format!("the config server {shown}");
        match (status, &server.sign_in) {
            (StatusCode::UNAUTHORIZED, SignIn::Nothing) => FetchError::Refused(format!(
                "{who} requires credentials: write them into SOUK_CONFIG_URL (http://user:password@host:8888), or set \
                 SOUK_CONFIG_TOKEN"
            )),
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, SignIn::Basic { .. }) => {
                FetchError::Refused(format!("{who} refuses the user or password in SOUK_CONFIG_URL ({status})"))
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, SignIn::Token(_)) => {
                FetchError::Refused(format!("{who} refuses the token in SOUK_CONFIG_TOKEN ({status})"))
            }
            // A repository that the server cannot use yet: the protocol has no other status for it.
            (StatusCode::NOT_FOUND, _) if is_temporary => {
                FetchError::Unavailable(format!("{who} answers {status}{suffix}"))
            }
            (StatusCode::NOT_FOUND, _) => FetchError::Refused(self.not_found(&who, reason.as_deref())),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                FetchError::Unavailable(format!("{who} answers {status}{suffix}"))
            }
            _ if status.is_redirection() => FetchError::Refused(format!(
                "{who} answers {status}: set SOUK_CONFIG_URL to the address that it redirects to"
            )),
            _ => FetchError::Refused(format!(
                "{who} answers {status}{suffix}: check SOUK_CONFIG_PROFILES and SOUK_CONFIG_LABEL"
            )),
        }
    }

    /// Explains a 404; with a guess at the cause only when the server gives no reason.
    fn not_found(&self, who: &str, reason: Option<&str>) -> String {
        match (reason, &self.label) {
            (Some(reason), Some(label)) => {
                format!("{who} has nothing at the label '{label}' of SOUK_CONFIG_LABEL (404): {reason}")
            }
            (Some(reason), None) => format!("{who} has nothing for it (404): {reason}"),
            (None, Some(label)) => format!(
                "{who} has no label '{label}' (404): SOUK_CONFIG_LABEL is a branch, tag or commit of its repository; \
                 check the path in SOUK_CONFIG_URL too"
            ),
            (None, None) => format!(
                "{who} has nothing there (404): check the path in SOUK_CONFIG_URL and the server's default label"
            ),
        }
    }
}
