//! Dead letters of the local bus.

use sea_orm::{
    ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Set, sea_query::OnConflict,
};
use souk_sql::{Db, SqlError, Tx, count_up_to_limit};
use souk_values::{Page, PageRequest, Timestamp};
use uuid::Uuid;

use super::queues;
use crate::{
    BusError, DeadLetter, DeadLetterId, UnreadableEvent,
    dead_letters::{id_of_body, letter_id},
    tables::{
        bus_message,
        dead_letter::{ActiveModel, Column, Entity, Model},
    },
};

/// Returns the dead letters of `service`, or of all services, newest first.
pub(super) async fn list(db: &Db, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
    newest(service).all(db.reader()).await?.into_iter().map(read).collect()
}

/// Returns a page of them.
pub(super) async fn page(db: &Db, service: Option<&str>, request: PageRequest) -> Result<Page<DeadLetter>, BusError> {
    let query = newest(service);
    let total = count_up_to_limit(db.reader(), query.clone()).await?;
    let rows = query.offset(request.offset()).limit(request.limit()).all(db.reader()).await?;
    let letters: Result<Vec<_>, _> = rows.into_iter().map(read).collect();
    Ok(Page::new(letters?, request, total))
}

fn newest(service: Option<&str>) -> Select<Entity> {
    let query = Entity::find().order_by_desc(Column::DiedAt).order_by_asc(Column::DeadLetterId);
    match service {
        Some(service) => query.filter(Column::Queue.starts_with(format!("{service}."))),
        None => query,
    }
}

pub(super) async fn count(db: &Db, queues: &[&'static str]) -> Result<Vec<u64>, BusError> {
    let mut counts = Vec::with_capacity(queues.len());
    for queue in queues {
        counts.push(Entity::find().filter(Column::Queue.eq(*queue)).count(db.reader()).await?);
    }
    Ok(counts)
}

pub(super) async fn row(db: &Db, id: DeadLetterId) -> Result<Model, BusError> {
    let row = Entity::find_by_id(id.to_string()).one(db.reader()).await?;
    row.ok_or_else(|| BusError::NoSuchDeadLetter(id.to_string()))
}

pub(super) fn read(row: Model) -> Result<DeadLetter, BusError> {
    let envelope = serde_json::from_str(&row.envelope).ok();
    Ok(DeadLetter {
        dead_letter_id: row.dead_letter_id.parse()?,
        queue: row.queue,
        attempts: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        error: row.error,
        died_at: Timestamp::from_millis(row.died_at),
        raw: envelope.is_none().then_some(row.envelope),
        envelope,
    })
}

/// Deletes the letter and inserts `message` into its queue, in one transaction.
pub(super) async fn replay(db: &Db, id: DeadLetterId, message: bus_message::ActiveModel) -> Result<(), BusError> {
    let moved = db
        .write((id.to_string(), message), |tx, (id, message)| {
            Box::pin(async move {
                let deleted = Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected;
                if deleted == 1 {
                    queues::insert(tx, std::slice::from_ref(message)).await?;
                }
                Ok::<_, SqlError>(deleted == 1)
            })
        })
        .await?;
    if moved { Ok(()) } else { Err(BusError::NoSuchDeadLetter(id.to_string())) }
}

pub(super) async fn discard(db: &Db, id: DeadLetterId) -> Result<(), BusError> {
    let deleted = db
        .write(id.to_string(), |tx, id| {
            Box::pin(async move { Ok::<_, SqlError>(Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected) })
        })
        .await?;
    if deleted == 1 { Ok(()) } else { Err(BusError::NoSuchDeadLetter(id.to_string())) }
}

/// A message to be stored as a dead letter.
pub(super) struct NewLetter<'a> {
    pub queue: &'a str,
    pub event_id: Uuid,
    pub attempts: u32,
    /// Error message of the last attempt.
    pub error: &'a str,
    pub body: String,
}

/// Inserts the letters of events that the relay of `outbox` could not read.
pub(super) async fn bury(tx: &Tx, outbox: &str, events: &[UnreadableEvent], now: Timestamp) -> Result<(), SqlError> {
    for event in events {
        let letter = NewLetter {
            queue: outbox,
            event_id: id_of_body(event.body.as_bytes()),
            attempts: 1,
            error: &event.error,
            body: event.body.clone(),
        };
        insert(tx, letter, now).await?;
    }
    Ok(())
}

pub(super) async fn insert(tx: &Tx, new: NewLetter<'_>, now: Timestamp) -> Result<(), SqlError> {
    let letter = ActiveModel {
        dead_letter_id: Set(letter_id(new.queue, new.event_id).to_string()),
        queue: Set(new.queue.to_owned()),
        attempts: Set(i64::from(new.attempts)),
        error: Set(new.error.to_owned()),
        died_at: Set(now.millis()),
        envelope: Set(new.body),
    };
    // An event that is published again after it became a letter may fail again. It has one letter, with the latest error.
    let latest = OnConflict::column(Column::DeadLetterId)
        .update_columns([Column::Attempts, Column::Error, Column::DiedAt])
        .to_owned();
    Entity::insert(letter).on_conflict(latest).exec_without_returning(tx).await?;
    Ok(())
}
