//! Notices, mails, contacts, and the latest version received of each subject.

mod entities;
mod freshness;
mod mails;
mod migrations;
mod notices;
mod purge;
mod recipients;

use std::sync::Arc;

use souk_bus::{Cause, inbox};
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{IdGen, NotificationId, Timestamp, UserId};
use uuid::Uuid;

use crate::{
    draft::Draft,
    kind::Kind,
    message::{Audience, Contact},
};
use recipients::Recipient;

pub(crate) use mails::{Claim, Delivery, OutgoingMail};
pub(crate) use migrations::Migrations;

/// Cloning shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct NotificationStore {
    db: Db,
    ids: IdGen,
    /// Domain part of every Message-ID.
    host: Arc<str>,
}

/// Everything that one event changes, in one transaction.
pub(crate) struct EventEffect {
    pub cause: Cause,
    pub now: Timestamp,
    pub contact: Option<Contact>,
    /// Messages, each of its own kind.
    pub drafts: Vec<Draft>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Recorded {
    /// False for a repeated event, and for one that changed nothing.
    pub is_applied: bool,
    /// One entry for each notice.
    pub notified: Vec<(UserId, Kind)>,
}

/// A notice to one user, which `notices` and `mails` insert side by side.
struct NewNotice<'e> {
    id: NotificationId,
    recipient: Recipient,
    draft: &'e Draft,
    event_id: Uuid,
    now: Timestamp,
}

impl NotificationStore {
    /// Opens and migrates the store at `url`. Message-IDs end in `@` and `host`.
    pub(crate) async fn open(url: &str, ids: IdGen, host: &str) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db, ids, host: host.into() })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// Waits until a transaction of this process queues mails.
    pub(crate) async fn mail_queued(&self) {
        self.db.committed().await;
    }

    /// Applies the effect of an event. A repeated event changes nothing.
    pub(crate) async fn record(&self, effect: EventEffect) -> Result<Recorded, SqlError> {
        let args = (effect, self.ids.clone(), Arc::clone(&self.host));
        self.db.write_without_hurry(args, |tx, (effect, ids, host)| Box::pin(record(tx, effect, ids, host))).await
    }
}

async fn record(tx: &Tx, effect: &EventEffect, ids: &IdGen, host: &str) -> Result<Recorded, SqlError> {
    let EventEffect { cause, now, contact, drafts } = effect;
    if !inbox::record(tx, cause.queue, cause.event_id, *now).await? {
        return Ok(Recorded::default());
    }
    let is_contact_new = match contact {
        Some(contact) => recipients::update_contact(tx, contact).await?,
        None => false,
    };
    let mut notified = Vec::new();
    for draft in drafts {
        if !freshness::is_fresh(tx, &draft.freshness, *now).await? {
            continue;
        }
        let users = match draft.audience {
            Audience::User(user) => vec![user],
            Audience::Admins => recipients::admins(tx).await?,
        };
        for user in users {
            let id: NotificationId = ids.next();
            let recipient = recipients::advance_position(tx, user, draft.language).await?;
            let notice = NewNotice { id, recipient, draft, event_id: cause.event_id, now: *now };
            notices::insert(tx, &notice).await?;
            if let Some(mail) = &draft.mail {
                mails::insert(tx, &notice, mail, host).await?;
            }
            notified.push((user, draft.kind));
        }
    }
    Ok(Recorded { is_applied: is_contact_new || !notified.is_empty(), notified })
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("a stored {what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
