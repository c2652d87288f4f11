//! What every handler is given.

use std::sync::Arc;

use souk_bus::{Failure, Outcome, Received};
use souk_values::{Clock, UserId};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use crate::{
    draft::Draft,
    links::Links,
    mailer::MailFolder,
    metrics,
    news::{Contact, News},
    store::{Act, NotificationStore},
    templates::Templates,
};

/// Wake-ups that a slow stream may lag behind before it merely looks at the store again.
const WAKE_UPS: usize = 256;

/// Shared by all requests and consumers. Cloning shares it.
#[derive(Debug, Clone)]
pub struct App {
    pub(crate) store: NotificationStore,
    templates: Templates,
    links: Links,
    pub(crate) mailbox: MailFolder,
    pub(crate) clock: Arc<dyn Clock>,
    /// Tells open streams whose notices to look at.
    pub(crate) told: broadcast::Sender<UserId>,
    /// Ends open streams.
    pub(crate) stopping: CancellationToken,
}

impl App {
    pub(crate) fn new(
        store: NotificationStore,
        templates: Templates,
        links: Links,
        mailbox: MailFolder,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let told = broadcast::Sender::new(WAKE_UPS);
        Self { store, templates, links, mailbox, clock, told, stopping: CancellationToken::new() }
    }

    /// Tells `news`, once for the event.
    pub(crate) async fn tell<E>(&self, received: &Received<E>, news: News) -> Result<Outcome, Failure> {
        self.take(received, None, Some(news)).await
    }

    /// Remembers `contact` and tells `news`, once for the event.
    pub(crate) async fn take<E>(
        &self,
        received: &Received<E>,
        contact: Option<Contact>,
        news: Option<News>,
    ) -> Result<Outcome, Failure> {
        let kind = news.as_ref().map(|news| news.kind);
        let draft = news.map(|news| Draft::write(news, &self.templates, &self.links)).transpose();
        let draft = draft.map_err(|error| Failure::Message(error.to_string()))?;
        let (queue, event_id, now) = (received.queue, received.event_id, self.clock.now());
        let recorded = self.store.record(Act { queue, event_id, now, contact, draft }).await?;
        if let Some(kind) = kind
            && !recorded.told.is_empty()
        {
            metrics::noticed(kind, recorded.told.len());
        }
        for user in recorded.told {
            // No stream is open: nobody to wake.
            let _ = self.told.send(user);
        }
        Ok(recorded.is_applied.into())
    }
}
