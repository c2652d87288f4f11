//! Contacts. A user's row is also the lock under which that user's notices get their places.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait},
};
use souk_sql::{SqlError, Tx, insert_unless_there};
use souk_values::{UserId, ids::Id as _};

use super::{
    damaged,
    entities::{
        mail,
        recipient::{ActiveModel, Column, Entity},
    },
};
use crate::{
    Kind,
    news::{Address, Contact},
    notice::MailStatus,
};

/// The version of a row that auth has not told anything of.
const UNKNOWN: i64 = -1;

/// A reader, with the place of the next notice.
pub(super) struct Reader {
    pub user_id: UserId,
    pub position: i64,
    pub address: Option<Address>,
}

/// Takes over a contact if it is newer than the known one, and sends off what waited for it.
/// False: it is not newer.
pub(super) async fn learn(tx: &Tx, contact: &Contact) -> Result<bool, SqlError> {
    if !raise(tx, contact).await? {
        let row = row(contact.user_id, Some(contact), 0);
        let inserted = insert_unless_there(tx, [row]).await?;
        // A notice may have made the row between the two statements: try once more.
        if inserted == 0 && !raise(tx, contact).await? {
            return Ok(false);
        }
    }
    let (waiting, queued) = (MailStatus::Waiting.name(), MailStatus::Queued.name());
    let readdressed = mail::Entity::update_many()
        .col_expr(mail::Column::ToName, Expr::value(contact.address.name.clone()))
        .col_expr(mail::Column::ToAddress, Expr::value(contact.address.email.clone()))
        .col_expr(mail::Column::Status, Expr::value(queued))
        .filter(mail::Column::UserId.eq(contact.user_id.get()))
        .filter(mail::Column::Status.is_in([waiting, queued]))
        // A reset goes to the address it was asked for, whatever became of the account since.
        .filter(mail::Column::Kind.ne(Kind::PasswordReset.name()))
        .exec(tx)
        .await?;
    if readdressed.rows_affected > 0 {
        tx.wake_on_commit();
    }
    Ok(true)
}

async fn raise(tx: &Tx, contact: &Contact) -> Result<bool, SqlError> {
    let raised = Entity::update_many()
        .col_expr(Column::Username, Expr::value(contact.address.name.clone()))
        .col_expr(Column::Email, Expr::value(contact.address.email.clone()))
        .col_expr(Column::IsAdmin, Expr::value(contact.is_admin))
        .col_expr(Column::Version, Expr::value(contact.version))
        .filter(Column::UserId.eq(contact.user_id.get()))
        .filter(Column::Version.lt(contact.version))
        .exec(tx)
        .await?;
    Ok(raised.rows_affected == 1)
}

/// Locks the reader's row until the transaction ends, so that places are given in the order of
/// commits, and neither a contact nor a notice can miss the other.
pub(super) async fn next_position(tx: &Tx, user: UserId) -> Result<Reader, SqlError> {
    if !advance(tx, user).await? {
        let inserted = insert_unless_there(tx, [row(user, None, 1)]).await?;
        if inserted == 0 && !advance(tx, user).await? {
            return Err(SqlError::Busy("a recipient came and went".to_owned()));
        }
    }
    let found = Entity::find_by_id(user.get()).one(tx).await?;
    let found = found.ok_or_else(|| SqlError::Busy("a recipient came and went".to_owned()))?;
    let address = found.username.zip(found.email).map(|(name, email)| Address { name, email });
    Ok(Reader { user_id: user, position: found.last_position, address })
}

async fn advance(tx: &Tx, user: UserId) -> Result<bool, SqlError> {
    let next = Entity::update_many().col_expr(Column::LastPosition, Expr::col(Column::LastPosition).add(1));
    Ok(next.filter(Column::UserId.eq(user.get())).exec(tx).await?.rows_affected == 1)
}

fn row(user: UserId, contact: Option<&Contact>, last_position: i64) -> ActiveModel {
    ActiveModel {
        user_id: Set(user.get()),
        username: Set(contact.map(|contact| contact.address.name.clone())),
        email: Set(contact.map(|contact| contact.address.email.clone())),
        is_admin: Set(contact.is_some_and(|contact| contact.is_admin)),
        version: Set(contact.map_or(UNKNOWN, |contact| contact.version)),
        last_position: Set(last_position),
    }
}

/// Every admin, always in the same order, so that two acts lock their rows in one order.
pub(super) async fn admins(tx: &Tx) -> Result<Vec<UserId>, SqlError> {
    let admins = Entity::find().select_only().column(Column::UserId).filter(Column::IsAdmin.eq(true));
    let ids: Vec<i64> = admins.order_by_asc(Column::UserId).into_tuple().all(tx).await?;
    ids.into_iter().map(|id| UserId::new(id).map_err(|error| damaged("recipient", &error))).collect()
}
