//! Auth's store: each method that writes is one transaction, which also writes the events to publish.

mod accounts;
mod devices;
mod ended;
mod entities;
mod failures;
mod guests;
mod keys;
mod migrations;
mod private_file;
mod purge;
mod resets;
mod sessions;

pub(crate) use accounts::{AccountChange, AccountFilter, Conflict, NewAccount};
pub(crate) use guests::FirstExchange;
pub(crate) use keys::{GeneratedKey, StoreAuthority};
pub(crate) use migrations::Migrations;
pub(crate) use resets::{Redeemed, ResetRequest, ResetToken};
pub(crate) use sessions::{NewSession, Rotation};

use sea_orm::DbErr;
use souk_sql::{Access, Db, Retryable, SqlError};

/// Reason for which a change was not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The row no longer has the version that the change was decided on.
    #[error("the row was changed concurrently")]
    Stale,
    /// The change would leave the shop without an admin who may sign in.
    #[error("this is the last admin")]
    LastAdmin,
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Sql(error.into())
    }
}

impl Retryable for StoreError {
    fn sql_error(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Stale | Self::LastAdmin => None,
        }
    }
}

/// Cloning shares the connections.
#[derive(Debug, Clone)]
pub(crate) struct AuthStore {
    db: Db,
}

impl AuthStore {
    /// Opens and migrates the store at `url`. A SQLite file holds the signing key, so it is made readable by its
    /// owner only.
    pub(crate) async fn open(url: &str) -> Result<Self, SqlError> {
        private_file::make_private(url)?;
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db })
    }

    pub(crate) async fn open_read_only(url: &str) -> Result<Self, SqlError> {
        Ok(Self { db: Db::open(url, Access::ReadOnly).await? })
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }
}
