//! Mails: queued with their notice, claimed by one sender at a time, settled.

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use souk_sql::{SqlError, Tx, lock};
use souk_values::{NotificationId, Page, PageRequest, Timestamp, UserId, ids::Id as _};

use super::{
    Act, NotificationStore, damaged,
    entities::{
        mail::{ActiveModel, Column, Entity, Model},
        notice,
    },
    recipients::Reader,
};
use crate::{
    Kind,
    draft::{Draft, MailDraft},
    news::Address,
    notice::{Mail, MailStatus},
};

/// How a sender takes mails: whatever is due at `now` is its own until `until`.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Tells this claim from every other.
    pub token: String,
    /// The present instant.
    pub now: Timestamp,
    /// When others may take what was not settled.
    pub until: Timestamp,
    /// At most so many.
    pub limit: u64,
}

/// A mail to be sent. Its facts may hold a token.
pub struct Outgoing {
    /// Which mail.
    pub mail_id: NotificationId,
    /// The same however often it is sent.
    pub message_id: String,
    /// What it is about.
    pub kind: Kind,
    /// Where it goes.
    pub to: Address,
    /// Its subject.
    pub subject: String,
    /// What its templates show, as JSON.
    pub facts: String,
    /// How often it was tried before.
    pub attempts: u32,
    /// When it makes no sense any more.
    pub good_until: Option<Timestamp>,
}

/// What became of a claimed mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It was taken.
    Sent,
    /// It failed and is tried again.
    Again {
        /// When.
        due_at: Timestamp,
        /// Why it failed.
        error: String,
    },
    /// It was not tried; its turn comes again.
    Untried {
        /// When.
        due_at: Timestamp,
    },
    /// It is given up.
    Failed {
        /// Why.
        error: String,
    },
}

pub(super) async fn add(
    tx: &Tx,
    id: NotificationId,
    reader: &Reader,
    act: &Act,
    draft: &Draft,
    (mail, host): (&MailDraft, &str),
) -> Result<(), SqlError> {
    let to = mail.address.as_ref().or(reader.address.as_ref());
    let status = if to.is_some() { MailStatus::Queued } else { MailStatus::Waiting };
    let row = ActiveModel {
        mail_id: Set(id.get()),
        message_id: Set(format!("<notice.{id}@{host}>")),
        user_id: Set(reader.user_id.get()),
        kind: Set(draft.kind.name().to_owned()),
        to_name: Set(to.map(|to| to.name.clone())),
        to_address: Set(to.map(|to| to.email.clone())),
        subject: Set(draft.title.clone()),
        facts: Set(Some(mail.facts.clone())),
        status: Set(status.name().to_owned()),
        attempts: Set(0),
        due_at: Set(act.now.millis()),
        good_until: Set(mail.good_until.map(Timestamp::millis)),
        claimed_by: Set(None),
        created_at: Set(act.now.millis()),
        sent_at: Set(None),
        error: Set(None),
    };
    Entity::insert(row).exec_without_returning(tx).await?;
    tx.wake_on_commit();
    Ok(())
}

/// Drops mails that waited for an address until they made no sense any more, and their notices.
pub(super) async fn drop_lapsed(tx: &Tx, now: Timestamp) -> Result<u64, SqlError> {
    let lapsed = Column::Status.eq(MailStatus::Waiting.name()).and(Column::GoodUntil.lt(now.millis()));
    // Locked, so that no contact that comes meanwhile sends one of them off.
    let oldest = lock(Entity::find().select_only().column(Column::MailId).filter(lapsed).limit(1_000));
    let ids: Vec<i64> = oldest.into_tuple().all(tx).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let still_waiting = Column::MailId.is_in(ids.clone()).and(Column::Status.eq(MailStatus::Waiting.name()));
    let dropped = Entity::delete_many().filter(still_waiting).exec(tx).await?.rows_affected;
    notice::Entity::delete_many().filter(notice::Column::NotificationId.is_in(ids)).exec(tx).await?;
    Ok(dropped)
}

impl NotificationStore {
    /// Takes mails that are due, oldest first. What another took meanwhile is not among them.
    pub async fn claim_mails(&self, claim: Claim) -> Result<Vec<Outgoing>, SqlError> {
        let due = Column::Status.eq(MailStatus::Queued.name()).and(Column::DueAt.lte(claim.now.millis()));
        let oldest = Entity::find().select_only().column(Column::MailId).filter(due.clone());
        let oldest = oldest.order_by_asc(Column::DueAt).limit(claim.limit);
        let ids: Vec<i64> = oldest.into_tuple().all(self.db.reader()).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.db
            .write((claim, due, ids), |tx, (claim, due, ids)| {
                Box::pin(async move {
                    let taken = Entity::update_many()
                        .col_expr(Column::ClaimedBy, Expr::value(claim.token.clone()))
                        .col_expr(Column::DueAt, Expr::value(claim.until.millis()))
                        .filter(Column::MailId.is_in(ids.iter().copied()))
                        .filter(due.clone());
                    taken.exec(tx).await?;
                    let own = Column::MailId.is_in(ids.iter().copied()).and(Column::ClaimedBy.eq(&claim.token));
                    let rows = Entity::find().filter(own).order_by_asc(Column::CreatedAt).all(tx).await?;
                    Ok::<_, SqlError>(rows.into_iter().filter_map(sound).collect())
                })
            })
            .await
    }

    /// Writes down what became of mails claimed under `token`; those that another took meanwhile stay
    /// as they are. What a sent or given up mail was made from is forgotten.
    pub async fn settle_mails(
        &self,
        token: String,
        now: Timestamp,
        outcomes: Vec<(NotificationId, Settled)>,
    ) -> Result<(), SqlError> {
        self.db
            .write((token, now, outcomes), |tx, (token, now, outcomes)| {
                Box::pin(async move {
                    let sent = outcomes.iter().filter(|(_, outcome)| *outcome == Settled::Sent);
                    let sent: Vec<NotificationId> = sent.map(|(id, _)| *id).collect();
                    if !sent.is_empty() {
                        settling(token, &sent, &Settled::Sent, *now).exec(tx).await?;
                    }
                    for (id, outcome) in outcomes.iter().filter(|(_, outcome)| *outcome != Settled::Sent) {
                        settling(token, &[*id], outcome, *now).exec(tx).await?;
                    }
                    Ok::<_, SqlError>(())
                })
            })
            .await
    }

    /// How many mails are to be sent.
    pub async fn mails_queued(&self) -> Result<u64, SqlError> {
        let queued = Entity::find().filter(Column::Status.eq(MailStatus::Queued.name()));
        Ok(queued.count(self.db.reader()).await?)
    }

    /// A page of mails, newest first; only those of `status`, if given.
    pub async fn mails(&self, status: Option<MailStatus>, page: PageRequest) -> Result<Page<Mail>, SqlError> {
        let mut mails = Entity::find();
        if let Some(status) = status {
            mails = mails.filter(Column::Status.eq(status.name()));
        }
        let total = mails.clone().count(self.db.reader()).await?;
        let newest = mails.order_by_desc(Column::MailId).offset(page.offset()).limit(page.limit());
        let rows = newest.all(self.db.reader()).await?;
        Ok(Page::new(rows.into_iter().map(read).collect::<Result<_, _>>()?, page, total))
    }
}

fn settling(token: &str, ids: &[NotificationId], outcome: &Settled, now: Timestamp) -> UpdateMany<Entity> {
    let update = Entity::update_many()
        .col_expr(Column::ClaimedBy, Expr::value(None::<String>))
        .filter(Column::MailId.is_in(ids.iter().map(|id| id.get())))
        .filter(Column::Status.eq(MailStatus::Queued.name()))
        .filter(Column::ClaimedBy.eq(token));
    let tried = |update: UpdateMany<Entity>| update.col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1));
    match outcome {
        Settled::Sent => tried(update)
            .col_expr(Column::Status, Expr::value(MailStatus::Sent.name()))
            .col_expr(Column::SentAt, Expr::value(now.millis()))
            .col_expr(Column::Error, Expr::value(None::<String>))
            .col_expr(Column::Facts, Expr::value(None::<String>)),
        Settled::Again { due_at, error } => tried(update)
            .col_expr(Column::DueAt, Expr::value(due_at.millis()))
            .col_expr(Column::Error, Expr::value(error.as_str())),
        Settled::Untried { due_at } => update.col_expr(Column::DueAt, Expr::value(due_at.millis())),
        Settled::Failed { error } => tried(update)
            .col_expr(Column::Status, Expr::value(MailStatus::Failed.name()))
            .col_expr(Column::Error, Expr::value(error.as_str()))
            .col_expr(Column::Facts, Expr::value(None::<String>)),
    }
}

/// A damaged row must not keep the others from being sent: it is left, and told in the log.
fn sound(row: Model) -> Option<Outgoing> {
    outgoing(row).map_err(|error| tracing::error!(error = %error, "a mail is left unsent")).ok()
}

fn outgoing(row: Model) -> Result<Outgoing, SqlError> {
    let missing = |what: &str| damaged("mail", &format!("it has no {what}"));
    Ok(Outgoing {
        mail_id: id(row.mail_id)?,
        message_id: row.message_id,
        kind: kind(&row.kind)?,
        to: Address {
            name: row.to_name.ok_or_else(|| missing("reader"))?,
            email: row.to_address.ok_or_else(|| missing("address"))?,
        },
        subject: row.subject,
        facts: row.facts.ok_or_else(|| missing("facts"))?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        good_until: row.good_until.map(Timestamp::from_millis),
    })
}

fn read(row: Model) -> Result<Mail, SqlError> {
    Ok(Mail {
        mail_id: id(row.mail_id)?,
        user_id: UserId::new(row.user_id).map_err(|error| damaged("mail", &error))?,
        kind: kind(&row.kind)?,
        to: row.to_address,
        subject: row.subject,
        status: MailStatus::named(&row.status).ok_or_else(|| damaged("mail", &format!("status {}", row.status)))?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        created_at: Timestamp::from_millis(row.created_at),
        sent_at: row.sent_at.map(Timestamp::from_millis),
        error: row.error,
    })
}

fn id(number: i64) -> Result<NotificationId, SqlError> {
    NotificationId::new(number).map_err(|error| damaged("mail", &error))
}

fn kind(name: &str) -> Result<Kind, SqlError> {
    Kind::named(name).ok_or_else(|| damaged("mail", &format!("kind {name}")))
}
