//! Accounts: found, made, changed.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set, sea_query::Expr,
};
use souk_events::Envelope;
use souk_kit::auth::Role;
use souk_sql::{SqlError, Tx};
use souk_values::{PageRequest, Secret, Timestamp, UserId, ids::Id};

use super::{AuthStore, StoreError, entities::shop_user, resets, sessions};
use crate::{
    account::{Account, Email, Login, Username, role_name},
    store::OpenSession,
};
use shop_user::{ActiveModel, Column, Entity, Model};

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The account.
    pub account: Account,
    /// Hash of the registration's `Idempotency-Key`.
    pub register_key: Option<String>,
    /// Its first sign-in.
    pub session: Option<OpenSession>,
    /// What is told of it.
    pub events: Vec<Envelope>,
}

/// What stands in the way of a name, an address or a key.
#[derive(Debug, Clone)]
pub enum Taken {
    /// The registration was made before, with the same key.
    Key(Box<Account>),
    /// Somebody has the address.
    Email,
    /// Somebody has the name.
    Username,
}

/// An account as it shall be, saved over the version before.
#[derive(Debug, Clone)]
pub struct Change {
    /// The account as it shall be.
    pub account: Account,
    /// The version that this was decided on.
    pub over: i64,
    /// Whether an acting admin is no longer one.
    pub loses_admin: bool,
    /// Whether reset tokens that are on their way end.
    pub ends_resets: bool,
    /// What is told of it.
    pub events: Vec<Envelope>,
}

impl AuthStore {
    /// The account of `user`.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>, SqlError> {
        Entity::find_by_id(user.get()).one(self.db.reader()).await?.map(read).transpose()
    }

    /// The account that `login` names.
    pub async fn account_by(&self, login: &Login) -> Result<Option<Account>, SqlError> {
        let column = match login {
            Login::Username(_) => Column::UsernameKey,
            Login::Email(_) => Column::EmailKey,
        };
        Entity::find().filter(column.eq(login.key())).one(self.db.reader()).await?.map(read).transpose()
    }

    /// What of these somebody other than `but` has.
    pub async fn taken(
        &self,
        username: &Username,
        email: &Email,
        register_key: Option<&str>,
        but: Option<UserId>,
    ) -> Result<Option<Taken>, SqlError> {
        let (username, email) = (username.key(), email.key());
        let any = Condition::any()
            .add(Column::UsernameKey.eq(username))
            .add(Column::EmailKey.eq(email.clone()))
            .add_option(register_key.map(|key| Column::RegisterKey.eq(key)));
        let mut rows = Entity::find().filter(any).all(self.db.reader()).await?;
        rows.retain(|row| but.is_none_or(|but| row.user_id != but.get()));
        if let Some(row) = rows.iter().find(|row| register_key.is_some() && row.register_key.as_deref() == register_key)
        {
            return Ok(Some(Taken::Key(Box::new(read(row.clone())?))));
        }
        let email_taken = rows.iter().any(|row| row.email_key == email);
        Ok(match rows.first() {
            None => None,
            Some(_) if email_taken => Some(Taken::Email),
            Some(_) => Some(Taken::Username),
        })
    }

    /// Makes an account. Errors: `Unique` when its name, address, key or id is taken.
    pub async fn register(&self, new: NewAccount) -> Result<(), SqlError> {
        self.db
            .write(new, |tx, new| {
                Box::pin(async move {
                    let mut row = row(&new.account);
                    row.register_key = Set(new.register_key.clone());
                    Entity::insert(row).exec_without_returning(tx).await?;
                    if let Some(session) = &new.session {
                        sessions::insert(tx, session).await?;
                    }
                    souk_bus::outbox::add(tx, &new.events).await
                })
            })
            .await
    }

    /// Saves a change. Errors: `Stale`, `LastAdmin`, and `Unique` when a name or address is taken.
    pub async fn save(&self, change: Change) -> Result<(), StoreError> {
        self.db.write(change, |tx, change| Box::pin(save(tx, change))).await
    }

    /// A page of all accounts, newest first, and how many there are.
    pub async fn accounts(&self, page: PageRequest) -> Result<(Vec<Account>, u64), SqlError> {
        let query = Entity::find().order_by_desc(Column::UserId).offset(page.offset()).limit(page.limit());
        let rows = query.all(self.db.reader()).await?;
        let total = Entity::find().count(self.db.reader()).await?;
        Ok((rows.into_iter().map(read).collect::<Result<_, _>>()?, total))
    }

    /// Whether there is an admin, locked or not.
    pub async fn has_admin(&self) -> Result<bool, SqlError> {
        let query = Entity::find().filter(Column::Role.eq(role_name(Role::Admin)));
        Ok(query.one(self.db.reader()).await?.is_some())
    }

    /// The admin who was made first, of those who are not locked.
    pub async fn first_admin(&self) -> Result<Option<Account>, SqlError> {
        let query = Entity::find().filter(Column::Role.eq(role_name(Role::Admin))).filter(Column::Locked.eq(false));
        query.order_by_asc(Column::UserId).one(self.db.reader()).await?.map(read).transpose()
    }

    /// How many accounts there are, and how many of them are admins'.
    pub async fn count_accounts(&self) -> Result<(u64, u64), SqlError> {
        let users = Entity::find().count(self.db.reader()).await?;
        let admins = Entity::find().filter(Column::Role.eq(role_name(Role::Admin))).count(self.db.reader()).await?;
        Ok((users, admins))
    }
}

/// Saves `change` in `tx`.
pub(super) async fn save(tx: &Tx, change: &Change) -> Result<(), StoreError> {
    if change.loses_admin {
        keep_an_admin(tx, change.account.user_id).await?;
    }
    let row = row(&change.account);
    let saved = Entity::update_many()
        .set(row)
        .filter(Column::UserId.eq(change.account.user_id.get()))
        .filter(Column::Version.eq(change.over))
        .exec(tx)
        .await?;
    if saved.rows_affected == 0 {
        return Err(StoreError::Stale);
    }
    if change.ends_resets {
        resets::end_all(tx, change.account.user_id).await?;
    }
    souk_bus::outbox::add(tx, &change.events).await?;
    Ok(())
}

/// Refuses unless another admin may sign in. Two who take each other's rights at once are put in order
/// by the lock on all admins' rows, which the update takes though it changes nothing.
async fn keep_an_admin(tx: &Tx, leaving: UserId) -> Result<(), StoreError> {
    let admins = Column::Role.eq(role_name(Role::Admin));
    Entity::update_many().col_expr(Column::Role, Expr::col(Column::Role)).filter(admins.clone()).exec(tx).await?;
    let others = Entity::find()
        .filter(admins)
        .filter(Column::Locked.eq(false))
        .filter(Column::UserId.ne(leaving.get()))
        .count(tx)
        .await?;
    if others == 0 { Err(StoreError::LastAdmin) } else { Ok(()) }
}

fn row(account: &Account) -> ActiveModel {
    ActiveModel {
        user_id: Set(account.user_id.get()),
        username: Set(account.username.as_str().to_owned()),
        username_key: Set(account.username.key()),
        email: Set(account.email.as_str().to_owned()),
        email_key: Set(account.email.key()),
        role: Set(role_name(account.role).to_owned()),
        locked: Set(account.locked),
        password_hash: Set(account.password_hash.expose().clone()),
        sign_in_epoch: Set(account.sign_in_epoch),
        version: Set(account.version),
        created_at: Set(account.created_at.millis()),
        ..ActiveModel::default()
    }
}

fn read(row: Model) -> Result<Account, SqlError> {
    let damaged = |what: &str| SqlError::Failed(format!("the row of user {} has a damaged {what}", row.user_id));
    Ok(Account {
        user_id: UserId::new(row.user_id).map_err(|_| damaged("id"))?,
        username: Username::parse(&row.username).map_err(|_| damaged("username"))?,
        email: Email::parse(&row.email).map_err(|_| damaged("email"))?,
        role: match row.role.as_str() {
            "customer" => Role::Customer,
            "admin" => Role::Admin,
            _ => return Err(damaged("role")),
        },
        locked: row.locked,
        sign_in_epoch: row.sign_in_epoch,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        password_hash: Secret::new(row.password_hash),
    })
}
