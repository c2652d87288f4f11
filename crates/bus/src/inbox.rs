//! The inbox: records the events that a consumer has applied, in the transaction of their effect.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_sql::{Db, SqlError, Tx, insert_or_ignore};
use souk_values::{DAY, Timestamp};
use uuid::Uuid;

use crate::tables::inbox_event::{ActiveModel, Column, Entity};

/// Time for which the inbox keeps an event. No transport redelivers one later than that.
pub const RETENTION: Duration = DAY.saturating_mul(30);

/// Approximate number of rows that are deleted per transaction.
const PURGE_BATCH: u64 = 1_000;

/// Records that `queue` applies `event_id` in this transaction. Returns false if it has applied the event before, in which
/// case the transaction must change nothing.
pub async fn record(tx: &Tx, queue: &str, event_id: Uuid, now: Timestamp) -> Result<bool, SqlError> {
    let row = ActiveModel {
        queue: Set(queue.to_owned()),
        event_id: Set(event_id.to_string()),
        received_at: Set(now.millis()),
    };
    Ok(insert_or_ignore(tx, [row]).await? == 1)
}

/// Deletes the events received more than [`RETENTION`] before `now`, and returns their number.
pub async fn purge_old(db: &Db, now: Timestamp) -> Result<u64, SqlError> {
    let before = now.minus(RETENTION).millis();
    let mut purged = 0;
    loop {
        // In batches, so that other writes do not wait while a month of rows is deleted.
        let oldest = || Entity::find().filter(Column::ReceivedAt.lt(before)).order_by_asc(Column::ReceivedAt);
        let bound = oldest().offset(PURGE_BATCH).one(db.reader()).await?.map_or(before, |row| row.received_at);
        // A batch may consist of a single instant. Its rows exceed the batch then, and are deleted together.
        let bound = if oldest().one(db.reader()).await?.is_some_and(|row| row.received_at == bound) {
            bound + 1
        } else {
            bound
        };
        let deleted = db
            .write(bound, |tx, &bound| {
                Box::pin(async move {
                    let old = Entity::delete_many().filter(Column::ReceivedAt.lt(bound));
                    Ok::<_, SqlError>(old.exec(tx).await?.rows_affected)
                })
            })
            .await?;
        purged += deleted;
        if deleted == 0 || bound == before {
            return Ok(purged);
        }
    }
}
