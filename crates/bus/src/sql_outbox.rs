//! The outbox in the `outbox_event` table of a SQL store.

use std::{future::Future, sync::Arc, time::Duration};

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
    waiting::Waiting,
};

/// Time limit of a statement of a claim, which runs on a transaction without the limits of `souk_sql`.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The outbox of a SQL store.
#[derive(Debug, Clone)]
pub struct SqlOutbox {
    db: Db,
    waiting: Arc<Waiting>,
}

impl SqlOutbox {
    /// Returns the outbox of `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { waiting: Arc::new(Waiting::new(&db)), db }
    }
}

pub(crate) fn oldest(limit: u64) -> Select<Entity> {
    Entity::find().order_by_asc(Column::EventId).limit(limit)
}

/// Reads rows one by one, so that a damaged one does not hide the others. Errors: a row has no readable key.
pub(crate) fn events(rows: &[QueryResult]) -> Result<Events, BusError> {
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

pub(crate) fn key_list(events: &[UnreadableEvent]) -> Vec<String> {
    events.iter().map(|event| event.key.clone()).collect()
}

#[async_trait::async_trait]
impl Outbox for SqlOutbox {
    async fn claim(&self, limit: u64) -> Result<Box<dyn Claim>, BusError> {
        let reader = self.db.reader();
        if reader.get_database_backend() == DbBackend::Sqlite {
            // A file belongs to one process, whose only relay needs no lock.
            return Ok(Box::new(self.waiting.claim(limit).await?));
        }
        let transaction = reader.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
        let select = lock_skip_locked(oldest(limit)).build(transaction.get_database_backend());
        let rows = in_time(transaction.query_all_raw(select)).await?;
        Ok(Box::new(LockedClaim { events: events(&rows)?, transaction }))
    }

    async fn unpublished(&self, limit: u64) -> Result<Vec<Envelope>, BusError> {
        let reader = self.db.reader();
        let rows = reader.query_all_raw(oldest(limit).build(reader.get_database_backend())).await?;
        Ok(events(&rows)?.envelopes)
    }

    async fn backlog(&self) -> Result<Backlog, BusError> {
        let pending = Entity::find().count(self.db.reader()).await?;
        if pending == 0 {
            return Ok(Backlog::default());
        }
        // Not the whole row, which may be unreadable.
        let times = Entity::find().select_only().column(Column::CreatedAt).order_by_asc(Column::EventId).limit(1);
        let oldest: Option<i64> = times.into_tuple().one(self.db.reader()).await?;
        Ok(Backlog { pending, oldest: oldest.map(Timestamp::from_millis) })
    }

    async fn written(&self) {
        self.db.committed().await;
    }

    async fn finish(&self) {
        self.waiting.finish_removals().await;
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

#[cfg(test)]
mod tests {
    use sea_orm::{Database, TransactionTrait};
    use sea_orm_migration::MigratorTrait;
    use souk_events::StockReserved;
    use souk_sql::Access;
    use souk_values::{Id, IdGen, OrderId, SystemClock};

    use super::*;
    use crate::{Stamper, outbox, service_migrations};

    struct Tables;

    impl MigratorTrait for Tables {
        fn migrations() -> Vec<Box<dyn sea_orm_migration::MigrationTrait>> {
            service_migrations()
        }
    }

    /// The claim of the other engines, on a transaction of SQLite.
    #[tokio::test]
    async fn a_locked_claim_deletes_what_is_confirmed_or_unreadable_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/t.db", folder.path().display());
        let db = Db::open(&url, Access::ReadWrite).await.unwrap();
        db.migrate::<Tables>().await.unwrap();
        let clock = Arc::new(SystemClock);
        let stamper = Stamper::new(IdGen::new(clock.clone()), clock);
        let stamp = |order| stamper.stamp(&StockReserved { order_id: OrderId::new(order).unwrap(), order_version: 1 });
        let envelopes = [stamp(1).unwrap(), stamp(2).unwrap()];
        db.write(envelopes.clone(), |tx, envelopes| Box::pin(outbox::add(tx, envelopes))).await.unwrap();
        let damaged = Uuid::from_u128(7);
        let connection = Database::connect(&url).await.unwrap();
        let row = format!("INSERT INTO outbox_event VALUES ('{damaged}', 'stock.reserved.v1', 1, '[]')");
        connection.execute_unprepared(&row).await.unwrap();

        let transaction = connection.begin().await.unwrap();
        let rows = transaction.query_all_raw(oldest(10).build(DbBackend::Sqlite)).await.unwrap();
        let mut claim = Box::new(LockedClaim { events: events(&rows).unwrap(), transaction });
        assert_eq!(claim.envelopes(), envelopes);
        assert_eq!(key_list(claim.unreadable()), [damaged.to_string()]);
        claim.remove_unreadable().await.unwrap();
        claim.confirm(&[envelopes[0].id]).await.unwrap();

        let outbox = SqlOutbox::new(db);
        assert_eq!(outbox.unpublished(10).await.unwrap(), envelopes[1..]);
        assert_eq!(outbox.backlog().await.unwrap().pending, 1);
    }

    #[test]
    fn mysql_deletes_each_row_with_a_statement_of_its_own() {
        let ids = ["a", "b", "c"].map(ToOwned::to_owned);
        let count = |backend, ids: &[String]| deletions(backend, ids).len();
        assert_eq!((count(DbBackend::MySql, &ids), count(DbBackend::Postgres, &ids)), (3, 1));
        assert_eq!((count(DbBackend::MySql, &[]), count(DbBackend::Postgres, &[])), (0, 0));
    }
}
