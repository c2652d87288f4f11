//! Notices, mails, contacts, and what was heard of each subject last.

mod entities;
mod latest;
mod mails;
mod migrations;
mod notices;
mod recipients;

use std::sync::Arc;

use souk_bus::inbox;
use souk_sql::{Access, Db, SqlError, Tx};
use souk_values::{IdGen, NotificationId, Timestamp, UserId};
use uuid::Uuid;

use crate::{
    draft::Draft,
    news::{Audience, Contact},
};

pub use mails::{Claim, Outgoing, Settled};
pub(crate) use migrations::Migrations;

/// The store. Cloning shares it.
#[derive(Debug, Clone)]
pub struct NotificationStore {
    db: Db,
    ids: IdGen,
    /// What follows the `@` in every Message-ID.
    host: Arc<str>,
}

/// What one event makes true, all in one transaction.
pub struct Act {
    /// The queue it came from.
    pub queue: &'static str,
    /// The event.
    pub event_id: Uuid,
    /// The present instant.
    pub now: Timestamp,
    /// What it says of a user.
    pub contact: Option<Contact>,
    /// What it is worth telling.
    pub draft: Option<Draft>,
}

/// What an act changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Whether anything changed.
    pub is_applied: bool,
    /// Who has a new notice.
    pub told: Vec<UserId>,
}

impl NotificationStore {
    /// Opens and migrates the store at `url`. Message-IDs end in `@` and `host`.
    pub async fn open(url: &str, ids: IdGen, host: &str) -> Result<Self, SqlError> {
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db, ids, host: host.into() })
    }

    /// Where it is.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Waits until mails were queued.
    pub async fn queued(&self) {
        self.db.committed().await;
    }

    /// Does what an event says, once: a repeated event changes nothing.
    pub async fn record(&self, act: Act) -> Result<Recorded, SqlError> {
        let (ids, host) = (self.ids.clone(), Arc::clone(&self.host));
        self.db.write((act, ids, host), |tx, (act, ids, host)| Box::pin(record(tx, act, ids, host))).await
    }

    /// Forgets events received long ago, and mails that waited for an address until they made no sense
    /// any more, with their notices: those of guests. Answers how many mails went.
    pub async fn forget(&self, now: Timestamp) -> Result<u64, SqlError> {
        inbox::forget_old(&self.db, now).await?;
        self.db.write(now, |tx, &now| Box::pin(mails::drop_lapsed(tx, now))).await
    }
}

async fn record(tx: &Tx, act: &Act, ids: &IdGen, host: &str) -> Result<Recorded, SqlError> {
    if !inbox::first_time(tx, act.queue, act.event_id, act.now).await? {
        return Ok(Recorded::default());
    }
    let is_learnt = match &act.contact {
        Some(contact) => recipients::learn(tx, contact).await?,
        None => false,
    };
    let mut told = Vec::new();
    if let Some(draft) = &act.draft
        && latest::is_news(tx, &draft.freshness).await?
    {
        let users = match draft.audience {
            Audience::User(user) => vec![user],
            Audience::Admins => recipients::admins(tx).await?,
        };
        for user in users {
            let id: NotificationId = ids.next();
            let reader = recipients::next_position(tx, user).await?;
            notices::add(tx, id, &reader, act, draft).await?;
            if let Some(mail) = &draft.mail {
                mails::add(tx, id, &reader, act, draft, (mail, host)).await?;
            }
            told.push(user);
        }
    }
    Ok(Recorded { is_applied: is_learnt || !told.is_empty(), told })
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("a stored {what} cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
