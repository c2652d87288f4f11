//! Requests for password resets, processed in the background: a response that does not wait for the lookup of
//! the address cannot reveal whether an account has it.

use std::time::Duration;

use souk_bus::trace;
use souk_events::PasswordResetRequested;

use crate::{
    account::Login,
    app::App,
    error::AuthError,
    store::{ResetRequest, ResetToken},
    token,
};

/// Validity of a reset token.
const TOKEN_LIFETIME: Duration = Duration::from_secs(3_600);
/// Valid reset tokens that one account may have; further requests are dropped.
const MAX_VALID_TOKENS: u64 = 5;

/// Processes all pending requests, oldest first.
pub(crate) async fn process_requests(app: &App) -> Result<(), AuthError> {
    loop {
        let requests = app.store.pending_reset_requests().await?;
        if requests.is_empty() {
            return Ok(());
        }
        let mut outcome = Ok(());
        for request in requests {
            let processed = trace::within(request.traceparent.clone(), process(app, &request)).await;
            // A request that fails does not hold up those after it.
            outcome = outcome.and(processed);
        }
        outcome?;
    }
}

async fn process(app: &App, request: &ResetRequest) -> Result<(), AuthError> {
    let now = app.clock.now();
    let account = app.store.account_by(&Login::Email(request.email_key.clone())).await?;
    let mut reset_token = None;
    let mut events = Vec::new();
    if let Some(account) = account.filter(|account| !account.locked)
        && app.store.count_valid_reset_tokens(account.user_id, now).await? < MAX_VALID_TOKENS
    {
        let token = token::draw(&app.ids);
        let expires_at = now.plus(TOKEN_LIFETIME);
        reset_token = Some(ResetToken { hash: token::hash(&token), user_id: account.user_id, expires_at });
        events.push(app.stamper.stamp(&PasswordResetRequested {
            user_id: account.user_id,
            username: account.username.as_str().to_owned(),
            email: account.email.as_str().to_owned(),
            token: token.expose().clone(),
            expires_at,
            language: Some(account.language.code().to_owned()),
            version: account.version,
        })?);
    }
    app.store.complete_reset_request(request.request_id.clone(), reset_token, events).await?;
    Ok(())
}
