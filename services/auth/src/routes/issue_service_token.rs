//! `POST /internal/tokens`: issuing tokens to services and to the operator's commands, against a secret.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use garde::{Path, Report, Validate};
use serde::Deserialize;
use souk_kit::{
    auth::{ACCESS_LIFETIME, Claims, Role, ServiceToken, ServiceTokenRequest},
    extract::ValidJson,
};
use souk_values::Secret;

use crate::{app::App, error::AuthError, session};

/// Name that the operator's commands use, with a secret of their own.
const OPERATOR: &str = "operator";

#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct ValidRequest(ServiceTokenRequest);

impl Validate for ValidRequest {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        let name = &self.0.service;
        let fits = (1..=40).contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        if !fits {
            report.append(parent().join("service"), garde::Error::new("must be the name of a service, such as order"));
        }
    }
}

/// Issues an access token to a service of the shop.
///
/// For calls between services only; the gateway does not route it.
#[utoipa::path(post, path = "", request_body = ServiceTokenRequest,
    responses(
        (status = 200, body = ServiceToken, description = "A token that is valid for 15 minutes"),
        (status = 401, description = "`auth.service_secret_wrong`"),
    ))]
pub(crate) async fn handle(
    State(app): State<App>,
    ValidJson(body): ValidJson<ValidRequest>,
) -> Result<Response, AuthError> {
    let ValidRequest(ServiceTokenRequest { service, secret }) = body;
    let secret = Secret::new(secret);
    let jti = app.ids.token(16);
    let now = app.clock.now();
    let claims = if service == OPERATOR {
        verify_secret(&app.operator_secret, &secret)?;
        let admin = app.store.first_admin().await?.ok_or(AuthError::Defect("there is no admin".into()))?;
        let claims = session::claims(admin.user_id.to_string(), jti, now, Role::Admin, Some(service));
        Claims { epoch: admin.sign_in_epoch, ..claims }
    } else {
        verify_secret(&app.service_secret, &secret)?;
        session::claims(service, jti, now, Role::Service, None)
    };
    let token = ServiceToken { access_token: app.keys.signing().sign(&claims)?, expires_in: ACCESS_LIFETIME.as_secs() };
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(token)).into_response())
}

/// Errors unless both secrets are equal and not empty.
fn verify_secret(expected: &Secret, given: &Secret) -> Result<(), AuthError> {
    // Compares hashes: a constant-time comparison of the secrets themselves would still reveal their length.
    let hash = |secret: &Secret| digest::digest(&digest::SHA256, secret.expose().as_bytes());
    let equal = verify_slices_are_equal(hash(expected).as_ref(), hash(given).as_ref()).is_ok();
    if equal && !expected.expose().is_empty() { Ok(()) } else { Err(AuthError::ServiceSecretWrong) }
}
