//! The notification service: tells users what concerns them, by notices in the shop and by mail.

pub mod audit;
pub mod config;

mod app;
mod consumers;
mod draft;
mod eml;
mod error;
mod feed;
mod kind;
mod letter;
mod links;
mod mailer;
mod metrics;
mod news;
mod notice;
mod routes;
mod sender;
mod store;
mod templates;

use std::{path::Path, sync::Arc, time::Duration};

use lettre::message::Mailbox;
use souk_kit::{Deps, Service, StartError, config::ConfigError};
use souk_values::clock;
use tokio_util::sync::CancellationToken;

pub use config::NotificationConfig;

use app::App;
use kind::Kind;
use links::Links;
use mailer::{MailFolder, Mailer, SmtpMailer};
use sender::Sender;
use store::NotificationStore;
use templates::Templates;

/// How often what is no longer needed is dropped.
const TIDY: Duration = Duration::from_secs(3_600);

/// Builds the service: opens and migrates its store, tries its templates.
///
/// Errors: all mistakes of the configuration at once, each template that cannot be shown by file and
/// line, a store that cannot be opened, a mailbox folder that cannot be made.
pub async fn build(config: NotificationConfig, deps: &Deps) -> Result<Service, StartError> {
    let (app, sender) = prepare(config, deps).await?;
    let (router, openapi) = routes::table().finish("notification", DESCRIPTION);
    let (db, tidying, feeds) = (app.store.db().clone(), app.clone(), app.clone());
    Ok(Service::new("notification", router.with_state(app.clone()), openapi)
        .consuming(consumers::consumers(&app))
        .running(|stop| sender.run(stop))
        .running(|stop| tidy(tidying, stop))
        .running(|stop| async move {
            stop.cancelled().await;
            feeds.stopping.cancel();
        })
        .keeping(db))
}

/// Brings the store at `store_url` up to date. Answers the names of the migrations it applied.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::migrate::<store::Migrations>(store_url).await?)
}

/// The names of the migrations that the store at `store_url` lacks; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::pending::<store::Migrations>(store_url).await?)
}

/// This service's OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::table().finish("notification", DESCRIPTION).1
}

const DESCRIPTION: &str = "Tells users what concerns them: notices in the shop, live as they are written, and mails.";

/// Checks the configuration, then opens what it names.
async fn prepare(config: NotificationConfig, deps: &Deps) -> Result<(App, Sender), StartError> {
    let mut mistakes = Vec::new();
    let mut right = |checked: Result<(), String>| mistakes.extend(checked.err());
    let links = Links::new(&deps.shop.public_url);
    right(links.as_ref().map(drop).map_err(Clone::clone));
    let from = sender_address(&config.from, &deps.shop.name);
    right(from.as_ref().map(drop).map_err(Clone::clone));
    let has_server = !config.smtp_url.expose().is_empty();
    let smtp = has_server.then(|| SmtpMailer::new(&config.smtp_url, Arc::clone(&deps.clock))).transpose();
    right(smtp.as_ref().map(drop).map_err(Clone::clone));
    let (Ok(links), Ok(from), Ok(smtp)) = (links, from, smtp) else { return Err(ConfigError(mistakes).into()) };

    let folder = (!config.templates_dir.is_empty()).then(|| Path::new(&config.templates_dir));
    let templates = Templates::load(&deps.shop.name, &links, folder)?;
    let mailbox = MailFolder::new(config.mailbox_dir.clone().into(), deps.ids.clone());
    let mailer: Arc<dyn Mailer> = if let Some(smtp) = smtp {
        Arc::new(smtp)
    } else {
        mailbox.create().await.map_err(|error| StartError::Io(config.mailbox_dir, error))?;
        Arc::new(mailbox.clone())
    };
    let store = NotificationStore::open(&config.store_url, deps.ids.clone(), from.email.domain()).await?;
    metrics::describe();
    let app = App::new(store.clone(), templates.clone(), links, mailbox, Arc::clone(&deps.clock));
    let (clock, ids) = (Arc::clone(&deps.clock), deps.ids.clone());
    Ok((app, Sender { store, mailer, templates, from, clock, ids }))
}

fn sender_address(from: &str, shop: &str) -> Result<Mailbox, String> {
    if from.is_empty() {
        let address = lettre::Address::new("shop", "localhost").map_err(|error| error.to_string())?;
        return Ok(Mailbox::new(Some(shop.to_owned()), address));
    }
    from.parse().map_err(|error| format!("notification.from: '{from}' is not like 'Name <address>': {error}"))
}

/// Drops what is no longer needed, every hour.
async fn tidy(app: App, stop: CancellationToken) {
    loop {
        if let Err(error) = app.store.forget(app.clock.now()).await {
            tracing::warn!(error = %error, "what is no longer needed was not dropped; it is tried again in an hour");
        }
        tokio::select! {
            () = clock::sleep(&*app.clock, TIDY) => {}
            () = stop.cancelled() => return,
        }
    }
}
