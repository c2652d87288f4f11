//! The outbox in the `outbox_event` table of a SQL store.

use std::{future::Future, time::Duration};

use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, IsolationLevel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select, Statement,
};
use souk_events::Envelope;
use souk_sql::{Db, SqlError, lock_skip_locked};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::{
    BusError,
    outbox::{Backlog, Claim, Outbox},
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

fn envelopes(rows: &[Model]) -> Result<Vec<Envelope>, BusError> {
    rows.iter().map(|row| Ok(serde_json::from_str(&row.envelope)?)).collect()
}

#[async_trait::async_trait]
impl Outbox for SqlOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        let reader = self.0.reader();
        if reader.get_database_backend() == DbBackend::Sqlite {
            // A file belongs to one process, whose only relay needs no lock.
            let envelopes = self.unpublished(limit).await?;
            return Ok(Box::new(UnlockedClaim { db: self.0.clone(), envelopes }));
        }
        let transaction = reader.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
        let rows = in_time(lock_skip_locked(oldest(limit)).all(&transaction)).await?;
        Ok(Box::new(LockedClaim { envelopes: envelopes(&rows)?, transaction }))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        envelopes(&oldest(limit).all(self.0.reader()).await?)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let pending = Entity::find().count(self.0.reader()).await?;
        let oldest = oldest(1).one(self.0.reader()).await?;
        Ok(Backlog { pending, oldest: oldest.map(|row| Timestamp::from_millis(row.created_at)) })
    }

    async fn written(&self) {
        self.0.committed().await;
    }
}

/// Events of a SQLite file, which need no lock.
struct UnlockedClaim {
    db: Db,
    envelopes: Vec<Envelope>,
}

#[async_trait::async_trait]
impl Claim for UnlockedClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
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

/// Events whose rows an open transaction has locked, so that other replicas skip them. If the process dies, the engine
/// rolls the transaction back and releases the locks.
struct LockedClaim {
    transaction: DatabaseTransaction,
    envelopes: Vec<Envelope>,
}

#[async_trait::async_trait]
impl Claim for LockedClaim {
    fn envelopes(&self) -> &[Envelope] {
        &self.envelopes
    }

    async fn confirm(self: Box<Self>, ids: &[Uuid]) -> Result<(), BusError> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        for statement in deletions(self.transaction.get_database_backend(), &ids) {
            in_time(self.transaction.execute_raw(statement)).await?;
        }
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
