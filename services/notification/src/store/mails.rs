//! Mails: queued with their notice, claimed by one sender at a time, settled.

use std::time::Duration;

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, UpdateMany,
    sea_query::{Expr, ExprTrait},
};
use souk_sql::{DELETION_BATCH, SqlError, Tx, insert_row, lock_for_update, newest_page};
use souk_values::{Language, NotificationId, Page, PageRequest, Timestamp, UserId, ids::Id as _};

use super::{
    NewNotice, NotificationStore, damaged,
    entities::{
        mail::{ActiveModel, Column, Entity, Model},
        notice,
    },
    recipients,
};
use crate::{
    draft::MailDraft,
    kind::Kind,
    mail::{Mail, MailStatus},
    message::MailAddress,
    metrics::{self, MailOutcome},
    plain_name::without_links,
};

/// Time after which a mail without an end of its own is given up, whatever it waits for: an address that auth never
/// publishes, or a mail server that stays away.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 86_400);

/// Period in which the mails of [`Kind::hourly_limit`] are counted.
const COUNTED_FOR: Duration = Duration::from_secs(3_600);
/// Length of the column `address_key`. Longer addresses are cut, and then counted together.
pub(in crate::store) const ADDRESS_KEY_LENGTH: u32 = 191;

/// A lease on the mails that are due at `now`.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// Unique token; only outcomes with it are recorded.
    pub token: String,
    pub now: Timestamp,
    /// End of the lease. After it another claim may take the mails that were not settled.
    pub until: Timestamp,
    /// Maximum number of mails.
    pub limit: u64,
}

/// A mail that this sender has claimed.
pub(crate) struct OutgoingMail {
    pub mail_id: NotificationId,
    /// The same in every attempt, so that a mail server can drop duplicates.
    pub message_id: String,
    pub kind: Kind,
    pub to: MailAddress,
    /// Language of the recipient when the mail was claimed.
    pub language: Language,
    /// Subject in the language that the recipient had when the mail was queued.
    pub subject: String,
    /// Variables of the templates, as JSON. May hold a token.
    pub facts: String,
    pub attempts: u32,
    /// Time after which the mail is not sent.
    pub good_until: Timestamp,
}

/// Outcome of a claimed mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Delivery {
    Sent {
        /// Subject that it was sent with, if another than it was queued with.
        subject: Option<String>,
    },
    /// The attempt failed; the next one is due at `due_at`.
    Retry {
        due_at: Timestamp,
        error: String,
    },
    /// Nothing was attempted; the mail is due again at `due_at`.
    Postponed {
        due_at: Timestamp,
    },
    Failed {
        error: String,
    },
}

/// Queues a mail with its notice, or lets it wait for the recipient's address. A mail that is one too many for its address
/// is given up at once: anyone can cause mails to an address that its owner has not confirmed.
pub(super) async fn insert(tx: &Tx, notice: &NewNotice<'_>, mail: &MailDraft, host: &str) -> Result<(), SqlError> {
    let NewNotice { id, recipient, draft, now, .. } = notice;
    let to = mail.address.as_ref().or(recipient.address.as_ref());
    let address_key = to.map(|to| address_key(&to.email));
    let too_many = match (&address_key, draft.kind.hourly_limit()) {
        (Some(key), Some(limit)) => count_recent(tx, draft.kind, key, *now).await? >= limit,
        _ => false,
    };
    let status = match to {
        Some(_) if too_many => MailStatus::Failed,
        Some(_) => MailStatus::Queued,
        None => MailStatus::Waiting,
    };
    if too_many {
        metrics::mail_attempted(draft.kind, MailOutcome::Refused);
    }
    let row = ActiveModel {
        mail_id: Set(id.get()),
        message_id: Set(format!("<notice.{id}@{host}>")),
        user_id: Set(recipient.user_id.get()),
        kind: Set(draft.kind.name().to_owned()),
        to_name: Set(to.map(|to| to.name.clone())),
        to_address: Set(to.map(|to| to.email.clone())),
        address_key: Set(address_key),
        subject: Set(draft.texts.get(recipient.language).title.clone()),
        facts: Set((!too_many).then(|| mail.facts.clone())),
        status: Set(status.name().to_owned()),
        attempts: Set(0),
        due_at: Set(now.millis()),
        good_until: Set(mail.good_until.map(Timestamp::millis)),
        claimed_by: Set(None),
        created_at: Set(now.millis()),
        sent_at: Set(None),
        error: Set(too_many.then(|| "too many mails of this kind to this address within an hour".to_owned())),
    };
    insert_row(tx, row).await?;
    tx.wake_on_commit();
    Ok(())
}

/// Counts the mails of a kind to an address within the last hour, without those that were given up.
async fn count_recent(tx: &Tx, kind: Kind, address_key: &str, now: Timestamp) -> Result<u64, SqlError> {
    let recent = Entity::find()
        .filter(Column::AddressKey.eq(address_key))
        .filter(Column::CreatedAt.gt(now.minus(COUNTED_FOR).millis()))
        .filter(Column::Kind.eq(kind.name()))
        .filter(Column::Status.ne(MailStatus::Failed.name()));
    Ok(recent.count(tx).await?)
}

/// Returns the form in which addresses are compared.
pub(super) fn address_key(email: &str) -> String {
    let length = usize::try_from(ADDRESS_KEY_LENGTH).unwrap_or(0);
    email.to_lowercase().chars().take(length).collect()
}

/// Deletes expired mails without an address, and their notices, at most [`DELETION_BATCH`].
pub(super) async fn delete_unaddressed(tx: &Tx, now: Timestamp) -> Result<u64, SqlError> {
    let expired = Column::Status.eq(MailStatus::Waiting.name()).and(Column::GoodUntil.lt(now.millis()));
    // Locked, so that a concurrent contact does not queue one of them.
    let ids = locked_ids(tx, expired).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let still_waiting = Column::MailId.is_in(ids.clone()).and(Column::Status.eq(MailStatus::Waiting.name()));
    let deleted = Entity::delete_many().filter(still_waiting).exec(tx).await?.rows_affected;
    notice::Entity::delete_many().filter(notice::Column::NotificationId.is_in(ids)).exec(tx).await?;
    Ok(deleted)
}

async fn locked_ids(tx: &Tx, condition: Expr) -> Result<Vec<i64>, SqlError> {
    let found = Entity::find().select_only().column(Column::MailId).filter(condition);
    let locked = lock_for_update(found.order_by_asc(Column::MailId).limit(DELETION_BATCH));
    Ok(locked.into_tuple().all(tx).await?)
}

/// Gives up mails whose address has not become known in time, at most [`DELETION_BATCH`]. Their notices stay.
pub(super) async fn give_up_unaddressed(tx: &Tx, now: Timestamp) -> Result<u64, SqlError> {
    let waiting = Column::Status
        .eq(MailStatus::Waiting.name())
        .and(Column::GoodUntil.is_null())
        .and(Column::CreatedAt.lt(now.minus(LONGEST_WAIT).millis()));
    let ids = locked_ids(tx, waiting).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let error = format!("no address became known in {} days", LONGEST_WAIT.as_secs() / 86_400);
    let given_up = Entity::update_many()
        .col_expr(Column::Status, Expr::value(MailStatus::Failed.name()))
        .col_expr(Column::Error, Expr::value(error))
        .col_expr(Column::Facts, Expr::value(None::<String>))
        .filter(Column::MailId.is_in(ids));
    Ok(given_up.exec(tx).await?.rows_affected)
}

impl NotificationStore {
    /// Claims mails that are due, oldest first.
    ///
    /// The candidates are read without a lock; the update repeats the condition, so that of concurrent claims only one
    /// gets each mail.
    pub(crate) async fn claim_mails(&self, claim: Claim) -> Result<Vec<OutgoingMail>, SqlError> {
        let due = Column::Status.eq(MailStatus::Queued.name()).and(Column::DueAt.lte(claim.now.millis()));
        let oldest = Entity::find().select_only().column(Column::MailId).filter(due.clone());
        let oldest = oldest.order_by_asc(Column::DueAt).limit(claim.limit);
        let ids: Vec<i64> = oldest.into_tuple().all(&self.db.lookup()).await?;
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
                    let users = rows.iter().map(|row| row.user_id).collect();
                    let languages = recipients::languages(tx, users).await?;
                    let language = |row: &Model| languages.get(&row.user_id).copied().unwrap_or_default();
                    Ok::<_, SqlError>(rows.into_iter().filter_map(|row| readable(language(&row), row)).collect())
                })
            })
            .await
    }

    /// Records the outcomes of mails claimed under `token`, except of those that another claim has taken since. The
    /// template variables of a mail that is sent or given up are erased: they may hold a token.
    pub(crate) async fn settle_mails(
        &self,
        token: String,
        now: Timestamp,
        deliveries: Vec<(NotificationId, Delivery)>,
    ) -> Result<(), SqlError> {
        self.db
            .write_without_hurry((token, now, deliveries), |tx, (token, now, deliveries)| {
                Box::pin(async move {
                    let as_queued = Delivery::Sent { subject: None };
                    let sent = deliveries.iter().filter(|(_, delivery)| *delivery == as_queued);
                    let sent: Vec<NotificationId> = sent.map(|(id, _)| *id).collect();
                    if !sent.is_empty() {
                        settlement(token, &sent, &as_queued, *now).exec(tx).await?;
                    }
                    for (id, delivery) in deliveries.iter().filter(|(_, delivery)| *delivery != as_queued) {
                        settlement(token, &[*id], delivery, *now).exec(tx).await?;
                    }
                    Ok::<_, SqlError>(())
                })
            })
            .await
    }

    /// Counts the mails that are due now or later.
    pub(crate) async fn mails_queued(&self) -> Result<u64, SqlError> {
        let queued = Entity::find().filter(Column::Status.eq(MailStatus::Queued.name()));
        Ok(queued.count(self.db.reader()).await?)
    }

    /// Lists mails, newest first; of every status when `status` is `None`.
    pub(crate) async fn mails(&self, status: Option<MailStatus>, page: PageRequest) -> Result<Page<Mail>, SqlError> {
        let mut mails = Entity::find();
        if let Some(status) = status {
            mails = mails.filter(Column::Status.eq(status.name()));
        }
        newest_page(self.db.reader(), mails, &[Column::MailId], page).await?.try_map(read)
    }
}

fn settlement(token: &str, ids: &[NotificationId], delivery: &Delivery, now: Timestamp) -> UpdateMany<Entity> {
    let update = Entity::update_many()
        .col_expr(Column::ClaimedBy, Expr::value(None::<String>))
        .filter(Column::MailId.is_in(ids.iter().map(|id| id.get())))
        .filter(Column::Status.eq(MailStatus::Queued.name()))
        .filter(Column::ClaimedBy.eq(token));
    let attempted = |update: UpdateMany<Entity>| update.col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1));
    match delivery {
        Delivery::Sent { subject } => {
            let sent = attempted(update)
                .col_expr(Column::Status, Expr::value(MailStatus::Sent.name()))
                .col_expr(Column::SentAt, Expr::value(now.millis()))
                .col_expr(Column::Error, Expr::value(None::<String>))
                .col_expr(Column::Facts, Expr::value(None::<String>));
            match subject {
                Some(subject) => sent.col_expr(Column::Subject, Expr::value(subject.as_str())),
                None => sent,
            }
        }
        Delivery::Retry { due_at, error } => attempted(update)
            .col_expr(Column::DueAt, Expr::value(due_at.millis()))
            .col_expr(Column::Error, Expr::value(error.as_str())),
        Delivery::Postponed { due_at } => update.col_expr(Column::DueAt, Expr::value(due_at.millis())),
        Delivery::Failed { error } => attempted(update)
            .col_expr(Column::Status, Expr::value(MailStatus::Failed.name()))
            .col_expr(Column::Error, Expr::value(error.as_str()))
            .col_expr(Column::Facts, Expr::value(None::<String>)),
    }
}

/// Skips a damaged row, which must not keep the others from being sent.
fn readable(language: Language, row: Model) -> Option<OutgoingMail> {
    outgoing(language, row).map_err(|error| tracing::error!(error = %error, "a mail was skipped")).ok()
}

fn outgoing(language: Language, row: Model) -> Result<OutgoingMail, SqlError> {
    let missing = |what: &str| damaged("mail", &format!("it has no {what}"));
    Ok(OutgoingMail {
        mail_id: id(row.mail_id)?,
        message_id: row.message_id,
        kind: kind(&row.kind)?,
        to: MailAddress {
            name: without_links(&row.to_name.ok_or_else(|| missing("recipient"))?),
            email: row.to_address.ok_or_else(|| missing("address"))?,
        },
        language,
        subject: row.subject,
        facts: row.facts.ok_or_else(|| missing("template variables"))?,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        good_until: row
            .good_until
            .map_or_else(|| Timestamp::from_millis(row.created_at).plus(LONGEST_WAIT), Timestamp::from_millis),
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
