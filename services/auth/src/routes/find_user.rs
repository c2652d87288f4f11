//! `POST /internal/users/find`: finds a user for other services.

use axum::{Json, extract::State};
use garde::{Path, Report, Validate};
use serde::Deserialize;
use souk_kit::{auth::PeerService, extract::ValidJson, text};
use souk_peers::auth::{FindUser, FoundUser};

use crate::{account::Login, app::App, error::AuthError};

/// Maximum length of an address in characters; longer ones belong to no account.
const MAX_EMAIL: usize = 200;

/// Adds validation to [`FindUser`], which the crate of the peers only defines.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct ValidRequest(FindUser);

impl Validate for ValidRequest {
    type Context = ();

    fn validate_into(&self, (): &(), parent: &mut dyn FnMut() -> Path, report: &mut Report) {
        if let Err(error) = text::check_line(&self.0.email, MAX_EMAIL) {
            report.append(parent().join("email"), error);
        }
    }
}

/// Returns the user whose account has an e-mail address.
///
/// For calls between services only; the gateway does not route it.
#[utoipa::path(post, path = "", request_body = FindUser, responses((status = 200, body = FoundUser)))]
pub(crate) async fn handle(
    State(app): State<App>,
    _: PeerService,
    ValidJson(ValidRequest(FindUser { email })): ValidJson<ValidRequest>,
) -> Result<Json<FoundUser>, AuthError> {
    let account = app.store.account_by(&Login::Email(email)).await?;
    Ok(Json(FoundUser { user_id: account.map(|account| account.user_id) }))
}
