//! The first admin, made when a shop has none.

use souk_kit::{StartError, auth::Role};
use souk_sql::SqlError;
use souk_values::Secret;

use crate::{
    App, AuthConfig,
    account::{Account, Email, Username},
    password::NewPassword,
    session,
    store::{NewAccount, Taken},
};

/// The admin that was made at this start, to be shown once.
#[derive(Debug, Clone)]
pub struct FirstAdmin {
    /// What to sign in with.
    pub email: String,
    /// And its password.
    pub password: Secret,
    /// Whether the password was made here, and nobody knows it yet.
    pub generated: bool,
}

/// Makes the first admin unless there is one.
pub async fn ensure(app: &App, config: &AuthConfig) -> Result<Option<FirstAdmin>, StartError> {
    if app.store.has_admin().await? {
        return Ok(None);
    }
    let email = Email::parse(&config.admin_email)
        .map_err(|error| StartError::Other(format!("auth.admin-email {}", error.message)))?;
    let generated = config.admin_password.expose().is_empty();
    let password = if generated { Secret::new(app.ids.token(12)) } else { config.admin_password.clone() };
    if NewPassword::parse("password", &password, None, Some(&email)).is_err() {
        tracing::warn!("auth.admin-password is weaker than what customers must choose");
    }
    let hash = app
        .hasher
        .hash(NewPassword::of_operator(password.clone()))
        .await
        .map_err(|error| StartError::Other(error.to_string()))?;
    let made = insert(app, &email, hash).await?;
    Ok(made.then(|| FirstAdmin { email: config.admin_email.clone(), password, generated }))
}

/// Makes the account. False: another replica was first.
async fn insert(app: &App, email: &Email, hash: Secret) -> Result<bool, StartError> {
    let mut name = "admin".to_owned();
    loop {
        let username = Username::parse(&name).map_err(|error| StartError::Other(error.message))?;
        let id = session::draw_account_id(&app.ids);
        let names = (username.clone(), email.clone());
        let (account, event) = Account::register(id, names, Role::Admin, hash.clone(), app.clock.now());
        let events = vec![app.stamper.stamp(&event).map_err(|error| StartError::Other(error.to_string()))?];
        match app.store.register(NewAccount { account, register_key: None, session: None, events }).await {
            Ok(()) => return Ok(true),
            Err(SqlError::Unique(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if app.store.has_admin().await? {
            return Ok(false);
        }
        match app.store.taken(&username, email, None, None).await? {
            Some(Taken::Username) => name = format!("admin-{}", app.ids.token(3)),
            Some(Taken::Email | Taken::Key(_)) => {
                return Err(StartError::Other(
                    "there is no admin, and auth.admin-email belongs to a customer: configure another address".into(),
                ));
            }
            // The id was taken; another is drawn.
            None => {}
        }
    }
}
