//! Failed sign-ins. They are stored, so that all replicas throttle together and a restart clears none.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use souk_sql::{SqlError, Tx};
use souk_values::Timestamp;

use super::{
    AuthStore,
    entities::sign_in_failure::{ActiveModel, Column, Entity, Model},
};
use crate::throttle::Failures;

impl AuthStore {
    pub(crate) async fn failures(&self, key: &str) -> Result<Option<Failures>, SqlError> {
        Ok(Entity::find_by_id(key.to_owned()).one(self.db.reader()).await?.as_ref().map(read))
    }

    /// Counts one more failure. If attempts have to wait already, counts nothing and returns the failures.
    pub(crate) async fn count_failure(&self, key: String, now: Timestamp) -> Result<Option<Failures>, SqlError> {
        self.db.write((key, now), |tx, (key, now)| Box::pin(count(tx, key, *now))).await
    }

    /// Deletes the failures after a successful sign-in.
    pub(crate) async fn clear_failures(&self, key: String) -> Result<(), SqlError> {
        self.db
            .write(key, |tx, key| {
                Box::pin(async move {
                    Entity::delete_by_id(key.clone()).exec(tx).await?;
                    Ok(())
                })
            })
            .await
    }
}

async fn count(tx: &Tx, key: &str, now: Timestamp) -> Result<Option<Failures>, SqlError> {
    let before = Entity::find_by_id(key.to_owned()).one(tx).await?;
    let stored = before.as_ref().map(read);
    if let Some(blocked) = stored.filter(|failures| failures.wait(now).is_some()) {
        return Ok(Some(blocked));
    }
    let after = Failures::with_another(stored, now);
    let row = ActiveModel {
        throttle_key: Set(key.to_owned()),
        failures: Set(after.count),
        blocked_until: Set(after.blocked_until.millis()),
        last_failed_at: Set(after.last_failed_at.millis()),
    };
    // `Busy` runs the transaction again, on top of the failure that was counted concurrently.
    let retry = || SqlError::Busy("another failed sign-in was counted concurrently".into());
    match before {
        None => match Entity::insert(row).exec_without_returning(tx).await.map_err(SqlError::from) {
            Err(SqlError::Unique(_)) => return Err(retry()),
            inserted => drop(inserted?),
        },
        Some(before) => {
            let counted = Entity::update_many()
                .set(row)
                .filter(Column::ThrottleKey.eq(key))
                .filter(Column::Failures.eq(before.failures))
                .filter(Column::LastFailedAt.eq(before.last_failed_at))
                .exec(tx)
                .await?;
            if counted.rows_affected == 0 {
                return Err(retry());
            }
        }
    }
    Ok(None)
}

fn read(row: &Model) -> Failures {
    Failures {
        count: row.failures,
        blocked_until: Timestamp::from_millis(row.blocked_until),
        last_failed_at: Timestamp::from_millis(row.last_failed_at),
    }
}
