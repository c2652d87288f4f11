//! Access control: users by password, bearer tokens, and, without any credentials, requests from this machine only.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, Method},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use souk_kit::{basic_auth::CredentialDigest, this_machine::is_from_this_machine};

use crate::{config::SecurityConfig, error::ConfigServerError};

/// Paths without access control. Only exact matches count, so that no application of a similar name becomes public.
const PUBLIC_PATHS: [&str; 6] = [
    "/health/live",
    "/health/ready",
    "/actuator/health",
    "/actuator/health/configServer",
    "/actuator/health/liveness",
    "/actuator/health/readiness",
];

const LOCAL_ONLY: &str = "No credentials are configured, so only requests from this machine are answered. \
                          Set config-server.security.user and config-server.security.password.";
const CREDENTIALS_REQUIRED: &str =
    "Send a user and a password (Basic) or a token (Bearer) that the config server knows.";
const ADMIN_REQUIRED: &str = "This is for administrators: send the credentials of config-server.security.admin-user, \
                              or config-server.security.admin-token.";

/// The rights of a caller, weakest first. Handlers find it in the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    /// A caller without valid credentials, on a public path.
    Unknown,
    /// May read configuration.
    Reader,
    /// May also encrypt, decrypt and refresh.
    Admin,
}

impl Caller {
    /// Errors: the caller is not an administrator.
    pub fn require_admin(self) -> Result<(), ConfigServerError> {
        match self {
            Self::Admin => Ok(()),
            Self::Reader => Err(ConfigServerError::Forbidden(ADMIN_REQUIRED)),
            Self::Unknown => Err(ConfigServerError::Unauthorized(CREDENTIALS_REQUIRED)),
        }
    }
}

pub(crate) struct Credentials(Vec<(CredentialDigest, Caller)>);

impl Credentials {
    /// Errors: a user without a password, a password without a user, or a colon in a user's name.
    pub fn new(config: &SecurityConfig) -> Result<Self, Vec<String>> {
        let mut mistakes = Vec::new();
        let mut known = Vec::new();
        let accounts = [
            ("", &config.user, &config.password, &config.token, Caller::Reader),
            ("admin-", &config.admin_user, &config.admin_password, &config.admin_token, Caller::Admin),
        ];
        let has_admin = !config.admin_user.is_empty() || !config.admin_token.expose().is_empty();
        for (prefix, user, password, token, caller) in accounts {
            // Without an administrator, readers have all rights.
            let caller = if has_admin { caller } else { Caller::Admin };
            match (user.as_str(), password.expose().as_str()) {
                ("", "") => {}
                ("", _) => {
                    mistakes.push(format!("config-server.security.{prefix}user is missing; its password is set"));
                }
                (_, "") => mistakes.push(format!("config-server.security.{prefix}password is missing")),
                (user, _) if user.contains(':') => {
                    mistakes.push(format!("config-server.security.{prefix}user must not contain a colon"));
                }
                (user, password) => known.push((CredentialDigest::basic(user, password), caller)),
            }
            if !token.expose().is_empty() {
                known.push((CredentialDigest::bearer(token.expose()), caller));
            }
        }
        if mistakes.is_empty() { Ok(Self(known)) } else { Err(mistakes) }
    }

    fn caller(&self, headers: &HeaderMap) -> Caller {
        let Some(presented) = CredentialDigest::presented(headers) else { return Caller::Unknown };
        // All are compared, so that the time does not depend on which of them matches.
        let matches = self.0.iter().map(|(known, caller)| if *known == presented { *caller } else { Caller::Unknown });
        matches.max().unwrap_or(Caller::Unknown)
    }
}

/// Identifies the callers of all routes, and refuses those that may not read.
#[derive(Clone)]
pub(crate) struct AccessControl {
    credentials: Arc<Credentials>,
    /// True when webhooks are signed: their handler then checks the signature in place of credentials.
    pub has_monitor_secret: bool,
}

impl AccessControl {
    pub fn new(credentials: Credentials, has_monitor_secret: bool) -> Self {
        Self { credentials: Arc::new(credentials), has_monitor_secret }
    }

    /// True when no credentials are configured.
    pub fn is_open(&self) -> bool {
        self.credentials.0.is_empty()
    }

    /// Errors: no credentials are configured for a server that others reach, unless that is meant.
    pub fn check_openness(&self, is_loopback: bool, is_insecure: bool) -> Result<(), String> {
        if !self.is_open() {
            return Ok(());
        }
        let advice = "set config-server.security.user and config-server.security.password";
        if !is_loopback && !is_insecure {
            return Err(format!(
                "config-server: it would listen beyond this machine without credentials; {advice}, or \
                 SOUK_CONFIG_SERVER__INSECURE=true to answer requests from this machine alone all the same"
            ));
        }
        let consequence = if is_loopback {
            "every user of this machine can read the configuration"
        } else {
            "only requests from this machine are answered"
        };
        tracing::warn!(advice, "no credentials are configured: {consequence}");
        Ok(())
    }

    pub fn guard(self, routes: Router) -> Router {
        routes.layer(middleware::from_fn_with_state(self, identify))
    }

    fn caller_of(&self, request: &Request) -> Result<Caller, ConfigServerError> {
        let caller = match self.is_open() {
            true if is_from_this_machine(request) => Caller::Admin,
            true => Caller::Unknown,
            false => self.credentials.caller(request.headers()),
        };
        let path = request.uri().path();
        let is_signed_webhook = request.method() == Method::POST && path == "/monitor" && self.has_monitor_secret;
        match caller {
            Caller::Unknown if PUBLIC_PATHS.contains(&path) || is_signed_webhook => Ok(Caller::Unknown),
            Caller::Unknown if self.is_open() => Err(ConfigServerError::Forbidden(LOCAL_ONLY)),
            Caller::Unknown => Err(ConfigServerError::Unauthorized(CREDENTIALS_REQUIRED)),
            known => Ok(known),
        }
    }
}

async fn identify(State(access): State<AccessControl>, mut request: Request, next: Next) -> Response {
    let caller = match access.caller_of(&request) {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    request.extensions_mut().insert(caller);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use souk_values::Secret;

    use super::*;

    fn config(user: &str, password: &str, admin: &str, token: &str) -> SecurityConfig {
        SecurityConfig {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            admin_user: admin.to_owned(),
            admin_password: Secret::new(password.to_owned()),
            admin_token: Secret::new(token.to_owned()),
            ..SecurityConfig::default()
        }
    }

    fn caller(credentials: &Credentials, authorization: &str) -> Caller {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, authorization.parse().unwrap());
        credentials.caller(&headers)
    }

    #[test]
    fn callers_are_identified_by_basic_and_bearer() {
        let credentials = Credentials::new(&config("ann", "p:w", "root", "t0ken")).unwrap();
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        assert_eq!(caller(&credentials, &basic("ann:p:w")), Caller::Reader);
        assert_eq!(caller(&credentials, &basic("root:p:w").replace("Basic", "basic")), Caller::Admin);
        assert_eq!(caller(&credentials, "Bearer t0ken"), Caller::Admin);
        for wrong in [&basic("ann:p"), &basic("ann:"), &basic(":"), "Bearer ann:p:w", "Bearer ", "Basic ?", "t0ken", ""]
        {
            assert_eq!(caller(&credentials, wrong), Caller::Unknown, "{wrong}");
        }
        let alone =
            Credentials::new(&SecurityConfig { admin_password: Secret::default(), ..config("ann", "p", "", "") });
        assert_eq!(caller(&alone.unwrap(), &basic("ann:p")), Caller::Admin);
    }

    #[test]
    fn half_credentials_are_mistakes() {
        for (user, password, admin) in [("ann", "", ""), ("", "x", ""), ("a:b", "x", "root"), ("ann", "x", "")] {
            assert!(Credentials::new(&config(user, password, admin, "")).is_err(), "{user} {password} {admin}");
        }
        assert!(Credentials::new(&SecurityConfig::default()).unwrap().0.is_empty());
    }
}
