//! Users with their contacts and languages. A user's row is also the lock under which the user's notices get their positions.

use std::collections::HashMap;

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
    sea_query::{Expr, ExprTrait},
};
use souk_sql::{SqlError, Tx, insert_or_ignore, row_with};
use souk_values::{Language, UserId, ids::Id as _};

use super::{
    damaged,
    entities::{
        mail,
        recipient::{ActiveModel, Column, Entity},
    },
    mails,
};
use crate::{
    kind::Kind,
    mail::MailStatus,
    message::{Contact, MailAddress},
};

/// Version of a row whose contact auth has not published yet.
const NO_CONTACT: i64 = -1;

pub(super) struct Recipient {
    pub user_id: UserId,
    /// Position of the notice that is being written.
    pub position: i64,
    pub address: Option<MailAddress>,
    pub language: Language,
}

/// Stores the contact if it is newer than the stored one, and queues the mails that waited for it. False when it is
/// not newer.
pub(super) async fn update_contact(tx: &Tx, contact: &Contact) -> Result<bool, SqlError> {
    if !raise(tx, contact).await? {
        let row = row(contact.user_id, Some(contact), 0);
        let is_inserted = insert_or_ignore(tx, row).await?;
        // A notice may have inserted the row between the two statements.
        if !is_inserted && !raise(tx, contact).await? {
            return Ok(false);
        }
    }
    let waiting = MailStatus::Waiting.name();
    let queued = MailStatus::Queued.name();
    let readdressed = mail::Entity::update_many()
        .col_expr(mail::Column::ToName, Expr::value(contact.address.name.clone()))
        .col_expr(mail::Column::ToAddress, Expr::value(contact.address.email.clone()))
        .col_expr(mail::Column::AddressKey, Expr::value(mails::address_key(&contact.address.email)))
        .col_expr(mail::Column::Status, Expr::value(queued))
        .filter(mail::Column::UserId.eq(contact.user_id.get()))
        .filter(mail::Column::Status.is_in([waiting, queued]))
        // A reset goes to the address that it was requested for, even if the account has another one by now.
        .filter(mail::Column::Kind.ne(Kind::PasswordReset.name()))
        .exec(tx)
        .await?;
    if readdressed.rows_affected > 0 {
        tx.wake_on_commit();
    }
    Ok(true)
}

async fn raise(tx: &Tx, contact: &Contact) -> Result<bool, SqlError> {
    let mut update = Entity::update_many();
    if let Some(language) = contact.language {
        update = update.col_expr(Column::Language, Expr::value(language.code()));
    }
    let raised = update
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

/// Takes the user's next position, and locks the user's row until the transaction ends: positions follow the order of
/// commits, so a stream that reads on from one misses none; and a concurrent contact sees the mail of this notice, or
/// this notice sees the contact. `language` is stored if none is known of the user.
pub(super) async fn advance_position(tx: &Tx, user: UserId, language: Option<Language>) -> Result<Recipient, SqlError> {
    if !advance(tx, user).await? {
        let is_inserted = insert_or_ignore(tx, row(user, None, 1)).await?;
        if !is_inserted && !advance(tx, user).await? {
            return Err(vanished());
        }
    }
    let found = row_with::<Entity>(tx, &[(Column::UserId, user.get().into())]).await?;
    let found = found.ok_or_else(vanished)?;
    let address = found.username.zip(found.email).map(|(name, email)| MailAddress { name, email });
    let known = found.language.as_deref().and_then(Language::with_code);
    if let (None, Some(language)) = (known, language) {
        let learned = Entity::update_many().col_expr(Column::Language, Expr::value(language.code()));
        learned.filter(Column::UserId.eq(user.get())).exec(tx).await?;
    }
    let language = known.or(language).unwrap_or_default();
    Ok(Recipient { user_id: user, position: found.last_position, address, language })
}

/// Returns the languages of these users as they are now, without those that are not known.
pub(super) async fn languages(tx: &Tx, users: Vec<i64>) -> Result<HashMap<i64, Language>, SqlError> {
    let known = Entity::find().select_only().column(Column::UserId).column(Column::Language);
    let known = known.filter(Column::UserId.is_in(users)).filter(Column::Language.is_not_null());
    let rows: Vec<(i64, String)> = known.into_tuple().all(tx).await?;
    Ok(rows.into_iter().filter_map(|(user, code)| Some((user, Language::with_code(&code)?))).collect())
}

fn vanished() -> SqlError {
    SqlError::Busy("the recipient's row was deleted concurrently".to_owned())
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
        version: Set(contact.map_or(NO_CONTACT, |contact| contact.version)),
        last_position: Set(last_position),
        language: Set(contact.and_then(|contact| contact.language).map(|language| language.code().to_owned())),
    }
}

/// Ordered by id: two events for all admins lock the rows in the same order and cannot deadlock.
pub(super) async fn admins(tx: &Tx) -> Result<Vec<UserId>, SqlError> {
    let admins = Entity::find().select_only().column(Column::UserId).filter(Column::IsAdmin.eq(true));
    let ids: Vec<i64> = admins.order_by_asc(Column::UserId).into_tuple().all(tx).await?;
    ids.into_iter().map(|id| UserId::new(id).map_err(|error| damaged("recipient", &error))).collect()
}
