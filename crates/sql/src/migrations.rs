//! Applies a store's pending migrations, one process at a time.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, FromQueryResult, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{SqlError, pool};

/// The table in which sea-orm-migration records applied migrations.
const MIGRATIONS_TABLE: &str = "seaql_migrations";
/// Key of PostgreSQL's advisory lock, "souk" in ASCII. Such locks are scoped to a database.
const LOCK_KEY: i64 = 0x736f_756b;
/// Seconds to wait for the migration of another process.
const LOCK_WAIT_SECONDS: u32 = 60;

#[derive(Debug, FromQueryResult)]
struct Applied {
    version: String,
}

/// Returns the names of the migrations of `M` that are not recorded as applied.
pub(crate) async fn pending<M: MigratorTrait, C: ConnectionTrait>(connection: &C) -> Result<Vec<String>, DbErr> {
    let all = M::migrations().into_iter().map(|migration| migration.name().to_owned());
    if !has_table(connection).await? {
        return Ok(all.collect());
    }
    let query =
        Statement::from_string(connection.get_database_backend(), format!("SELECT version FROM {MIGRATIONS_TABLE}"));
    let applied = Applied::find_by_statement(query).all(connection).await?;
    Ok(all.filter(|name| !applied.iter().any(|applied| applied.version == *name)).collect())
}

async fn has_table<C: ConnectionTrait>(connection: &C) -> Result<bool, DbErr> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            format!("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '{MIGRATIONS_TABLE}'")
        }
        DbBackend::Postgres => format!(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = '{MIGRATIONS_TABLE}'"
        ),
        _ => format!(
            "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{MIGRATIONS_TABLE}'"
        ),
    };
    Ok(connection.query_one_raw(Statement::from_string(backend, sql)).await?.is_some())
}

/// Applies the pending migrations of the store that `options` open. On a server engine other replicas wait meanwhile.
pub(crate) async fn apply<M: MigratorTrait>(options: sea_orm::ConnectOptions) -> Result<Vec<String>, SqlError> {
    // A second connection holds the lock, because the lock ends with its connection: if this process dies, it is released.
    let work = pool::connect(options.clone()).await?;
    let is_file = work.get_database_backend() == DbBackend::Sqlite;
    let lock = if is_file { None } else { Some(pool::connect(options).await?) };
    if let Some(lock) = &lock {
        take_lock(lock).await?;
    }
    let applied = async {
        let pending = pending::<M, _>(&work).await?;
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

async fn take_lock(connection: &DatabaseConnection) -> Result<(), SqlError> {
    let backend = connection.get_database_backend();
    let busy =
        || SqlError::Busy(format!("another process has been migrating this store for over {LOCK_WAIT_SECONDS} s"));
    if backend == DbBackend::Postgres {
        connection.execute_unprepared(&format!("SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")).await?;
        connection
            .query_one_raw(Statement::from_string(backend, format!("SELECT pg_advisory_lock({LOCK_KEY})")))
            .await?;
        return Ok(());
    }
    // MySQL's named locks are scoped to the server, so their name includes the database.
    let sql = format!("SELECT GET_LOCK(LEFT(CONCAT('souk.migrate.', DATABASE()), 64), {LOCK_WAIT_SECONDS}) AS taken");
    let row = connection.query_one_raw(Statement::from_string(backend, sql)).await?;
    let taken: Option<i64> = row.map(|row| row.try_get("", "taken")).transpose()?.flatten();
    if taken == Some(1) { Ok(()) } else { Err(busy()) }
}
