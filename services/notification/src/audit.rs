//! Facts that `souk audit` checks, read from the store without writing to it.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use souk_sql::{Access, Db, SqlError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationAuditFacts {
    pub notices: u64,
    /// Mails that are due now or later.
    pub mails_queued: u64,
    /// Mails that were given up.
    pub mails_failed: u64,
    /// Combinations of event, user and kind with more than one notice. Always zero, by the inbox and a unique index.
    pub repeated_effects: u64,
    /// Events not yet published. Always zero: this service publishes none.
    pub outbox_pending: u64,
}

/// One statement, so that all counts are of one instant on every engine.
const COUNTS: &str = "SELECT
    (SELECT COUNT(*) FROM notice) AS notices,
    (SELECT COUNT(*) FROM mail WHERE status = 'queued') AS mails_queued,
    (SELECT COUNT(*) FROM mail WHERE status = 'failed') AS mails_failed,
    (SELECT COUNT(*) FROM (SELECT user_id FROM notice GROUP BY user_id, event_id, kind HAVING COUNT(*) > 1) AS twice)
        AS repeated_effects,
    (SELECT COUNT(*) FROM outbox_event) AS outbox_pending";

#[derive(FromQueryResult)]
struct Counts {
    notices: i64,
    mails_queued: i64,
    mails_failed: i64,
    repeated_effects: i64,
    outbox_pending: i64,
}

pub async fn read(store_url: &str) -> Result<NotificationAuditFacts, SqlError> {
    let db = Db::open(store_url, Access::ReadOnly).await?;
    let reader = db.reader();
    let row = reader.query_one_raw(Statement::from_string(reader.get_database_backend(), COUNTS)).await?;
    let row = row.ok_or_else(|| SqlError::Failed("the query for the counts returned no row".to_owned()))?;
    let counts = Counts::from_query_result(&row, "")?;
    let unsigned = |count: i64| u64::try_from(count).unwrap_or(0);
    Ok(NotificationAuditFacts {
        notices: unsigned(counts.notices),
        mails_queued: unsigned(counts.mails_queued),
        mails_failed: unsigned(counts.mails_failed),
        repeated_effects: unsigned(counts.repeated_effects),
        outbox_pending: unsigned(counts.outbox_pending),
    })
}
