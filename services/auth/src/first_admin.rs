//! The first admin, created at the start of a shop that has none.

use souk_kit::{StartError, auth::Role};
use souk_sql::SqlError;
use souk_values::{Language, Secret};

use crate::{
    AuthConfig,
    account::{Account, Email, Profile, Username},
    app::App,
    password::NewPassword,
    session,
    store::{Conflict, NewAccount},
};

/// The admin that this start created, for the process to show once.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    pub email: String,
    pub password: Secret,
    /// True if the password was generated, so that no one knows it yet.
    pub generated: bool,
}

/// Creates the first admin unless there is one.
pub(crate) async fn ensure(app: &App, config: &AuthConfig) -> Result<Option<FirstAdmin>, StartError> {
    if app.store.has_admin().await? {
        return Ok(None);
    }
    let email = Email::parse(&config.admin_email)
        .map_err(|error| StartError::Other(format!("auth.admin-email {}", error.message)))?;
    let generated = config.admin_password.expose().is_empty();
    let password = if generated { Secret::new(app.ids.token(12)) } else { config.admin_password.clone() };
    if NewPassword::parse("password", &password, None, Some(&email)).is_err() {
        tracing::warn!("auth.admin-password is weaker than the rules for customers allow");
    }
    let hash = app
        .hasher
        .hash(NewPassword::unchecked(password.clone()))
        .await
        .map_err(|error| StartError::Other(error.to_string()))?;
    let created = insert(app, &email, hash).await?;
    Ok(created.then(|| FirstAdmin { email: config.admin_email.clone(), password, generated }))
}

/// Inserts the account. Returns false if another replica was first.
async fn insert(app: &App, email: &Email, hash: Secret) -> Result<bool, StartError> {
    let mut name = "admin".to_owned();
    loop {
        let username = Username::parse(&name).map_err(|error| StartError::Other(error.message))?;
        let id = session::draw_account_id(&app.ids);
        let profile = Profile { username: username.clone(), email: email.clone(), language: Language::default() };
        let (account, event) = Account::register(id, profile, Role::Admin, hash.clone(), app.clock.now());
        let events = vec![app.stamper.stamp(&event).map_err(|error| StartError::Other(error.to_string()))?];
        match app.store.register(NewAccount { account, register_key: None, session: None, events }).await {
            Ok(()) => return Ok(true),
            Err(SqlError::Unique(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if app.store.has_admin().await? {
            return Ok(false);
        }
        match app.store.conflict(&username, email, None, None).await? {
            Some(Conflict::Username) => name = format!("admin-{}", app.ids.token(3)),
            Some(Conflict::Email | Conflict::RegisterKey(_)) => {
                return Err(StartError::Other(
                    "there is no admin, and auth.admin-email is the address of a customer; configure another address"
                        .into(),
                ));
            }
            // The random id was taken; the next attempt draws another.
            None => {}
        }
    }
}
