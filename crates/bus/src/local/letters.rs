//! The local bus's dead letters.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, Set, sea_query::OnConflict};
use souk_sql::{Db, SqlError, Tx};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{
    BusError, DeadLetter, DeadLetterId,
    dead_letters::letter_id,
    tables::{
        bus_message,
        dead_letter::{ActiveModel, Column, Entity, Model},
    },
};

/// Newest first.
pub(super) async fn list(db: &Db, service: Option<&str>) -> Result<Vec<DeadLetter>, BusError> {
    let mut query = Entity::find().order_by_desc(Column::DiedAt);
    if let Some(service) = service {
        query = query.filter(Column::Queue.starts_with(format!("{service}.")));
    }
    query.all(db.reader()).await?.into_iter().map(read).collect()
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

/// Takes the letter away and puts `message` into its queue.
pub(super) async fn replay(db: &Db, id: DeadLetterId, message: bus_message::ActiveModel) -> Result<(), BusError> {
    let moved = db
        .write((id.to_string(), message), |tx, (id, message)| {
            Box::pin(async move {
                let gone = Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected;
                if gone == 1 {
                    super::insert(tx, std::slice::from_ref(message)).await?;
                }
                Ok::<_, SqlError>(gone == 1)
            })
        })
        .await?;
    if moved { Ok(()) } else { Err(BusError::NoSuchDeadLetter(id.to_string())) }
}

pub(super) async fn discard(db: &Db, id: DeadLetterId) -> Result<(), BusError> {
    let gone = db
        .write(id.to_string(), |tx, id| {
            Box::pin(async move { Ok::<_, SqlError>(Entity::delete_by_id(id.clone()).exec(tx).await?.rows_affected) })
        })
        .await?;
    if gone == 1 { Ok(()) } else { Err(BusError::NoSuchDeadLetter(id.to_string())) }
}

/// A message that is put aside.
pub(super) struct Burial<'a> {
    pub queue: &'a str,
    pub event_id: Uuid,
    /// How often it was tried.
    pub attempts: u32,
    pub error: &'a str,
    pub body: String,
}

pub(super) async fn bury(tx: &Tx, burial: Burial<'_>, now: Timestamp) -> Result<(), SqlError> {
    let letter = ActiveModel {
        dead_letter_id: Set(letter_id(burial.queue, burial.event_id).to_string()),
        queue: Set(burial.queue.to_owned()),
        attempts: Set(i64::from(burial.attempts)),
        error: Set(burial.error.to_owned()),
        died_at: Set(now.millis()),
        envelope: Set(burial.body),
    };
    // Published again after it was put aside, it may fail again: the same letter, with the newest error.
    let again = OnConflict::column(Column::DeadLetterId)
        .update_columns([Column::Attempts, Column::Error, Column::DiedAt])
        .to_owned();
    Entity::insert(letter).on_conflict(again).exec_without_returning(tx).await?;
    Ok(())
}
