//! The inbox: records the events that a consumer has applied, in the transaction of their effect.

use std::{collections::BTreeSet, time::Duration};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_sql::{Db, SqlError, Tx, insert_all_or_ignore, insert_or_ignore};
use souk_values::{DAY, IdGen, Timestamp};
use uuid::Uuid;

use crate::{
    Cause,
    tables::inbox_event::{ActiveModel, Column, Entity},
};

/// Time for which the inbox keeps an event. No transport redelivers one later than that.
pub const RETENTION: Duration = DAY.saturating_mul(30);

/// Maximum number of rows that are deleted per transaction, so that other writes do not wait while a month of rows goes.
const PURGE_BATCH: u64 = 1_000;

/// Records that `queue` applies `event_id` in this transaction. Returns false if it has applied the event before, in which
/// case the transaction must change nothing.
pub async fn record(tx: &Tx, queue: &str, event_id: Uuid, now: Timestamp) -> Result<bool, SqlError> {
    insert_or_ignore(tx, row(queue, event_id, now)).await
}

/// Records that this transaction applies all of `causes`. Returns those that were not applied before; the transaction must
/// change nothing for the others.
///
/// Errors: besides those of the engine, [`SqlError::Busy`] if another transaction records one of them meanwhile.
pub async fn record_all(
    tx: &Tx,
    causes: impl IntoIterator<Item = Cause>,
    now: Timestamp,
) -> Result<BTreeSet<Cause>, SqlError> {
    // In the order of the key, as other transactions insert them.
    let mut new: BTreeSet<Cause> = causes.into_iter().collect();
    // The number of inserted rows is enough to know about a single event.
    if new.len() > 1 {
        let known = recorded(tx, &new).await?;
        new.retain(|cause| !known.contains(&(cause.queue.to_owned(), cause.event_id.to_string())));
    }
    if new.is_empty() {
        return Ok(new);
    }
    let rows: Vec<_> = new.iter().map(|cause| row(cause.queue, cause.event_id, now)).collect();
    let inserted = insert_all_or_ignore(tx, rows).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == new.len()) {
        Ok(new)
    } else if new.len() == 1 {
        Ok(BTreeSet::new())
    } else {
        Err(SqlError::Busy("an event was recorded by another transaction meanwhile".to_owned()))
    }
}

/// Returns queue and id of those of `causes` that are in the inbox.
async fn recorded(tx: &Tx, causes: &BTreeSet<Cause>) -> Result<BTreeSet<(String, String)>, SqlError> {
    let queues: BTreeSet<&str> = causes.iter().map(|cause| cause.queue).collect();
    let found = Entity::find()
        .select_only()
        .columns([Column::Queue, Column::EventId])
        .filter(Column::Queue.is_in(queues))
        .filter(Column::EventId.is_in(causes.iter().map(|cause| cause.event_id.to_string())));
    Ok(found.into_tuple().all(tx).await?.into_iter().collect())
}

fn row(queue: &str, event_id: Uuid, now: Timestamp) -> ActiveModel {
    ActiveModel { queue: Set(queue.to_owned()), event_id: Set(event_id.to_string()), received_at: Set(now.millis()) }
}

/// Deletes the events received more than [`RETENTION`] before `now`, and returns their number.
///
/// They are found by their key. An id begins with the time at which its event was stamped (UUID version 7), and none is
/// received before that: so an index on the time of receipt, which each event would have to be entered in, is not needed.
pub async fn purge_old(db: &Db, now: Timestamp) -> Result<u64, SqlError> {
    let before = now.minus(RETENTION);
    let mut purged = 0;
    let mut last: Option<String> = None;
    while let Some(queue) = next_queue(db, last.as_deref()).await? {
        loop {
            let ids = oldest(db, &queue, before).await?;
            let are_all = u64::try_from(ids.len()).is_ok_and(|ids| ids < PURGE_BATCH);
            if !ids.is_empty() {
                purged += db.write((queue.clone(), ids), |tx, (queue, ids)| Box::pin(delete(tx, queue, ids))).await?;
            }
            if are_all {
                break;
            }
        }
        last = Some(queue);
    }
    Ok(purged)
}

/// Returns the first queue of the inbox behind `last`.
async fn next_queue(db: &Db, last: Option<&str>) -> Result<Option<String>, SqlError> {
    let first = Entity::find().select_only().column_as(Column::Queue.min(), "first");
    let first = first.filter(Column::Queue.gt(last.unwrap_or_default()));
    Ok(first.into_tuple::<Option<String>>().one(db.reader()).await?.flatten())
}

/// Returns the ids of events that `queue` received before `before`, at most [`PURGE_BATCH`].
async fn oldest(db: &Db, queue: &str, before: Timestamp) -> Result<Vec<String>, SqlError> {
    let old = Entity::find()
        .select_only()
        .column(Column::EventId)
        .filter(Column::Queue.eq(queue))
        .filter(Column::EventId.lt(IdGen::uuid_before(before).to_string()))
        .filter(Column::ReceivedAt.lt(before.millis()))
        .order_by_asc(Column::EventId)
        .limit(PURGE_BATCH);
    Ok(old.into_tuple().all(db.reader()).await?)
}

async fn delete(tx: &Tx, queue: &str, ids: &[String]) -> Result<u64, SqlError> {
    let rows = Entity::delete_many().filter(Column::Queue.eq(queue)).filter(Column::EventId.is_in(ids.to_vec()));
    Ok(rows.exec(tx).await?.rows_affected)
}
