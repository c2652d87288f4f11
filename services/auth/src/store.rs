//! Auth's store: one method for each transactional act.

mod accounts;
mod entities;
mod failures;
mod keys;
mod migrations;
mod private_file;
mod prune;
mod resets;
mod sessions;

pub use accounts::{Change, NewAccount, Taken};
pub use keys::StoreKeys;
pub(crate) use migrations::Migrations;
pub use resets::{PendingReset, Redeemed};
pub use sessions::{OpenSession, Rotation};

use sea_orm::DbErr;
use souk_sql::{Access, Db, Retryable, SqlError};

/// Why a store method did nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row has another version by now.
    #[error("somebody changed this meanwhile")]
    Stale,
    /// It would leave the shop without an admin who may sign in.
    #[error("this is the last admin")]
    LastAdmin,
    /// The store itself.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Sql(error.into())
    }
}

impl Retryable for StoreError {
    fn sql(&self) -> Option<&SqlError> {
        match self {
            Self::Sql(error) => Some(error),
            Self::Stale | Self::LastAdmin => None,
        }
    }
}

/// Auth's store. Cloning shares it.
#[derive(Debug, Clone)]
pub struct AuthStore {
    db: Db,
}

impl AuthStore {
    /// Opens the store at `url` and brings its tables up to date. A SQLite file is made readable to
    /// its owner only, for it holds the signing key.
    pub async fn open(url: &str) -> Result<Self, SqlError> {
        private_file::keep_private(url)?;
        let db = Db::open(url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        Ok(Self { db })
    }

    /// Opens the store at `url` for reading.
    pub async fn open_to_read(url: &str) -> Result<Self, SqlError> {
        Ok(Self { db: Db::open(url, Access::ReadOnly).await? })
    }

    /// What it stands on.
    pub fn db(&self) -> &Db {
        &self.db
    }
}
