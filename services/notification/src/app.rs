//! State shared by handlers, consumers and background tasks.

use std::{path::Path, sync::Arc, time::Duration};

use lettre::message::Mailbox;
use souk_bus::{Failure, Outcome, Received};
use souk_kit::{Deps, StartError, config::ConfigError};
use souk_values::{Clock, UserId};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    NotificationConfig,
    config::kept_for,
    draft::Draft,
    links::Links,
    mailer::{MailFolder, Mailer, SmtpMailer},
    message::{Contact, Message},
    metrics,
    sender::Sender,
    store::{EventEffect, NotificationStore},
    templates::Templates,
};

/// Capacity of [`App::new_notices`]. A stream that lags further behind reads the store once instead.
const WAKE_UPS: usize = 256;

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub store: NotificationStore,
    pub mailbox: MailFolder,
    pub clock: Arc<dyn Clock>,
    pub sender: Arc<Sender>,
    /// Owners of notices that were just written in this process; wakes their open streams.
    pub new_notices: broadcast::Sender<UserId>,
    /// Ends open streams when the service stops.
    pub stopping: CancellationToken,
    /// Age from which notices are deleted.
    pub notices_kept_for: Duration,
    /// Age from which mails that were sent or given up are deleted.
    pub mails_kept_for: Duration,
    templates: Templates,
    links: Links,
}

impl App {
    /// Checks the configuration, then opens the store, the templates and the mailer that it names.
    ///
    /// Errors: every mistake of the configuration, together; every template that cannot be rendered, by file and
    /// line; a store or mailbox folder that cannot be opened.
    pub(crate) async fn open(config: NotificationConfig, deps: &Deps) -> Result<Self, StartError> {
        let mut mistakes = Vec::new();
        let links = valid(Links::new(&deps.shop.public_url), &mut mistakes);
        let from = valid(sender_address(&config.from, &deps.shop.name), &mut mistakes);
        let smtp = valid(smtp_mailer(&config, deps), &mut mistakes);
        let notices_kept_for = valid(kept_for("notices-kept-days", config.notices_kept_days), &mut mistakes);
        let mails_kept_for = valid(kept_for("mails-kept-days", config.mails_kept_days), &mut mistakes);
        let (Some(links), Some(from), Some(smtp), Some(notices_kept_for), Some(mails_kept_for)) =
            (links, from, smtp, notices_kept_for, mails_kept_for)
        else {
            return Err(ConfigError(mistakes).into());
        };
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
        let clock = Arc::clone(&deps.clock);
        let sender = Sender {
            store: store.clone(),
            mailer,
            templates: templates.clone(),
            from,
            clock: Arc::clone(&clock),
            ids: deps.ids.clone(),
        };
        Ok(Self {
            store,
            mailbox,
            clock,
            sender: Arc::new(sender),
            new_notices: broadcast::Sender::new(WAKE_UPS),
            stopping: CancellationToken::new(),
            notices_kept_for,
            mails_kept_for,
            templates,
            links,
        })
    }

    /// Stores what an event changes, once for the event: the contact it carries, and `messages` as notices and mails.
    pub(crate) async fn record<E>(
        &self,
        received: &Received<E>,
        contact: Option<Contact>,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<Outcome, Failure> {
        let drafts = messages.into_iter().map(|message| Draft::render(message, &self.templates, &self.links));
        let drafts = drafts.collect::<Result<_, _>>().map_err(|error| Failure::Handling(error.to_string()))?;
        let effect = EventEffect { cause: received.cause(), now: self.clock.now(), contact, drafts };
        let recorded = self.store.record(effect).await?;
        for (user, kind) in recorded.notified {
            metrics::notice_written(kind);
            // Fails only while no stream is open.
            let _ = self.new_notices.send(user);
        }
        Ok(recorded.is_applied.into())
    }
}

fn valid<T>(checked: Result<T, String>, mistakes: &mut Vec<String>) -> Option<T> {
    checked.map_err(|mistake| mistakes.push(mistake)).ok()
}

/// `None` when no mail server is configured.
fn smtp_mailer(config: &NotificationConfig, deps: &Deps) -> Result<Option<SmtpMailer>, String> {
    let has_server = !config.smtp_url.expose().is_empty();
    has_server.then(|| SmtpMailer::new(&config.smtp_url, Arc::clone(&deps.clock))).transpose()
}

fn sender_address(from: &str, shop: &str) -> Result<Mailbox, String> {
    if from.is_empty() {
        let address = lettre::Address::new("shop", "localhost").map_err(|error| error.to_string())?;
        return Ok(Mailbox::new(Some(shop.to_owned()), address));
    }
    from.parse()
        .map_err(|error| format!("notification.from: '{from}' does not have the form 'Name <address>': {error}"))
}
