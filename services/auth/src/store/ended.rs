//! Rights that ended before their access tokens expire, for every verifier to read.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::OnConflict};
use souk_kit::auth::{EndedRights, EndedUser, LISTED_FOR};
use souk_sql::{SqlError, Tx};
use souk_values::{Timestamp, UserId, ids::Id};

use super::{
    AuthStore,
    entities::ended_right::{ActiveModel, Column, Entity},
};
use crate::account::Account;

/// Limit of ended sign-ins in one response. Beyond it the oldest are left out: anyone can sign in and out all day. Users
/// have no limit, since only admins lock, and a new password takes a hashing.
const MAX_SIGN_INS: u64 = 50_000;

impl AuthStore {
    /// Returns the rights that ended at or after `since`, and at most the life of an access token ago.
    pub(crate) async fn ended_rights(&self, since: Option<Timestamp>, now: Timestamp) -> Result<EndedRights, SqlError> {
        let oldest = now.minus(LISTED_FOR);
        let since = since.map_or(oldest, |since| since.max(oldest));
        let ended = Entity::find().filter(Column::EndedAt.gte(since.millis()));
        let of_users = ended.clone().filter(Column::UserId.is_not_null()).all(self.db.reader()).await?;
        let sign_ins = ended.select_only().column(Column::RightKey).filter(Column::UserId.is_null());
        let newest = sign_ins.order_by_desc(Column::EndedAt).limit(MAX_SIGN_INS);
        let sign_ins: Vec<String> = newest.into_tuple().all(self.db.reader()).await?;
        let users = of_users.into_iter().filter_map(|row| {
            let user_id = row.user_id.and_then(|id| UserId::new(id).ok())?;
            Some(EndedUser { user_id, epoch: row.epoch })
        });
        Ok(EndedRights { at: now, users: users.collect(), sign_ins })
    }
}

/// Records that the access tokens of earlier sign-ins of `account` are void.
pub(super) async fn of_user(tx: &Tx, account: &Account, now: Timestamp) -> Result<(), SqlError> {
    let user_id = account.user_id.get();
    let row = ActiveModel {
        right_key: Set(user_id.to_string()),
        user_id: Set(Some(user_id)),
        epoch: Set(account.sign_in_epoch),
        ended_at: Set(now.millis()),
    };
    // The account's row is locked by this transaction, so epochs are recorded in their order.
    let newer = OnConflict::column(Column::RightKey).update_columns([Column::Epoch, Column::EndedAt]).to_owned();
    Entity::insert(row).on_conflict(newer).exec_without_returning(tx).await?;
    Ok(())
}

/// Records that the access tokens of a sign-in are void.
pub(super) async fn of_sign_in(tx: &Tx, family_id: &str, now: Timestamp) -> Result<(), SqlError> {
    let row = ActiveModel {
        right_key: Set(family_id.to_owned()),
        user_id: Set(None),
        epoch: Set(0),
        ended_at: Set(now.millis()),
    };
    souk_sql::insert_or_ignore(tx, row).await?;
    Ok(())
}
