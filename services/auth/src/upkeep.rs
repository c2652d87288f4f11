//! Background work: deals with forgotten passwords, and forgets what is over.
//!
//! A request for a reset is answered before anybody looks whether the address is known, so that the
//! answer cannot tell.

use std::time::Duration;

use souk_bus::trace;
use souk_events::PasswordResetRequested;
use souk_values::clock;
use tokio_util::sync::CancellationToken;

use crate::{App, account::Login, error::AuthError, session, store::PendingReset};

/// How long a reset token is good.
pub const RESET_LIFE: Duration = Duration::from_secs(3_600);
/// Reset tokens that one account may have on their way.
const LIVE_RESETS: u64 = 5;
/// How often requests are looked for though nobody said that there is one.
const POLL: Duration = Duration::from_secs(2);
/// How often what is over is forgotten.
const PRUNE_EVERY: Duration = Duration::from_secs(600);

/// Mails a token to whoever forgot a password, until `stop`.
pub async fn send_resets(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = deal_with_pending(&app).await {
            tracing::warn!(error = %error, "requests for a new password wait");
        }
        // Real time on purpose: this is the pace of looking, not a term of the business.
        tokio::select! {
            () = app.reset_asked.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn deal_with_pending(app: &App) -> Result<(), AuthError> {
    loop {
        let pending = app.store.pending_resets().await?;
        if pending.is_empty() {
            return Ok(());
        }
        let mut outcome = Ok(());
        for request in pending {
            let dealt = trace::within(request.traceparent.clone(), deal_with(app, &request)).await;
            // One that fails does not hold up the others.
            outcome = outcome.and(dealt);
        }
        outcome?;
    }
}

async fn deal_with(app: &App, request: &PendingReset) -> Result<(), AuthError> {
    let now = app.clock.now();
    let account = app.store.account_by(&Login::Email(request.email_key.clone())).await?;
    let (mut token_row, mut events) = (None, Vec::new());
    if let Some(account) = account.filter(|account| !account.locked)
        && app.store.live_resets(account.user_id, now).await? < LIVE_RESETS
    {
        let token = session::draw_token(&app.ids);
        let expires_at = now.plus(RESET_LIFE);
        token_row = Some((session::hash(&token), account.user_id, expires_at));
        events.push(app.stamper.stamp(&PasswordResetRequested {
            user_id: account.user_id,
            username: account.username.as_str().to_owned(),
            email: account.email.as_str().to_owned(),
            token: token.expose().clone(),
            expires_at,
            version: account.version,
        })?);
    }
    app.store.deal_with_reset(request.request_id.clone(), token_row, events).await?;
    Ok(())
}

/// Forgets what is over, now and then, until `stop`.
pub async fn prune(app: App, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = clock::sleep(&*app.clock, PRUNE_EVERY) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = app.store.prune(app.clock.now()).await {
            tracing::warn!(error = %error, "what is over could not be forgotten");
        }
    }
}
