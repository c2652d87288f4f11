//! The outbox in the `outbox_event` table of a SQL store.

use std::{future::Future, time::Duration};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, FromQueryResult, IdenStatic,
    IsolationLevel, PaginatorTrait, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait, Select, Statement,
};
use souk_events::Envelope;
use souk_sql::{Db, SqlError, lock_skip_locked};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{
    BusError,
    outbox::{Backlog, Claim, Events, Outbox, UnreadableEvent},
    tables::outbox_event::{Column, Entity, Model},
};

/// Time limit of a statement of a claim, which runs on a transaction without the limits of `souk_sql`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The outbox of a SQL store.
#[derive(Debug, Clone)]
pub struct SqlOutbox(Db);

impl SqlOutbox {
    /// Returns the outbox of `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self(db)
    }
}

fn oldest(limit: u64) -> Select<Entity> {
    Entity::find().order_by_asc(Column::EventId).limit(limit)
}

/// Reads rows one by one, so that a damaged one does not hide the others. Errors: a row has no readable key.
fn events(rows: &[QueryResult]) -> Result<Events, BusError> {
    let mut events = Events::default();
    for row in rows {
        match read(row) {
            Ok(envelope) => events.envelopes.push(envelope),
            Err(error) => events.unreadable.push(UnreadableEvent {
                key: row.try_get("", Column::EventId.as_str())?,
                body: raw_body(row),
                error: error.to_string(),
            }),
        }
    }
    Ok(events)
}

fn read(row: &QueryResult) -> Result<Envelope, BusError> {
    Ok(serde_json::from_str(&Model::from_query_result(row, "")?.envelope)?)
}

/// Returns the stored text of an event. SQLite may hold bytes that are not UTF-8, which are replaced.
fn raw_body(row: &QueryResult) -> String {
    let column = Column::Envelope.as_str();
    row.try_get::<String>("", column)
        .or_else(|_| row.try_get::<Vec<u8>>("", column).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        .unwrap_or_default()
}

fn key_list(events: &[UnreadableEvent]) -> Vec<String> {
    events.iter().map(|event| event.key.clone()).collect()
}

#[async_trait::async_trait]
impl Outbox for SqlOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        let reader = self.0.reader();
        if reader.get_database_backend() == DbBackend::Sqlite {
            // A file belongs to one process, whose only relay needs no lock.
            let events = events(&reader.query_all_raw(oldest(limit).build(DbBackend::Sqlite)).await?)?;
            return Ok(Box::new(UnlockedClaim { db: self.0.clone(), events }));
        }
        let transaction = reader.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
        let select = lock_skip_locked(oldest(limit)).build(transaction.get_database_backend());
        let rows = in_time(transaction.query_all_raw(select)).await?;
        Ok(Box::new(LockedClaim { events: events(&rows)?, transaction }))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let reader = self.0.reader();
        let rows = reader.query_all_raw(oldest(limit).build(reader.get_database_backend())).await?;
        Ok(events(&rows)?.envelopes)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let pending = Entity::find().count(self.0.reader()).await?;
        // Not the whole row, which may be unreadable.
        let times = Entity::find().select_only().column(Column::CreatedAt).order_by_asc(Column::EventId).limit(1);
        let oldest: Option<i64> = times.into_tuple().one(self.0.reader()).await?;
        Ok(Backlog { pending, oldest: oldest.map(Timestamp::from_millis) })
    }

    async fn written(&self) {
        self.0.committed().await;
    }
}

/// Events of a SQLite file, which need no lock.
struct UnlockedClaim {
    db: Db,
    events: Events,
}

impl UnlockedClaim {
    async fn delete(&self, ids: Vec<String>) -> Result<(), BusError> {
        self.db
            .write(ids, |tx, ids| {
                Box::pin(async move {
                    Entity::delete_many().filter(Column::EventId.is_in(ids.clone())).exec(tx).await?;
                    Ok::<_, SqlError>(())
                })
            })
            .await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl Claim for UnlockedClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.events.envelopes
    }

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.events.unreadable
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        self.delete(key_list(&self.events.unreadable)).await
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        self.delete(ids.iter().map(Uuid::to_string).collect()).await
    }
}

/// Events whose rows an open transaction has locked, so that other replicas skip them. If the process dies, the engine
/// rolls the transaction back and releases the locks.
struct LockedClaim {
    transaction: DatabaseTransaction,
    events: Events,
}

impl LockedClaim {
    async fn delete(&self, ids: &[String]) -> Result<(), BusError> {
        for statement in deletions(self.transaction.get_database_backend(), ids) {
            in_time(self.transaction.execute_raw(statement)).await?;
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl Claim for LockedClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.events.envelopes
    }

    fn unreadable(&self) -> &[UnreadableEvent] {
        &self.events.unreadable
    }

    async fn remove_unreadable(&mut self) -> Result<(), BusError> {
        self.delete(&key_list(&self.events.unreadable)).await
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        self.delete(&ids.iter().map(Uuid::to_string).collect::<Vec<_>>()).await?;
        in_time(self.transaction.commit()).await
    }
}

/// Returns the statements that delete the rows `ids`. MySQL's `IN` with several keys also locks neighbouring rows, on
/// which two relays deadlock; with one key it locks that row only, hence one statement per row there.
fn deletions(backend: DbBackend, ids: &[String]) -> Vec<Statement> {
    let per_statement = if backend == DbBackend::MySql { 1 } else { ids.len().max(1) };
    let delete = |ids: &[String]| Entity::delete_many().filter(Column::EventId.is_in(ids.to_vec())).build(backend);
    ids.chunks(per_statement).map(delete).collect()
}

async fn in_time<T>(work: impl Future<Output = Result<T, DbErr>>) -> Result<T, BusError> {
    let Ok(outcome) = tokio::time::timeout(STATEMENT_TIMEOUT, work).await else {
        let sentence = format!("the engine gave no answer within {} s", STATEMENT_TIMEOUT.as_secs());
        return Err(SqlError::Unavailable(sentence).into());
    };
    Ok(outcome?)
}
