//! Queries and changes of accounts.

use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder, Set, sea_query::Expr,
};
use souk_events::Envelope;
use souk_kit::auth::Role;
use souk_sql::{SqlError, Tx, containing, newest_page};
use souk_values::{Language, Page, PageRequest, Secret, Timestamp, UserId, ids::Id};

use super::{
    AuthStore, NewSession, StoreError, devices, ended,
    entities::{reset_token, shop_user},
    sessions,
};
use crate::account::{Account, Email, Login, Username, fold, role_name};
use shop_user::{ActiveModel, Column, Entity, Model};

#[derive(Debug, Clone)]
pub(crate) struct NewAccount {
    pub(crate) account: Account,
    /// Digest of the registration's `Idempotency-Key`.
    pub(crate) register_key: Option<String>,
    /// First sign-in, if the user is signed in by registering.
    pub(crate) session: Option<NewSession>,
    pub(crate) events: Vec<Envelope>,
}

/// The unique value that an existing account has already.
#[derive(Debug, Clone)]
pub(crate) enum Conflict {
    /// The account was registered with the same `Idempotency-Key`.
    RegisterKey(Box<Account>),
    Email,
    Username,
}

/// Conditions that all have to hold; `None` and an empty query are no condition.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccountFilter {
    /// Part of the user name or of the e-mail address.
    pub(crate) query: String,
    pub(crate) role: Option<Role>,
    pub(crate) locked: Option<bool>,
    pub(crate) ids: Option<Vec<UserId>>,
}

impl AccountFilter {
    fn condition(&self) -> Condition {
        let part = (!self.query.is_empty()).then(|| {
            let part = containing(&fold(&self.query));
            let column = |column| Expr::col(column).like(part.clone());
            Condition::any().add(column(Column::UsernameKey)).add(column(Column::EmailKey))
        });
        let ids = self.ids.iter().map(|ids| Column::UserId.is_in(ids.iter().map(|id| id.get())));
        ids.fold(Condition::all(), Condition::add)
            .add_option(part)
            .add_option(self.role.map(|role| Column::Role.eq(role_name(role))))
            .add_option(self.locked.map(|locked| Column::Locked.eq(locked)))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct AccountChange {
    pub(crate) account: Account,
    /// Version that the change was decided on; the change is saved only if the row still has it.
    base_version: i64,
    /// True if an admin who may sign in no longer is one.
    removes_admin: bool,
    /// True if mailed reset tokens become invalid.
    ends_resets: bool,
    /// True if all sign-ins end.
    ends_sign_ins: bool,
    now: Timestamp,
    events: Vec<Envelope>,
}

impl AccountChange {
    /// Returns the change of the account that was `before` to what it is `after`, with everything that ends by it.
    pub(crate) fn between(before: &Account, after: Account, now: Timestamp, events: Vec<Envelope>) -> Self {
        Self {
            base_version: before.version,
            removes_admin: before.is_active_admin() && !after.is_active_admin(),
            // A token that was mailed to an old address, or for an old password, must no longer open the account.
            ends_resets: before.email != after.email || before.password_hash != after.password_hash,
            ends_sign_ins: before.sign_in_epoch != after.sign_in_epoch,
            account: after,
            now,
            events,
        }
    }
}

impl AuthStore {
    pub(crate) async fn account(&self, user: UserId) -> Result<Option<Account>, SqlError> {
        Entity::find_by_id(user.get()).one(&self.db.lookup()).await?.map(read).transpose()
    }

    pub(crate) async fn account_by(&self, login: &Login) -> Result<Option<Account>, SqlError> {
        let column = match login {
            Login::Username(_) => Column::UsernameKey,
            Login::Email(_) => Column::EmailKey,
        };
        Entity::find().filter(column.eq(login.key())).one(&self.db.lookup()).await?.map(read).transpose()
    }

    /// Returns which of these values an account other than `except` has, the key first.
    pub(crate) async fn conflict(
        &self,
        username: &Username,
        email: &Email,
        register_key: Option<&str>,
        except: Option<UserId>,
    ) -> Result<Option<Conflict>, SqlError> {
        let username = username.key();
        let email = email.key();
        let any = Condition::any()
            .add(Column::UsernameKey.eq(username))
            .add(Column::EmailKey.eq(email.clone()))
            .add_option(register_key.map(|key| Column::RegisterKey.eq(key)));
        let mut rows = Entity::find().filter(any).all(self.db.reader()).await?;
        rows.retain(|row| except.is_none_or(|except| row.user_id != except.get()));
        if let Some(row) = rows.iter().find(|row| register_key.is_some() && row.register_key.as_deref() == register_key)
        {
            return Ok(Some(Conflict::RegisterKey(Box::new(read(row.clone())?))));
        }
        let email_taken = rows.iter().any(|row| row.email_key == email);
        Ok(match rows.first() {
            None => None,
            Some(_) if email_taken => Some(Conflict::Email),
            Some(_) => Some(Conflict::Username),
        })
    }

    /// Inserts an account. Errors: `Unique` if its name, address, key or id is taken.
    pub(crate) async fn register(&self, new: NewAccount) -> Result<(), SqlError> {
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

    /// Saves a change. Errors: `Stale`, `LastAdmin`, and `Unique` if a name or address is taken.
    pub(crate) async fn save(&self, change: AccountChange) -> Result<(), StoreError> {
        self.db.write(change, |tx, change| Box::pin(save(tx, change))).await
    }

    /// Returns a page of the accounts that match `filter`, newest first.
    pub(crate) async fn accounts(&self, filter: &AccountFilter, page: PageRequest) -> Result<Page<Account>, SqlError> {
        let query = Entity::find().filter(filter.condition());
        newest_page(self.db.reader(), query, &[Column::UserId], page).await?.try_map(read)
    }

    /// True if there is an admin, locked or not.
    pub(crate) async fn has_admin(&self) -> Result<bool, SqlError> {
        let query = Entity::find().filter(Column::Role.eq(role_name(Role::Admin)));
        Ok(query.one(self.db.reader()).await?.is_some())
    }

    /// Returns the oldest admin who is not locked.
    pub(crate) async fn first_admin(&self) -> Result<Option<Account>, SqlError> {
        let query = Entity::find().filter(Column::Role.eq(role_name(Role::Admin))).filter(Column::Locked.eq(false));
        query.order_by_asc(Column::UserId).one(self.db.reader()).await?.map(read).transpose()
    }

    /// Returns the number of accounts, and the number of admins among them.
    pub(crate) async fn count_accounts(&self) -> Result<(u64, u64), SqlError> {
        let users = Entity::find().count(self.db.reader()).await?;
        let admins = Entity::find().filter(Column::Role.eq(role_name(Role::Admin))).count(self.db.reader()).await?;
        Ok((users, admins))
    }
}

/// Saves `change` as part of a transaction.
pub(super) async fn save(tx: &Tx, change: &AccountChange) -> Result<(), StoreError> {
    if change.removes_admin {
        ensure_another_admin(tx, change.account.user_id).await?;
    }
    let row = row(&change.account);
    let saved = Entity::update_many()
        .set(row)
        .filter(Column::UserId.eq(change.account.user_id.get()))
        .filter(Column::Version.eq(change.base_version))
        .exec(tx)
        .await?;
    if saved.rows_affected == 0 {
        return Err(StoreError::Stale);
    }
    if change.ends_resets {
        reset_token::Entity::delete_many()
            .filter(reset_token::Column::UserId.eq(change.account.user_id.get()))
            .exec(tx)
            .await?;
    }
    if change.ends_sign_ins {
        ended::of_user(tx, &change.account, change.now).await?;
        devices::forget(tx, change.account.user_id).await?;
    }
    souk_bus::outbox::add(tx, &change.events).await?;
    Ok(())
}

/// Errors unless an admin other than `leaving` may sign in.
async fn ensure_another_admin(tx: &Tx, leaving: UserId) -> Result<(), StoreError> {
    let admins = Column::Role.eq(role_name(Role::Admin));
    // Changes nothing, but locks the rows of all admins: two admins who concurrently remove each other are serialized.
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
        language: Set(account.language.code().to_owned()),
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
        // Of a later release with more languages.
        language: Language::with_code(&row.language).unwrap_or_default(),
        locked: row.locked,
        sign_in_epoch: row.sign_in_epoch,
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        password_hash: Secret::new(row.password_hash),
    })
}
