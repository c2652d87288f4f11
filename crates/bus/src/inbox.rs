//! Remembers which events a queue's consumer has already acted on, in the transaction of the act.

use std::{sync::Arc, time::Duration};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};
use souk_sql::{Db, SqlError, Tx, insert_unless_there};
use souk_values::{Clock, Timestamp, clock};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::tables::inbox_event::{ActiveModel, Column, Entity};

/// How long an event is remembered; nothing is redelivered later than that.
pub const REMEMBERED: Duration = Duration::from_secs(30 * 86_400);

/// About how many rows are forgotten in one transaction.
const FORGET_AT_ONCE: u64 = 1_000;
/// How often old events are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Records that `queue` acts on `event_id` in this transaction. False: it has before, so do nothing.
pub async fn first_time(tx: &Tx, queue: &str, event_id: Uuid, now: Timestamp) -> Result<bool, SqlError> {
    let row = ActiveModel {
        queue: Set(queue.to_owned()),
        event_id: Set(event_id.to_string()),
        received_at: Set(now.millis()),
    };
    Ok(insert_unless_there(tx, [row]).await? == 1)
}

/// Forgets old events each hour, until `stop`.
pub async fn keep_short(db: Db, clock: Arc<dyn Clock>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = clock::sleep(&*clock, FORGET_EVERY) => {}
            () = stop.cancelled() => return,
        }
        match forget_old(&db, clock.now()).await {
            Ok(forgotten) => tracing::debug!(forgotten, "old events were forgotten"),
            Err(error) => tracing::warn!(error = %error, "old events are forgotten later"),
        }
    }
}

/// Forgets what was received more than [`REMEMBERED`] before `now`. Answers how many rows went.
pub async fn forget_old(db: &Db, now: Timestamp) -> Result<u64, SqlError> {
    let before = now.minus(REMEMBERED).millis();
    let mut forgotten = 0;
    loop {
        // A part at a time, so that nobody's write waits behind a month of rows.
        let oldest = || Entity::find().filter(Column::ReceivedAt.lt(before)).order_by_asc(Column::ReceivedAt);
        let bound = oldest().offset(FORGET_AT_ONCE).one(db.reader()).await?.map_or(before, |row| row.received_at);
        // Rows of one instant may be more than a part; they go together.
        let bound = if oldest().one(db.reader()).await?.is_some_and(|row| row.received_at == bound) {
            bound + 1
        } else {
            bound
        };
        let gone = db
            .write(bound, |tx, &bound| {
                Box::pin(async move {
                    let old = Entity::delete_many().filter(Column::ReceivedAt.lt(bound));
                    Ok::<_, SqlError>(old.exec(tx).await?.rows_affected)
                })
            })
            .await?;
        forgotten += gone;
        if gone == 0 || bound == before {
            return Ok(forgotten);
        }
    }
}
