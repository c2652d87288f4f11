//! Decides whether a message is still current when its event arrives, and records the event's version.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_sql::{SqlError, Tx, insert_or_ignore, lock_for_update};
use souk_values::Timestamp;

use super::entities::latest_version::{ActiveModel, Column, Entity};
use crate::message::Freshness;

/// Version of a subject of which no event with a version was received.
const NO_VERSION: i64 = -1;

pub(super) async fn is_fresh(tx: &Tx, freshness: &Freshness, now: Timestamp) -> Result<bool, SqlError> {
    match freshness {
        Freshness::Always => Ok(true),
        Freshness::Newer { subject, version, settles } => {
            let news = News { subject, version: *version, settles: *settles, now };
            news.is_newer(tx).await
        }
        Freshness::UnlessSettled { subject } => {
            // Locked, so that a concurrent event which settles the subject commits entirely before or after this one.
            let unknown = News { subject, version: NO_VERSION, settles: false, now };
            insert_or_ignore(tx, unknown.row()).await?;
            let latest = lock_for_update(Entity::find_by_id(subject.clone())).one(tx).await?;
            Ok(latest.is_none_or(|latest| !latest.is_settled))
        }
    }
}

/// A version of a subject that was received.
struct News<'e> {
    subject: &'e str,
    version: i64,
    settles: bool,
    now: Timestamp,
}

impl News<'_> {
    async fn is_newer(&self, tx: &Tx) -> Result<bool, SqlError> {
        if self.raise(tx).await? {
            return Ok(true);
        }
        if insert_or_ignore(tx, self.row()).await? {
            return Ok(true);
        }
        // Another event of the subject may have inserted the row between the two statements.
        if self.raise(tx).await? {
            return Ok(true);
        }
        if self.settles {
            // A late payment or cancellation is not sent, and still makes the payment final.
            let settled = Entity::update_many().col_expr(Column::IsSettled, Expr::value(true));
            settled.filter(Column::Subject.eq(self.subject)).exec(tx).await?;
        }
        Ok(false)
    }

    fn row(&self) -> ActiveModel {
        ActiveModel {
            subject: Set(self.subject.to_owned()),
            version: Set(self.version),
            is_settled: Set(self.settles),
            received_at: Set(Some(self.now.millis())),
        }
    }

    async fn raise(&self, tx: &Tx) -> Result<bool, SqlError> {
        let mut update = Entity::update_many()
            .col_expr(Column::Version, Expr::value(self.version))
            .col_expr(Column::ReceivedAt, Expr::value(self.now.millis()));
        if self.settles {
            update = update.col_expr(Column::IsSettled, Expr::value(true));
        }
        let older = update.filter(Column::Subject.eq(self.subject)).filter(Column::Version.lt(self.version));
        Ok(older.exec(tx).await?.rows_affected == 1)
    }
}
