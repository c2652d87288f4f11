//! Brings a store's tables up to date, one process at a time.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{Access, Db, SqlError, pool};

/// Where sea-orm-migration notes what was applied.
const APPLIED: &str = "seaql_migrations";
/// PostgreSQL's advisory lock for migrations; the number only has to be ours. Locks belong to a database.
const LOCK_KEY: i64 = 0x736f_756b;
/// How long another process's migration is waited for, seconds.
const LOCK_WAIT_SECONDS: u32 = 60;

#[derive(Debug, FromQueryResult)]
struct Applied {
    version: String,
}

/// Brings the store at `url` up to date. Answers the names of what was applied.
pub async fn migrate<M: MigratorTrait>(url: &str) -> Result<Vec<String>, SqlError> {
    Db::open(url, Access::ReadWrite).await?.migrate::<M>().await
}

/// The names of what [`migrate`] would apply; changes nothing.
pub async fn pending<M: MigratorTrait>(url: &str) -> Result<Vec<String>, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    Ok(pending_in::<M, _>(db.reader()).await?)
}

async fn pending_in<M: MigratorTrait, C: ConnectionTrait>(connection: &C) -> Result<Vec<String>, DbErr> {
    let all = M::migrations().into_iter().map(|migration| migration.name().to_owned());
    if !has_table(connection).await? {
        return Ok(all.collect());
    }
    let query = Statement::from_string(connection.get_database_backend(), format!("SELECT version FROM {APPLIED}"));
    let applied = Applied::find_by_statement(query).all(connection).await?;
    Ok(all.filter(|name| !applied.iter().any(|applied| applied.version == *name)).collect())
}

async fn has_table<C: ConnectionTrait>(connection: &C) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{APPLIED}'"),
        DbBackend::Postgres => format!(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = '{APPLIED}'"
        ),
        _ => format!(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{APPLIED}'"
        ),
    };
    Ok(connection.query_one_raw(Statement::from_string(backend, sql)).await?.is_some())
}

/// Applies what is pending in the store that `options` open. On a server engine other replicas wait meanwhile.
pub(crate) async fn apply<M: MigratorTrait>(options: sea_orm::ConnectOptions) -> Result<Vec<String>, SqlError> {
    // Connections of their own: one for the work, one that holds the lock, which ends with it.
    let work = pool::connect(options.clone()).await?;
    let is_file = work.get_database_backend() == DbBackend::Sqlite;
    let lock = if is_file { None } else { Some(pool::connect(kept_open(options)).await?) };
    if let Some(lock) = &lock {
        take_lock(lock).await?;
    }
    let applied = async {
        let pending = pending_in::<M, _>(&work).await?;
        if !pending.is_empty() {
            M::up(&work, None).await?;
        }
        Ok::<_, DbErr>(pending)
    }
    .await;
    work.close().await?;
    if let Some(lock) = lock {
        lock.close().await?;
    }
    Ok(applied?)
}

/// The lock lives as long as its connection, which does nothing meanwhile: it must not be closed for that.
fn kept_open(mut options: sea_orm::ConnectOptions) -> sea_orm::ConnectOptions {
    options.min_connections(1).idle_timeout(None::<Duration>).max_lifetime(None::<Duration>).to_owned()
}

async fn take_lock(connection: &DatabaseConnection) -> Result<(), SqlError> {
    let backend = connection.get_database_backend();
    let busy = || SqlError::Busy(format!("another process migrates this store for over {LOCK_WAIT_SECONDS} s"));
    if backend == DbBackend::Postgres {
        connection.execute_unprepared(&format!("SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")).await?;
        connection
            .query_one_raw(Statement::from_string(backend, format!("SELECT pg_advisory_lock({LOCK_KEY})")))
            .await?;
        return Ok(());
    }
    // Such locks belong to the server, so the database's name is in theirs.
    let sql = format!("SELECT GET_LOCK(LEFT(CONCAT('souk.migrate.', DATABASE()), 64), {LOCK_WAIT_SECONDS}) AS taken");
    let row = connection.query_one_raw(Statement::from_string(backend, sql)).await?;
    let taken: Option<i64> = row.map(|row| row.try_get("", "taken")).transpose()?.flatten();
    if taken == Some(1) { Ok(()) } else { Err(busy()) }
}
