//! Deletes notices and mails whose time is over.

use sea_orm::{ColumnTrait, ExprTrait};
use souk_sql::{DELETION_BATCH, SqlError, delete_in_batches};
use souk_values::{IdGen, Timestamp};

use super::{
    NotificationStore,
    entities::{latest_version, mail, notice},
    mails,
};
use crate::mail::MailStatus;

impl NotificationStore {
    /// Deletes the notices from before `before`, and returns their number. Found by their ids, which begin with the time.
    pub(crate) async fn purge_notices(&self, before: Timestamp) -> Result<u64, SqlError> {
        use notice::{Column, Entity};
        let old = Column::NotificationId.lt(IdGen::before(before)).and(Column::CreatedAt.lt(before.millis()));
        delete_in_batches::<Entity, i64>(&self.db, Column::NotificationId, old).await
    }

    /// Deletes the mails from before `before` that were sent or given up, and returns their number. One that may still be sent
    /// stays, whatever its age.
    pub(crate) async fn purge_mails(&self, before: Timestamp) -> Result<u64, SqlError> {
        use mail::{Column, Entity};
        let old = Column::MailId.lt(IdGen::before(before)).and(Column::CreatedAt.lt(before.millis()));
        let done = Column::Status.is_in([MailStatus::Sent.name(), MailStatus::Failed.name()]);
        delete_in_batches::<Entity, i64>(&self.db, Column::MailId, old.and(done)).await
    }

    /// Forgets the versions of subjects of which none was received since `before`, and returns their number.
    pub(crate) async fn purge_versions(&self, before: Timestamp) -> Result<u64, SqlError> {
        use latest_version::{Column, Entity};
        delete_in_batches::<Entity, String>(&self.db, Column::Subject, Column::ReceivedAt.lt(before.millis())).await
    }

    /// Deletes mails that expired while they waited for an address, with their notices, and returns how many. They
    /// are reminders to guests, whose address never becomes known.
    pub(crate) async fn purge_unaddressed(&self, now: Timestamp) -> Result<u64, SqlError> {
        let mut total = 0;
        loop {
            let deleted = self.db.write(now, |tx, &now| Box::pin(mails::delete_unaddressed(tx, now))).await?;
            total += deleted;
            if deleted < DELETION_BATCH {
                return Ok(total);
            }
        }
    }

    /// Gives up mails that have waited too long for an address, and returns how many.
    pub(crate) async fn give_up_unaddressed(&self, now: Timestamp) -> Result<u64, SqlError> {
        let mut total = 0;
        loop {
            let given_up = self.db.write(now, |tx, &now| Box::pin(mails::give_up_unaddressed(tx, now))).await?;
            total += given_up;
            if given_up < DELETION_BATCH {
                return Ok(total);
            }
        }
    }
}
