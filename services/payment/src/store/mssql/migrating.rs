//! Migrates a SQL Server database: one process at a time, in one transaction.

use std::time::Duration;

use souk_sql::SqlError;
use tiberius::Query;

use super::{
    address::Address,
    cells::{optional, required, text},
    connection::Connection,
    query,
    statements::{self, MIGRATIONS, Migration},
};

/// Limit of one request of a migration; longer than the wait for the lock.
const REQUEST: Duration = Duration::from_secs(120);

/// Applies the pending migrations; returns their names.
pub(super) async fn migrate(address: &Address) -> Result<Vec<String>, SqlError> {
    let mut connection = Connection::open(address, REQUEST).await?;
    // An error drops the connection, which belongs to this function only, and the server rolls back.
    connection.begin(statements::BEGIN).await?;
    take_lock(&mut connection).await?;
    if !has_table(&mut connection).await? {
        connection.batch(statements::CREATE_MIGRATION_TABLE).await?;
    }
    let pending = not_in(&applied(&mut connection).await?);
    for (name, statements) in &pending {
        for statement in *statements {
            connection.batch(statement).await?;
        }
        connection.execute(query(statements::RECORD_MIGRATION, *name)).await?;
    }
    connection.commit().await?;
    Ok(names(&pending))
}

/// Returns the names of the pending migrations; changes nothing.
pub(super) async fn pending(address: &Address) -> Result<Vec<String>, SqlError> {
    let mut connection = Connection::open(address, REQUEST).await?;
    let applied = if has_table(&mut connection).await? { applied(&mut connection).await? } else { Vec::new() };
    Ok(names(&not_in(&applied)))
}

async fn take_lock(connection: &mut Connection) -> Result<(), SqlError> {
    let rows = connection.batch(statements::MIGRATION_LOCK).await?;
    let granted: i64 = rows.first().map(|row| required(row, "granted")).transpose()?.unwrap_or(-999);
    match granted {
        0.. => Ok(()),
        -1 => Err(SqlError::Busy("another process has been migrating this store for more than 30 s".to_owned())),
        code => Err(SqlError::Busy(format!("the lock for migrations was not granted: sp_getapplock returned {code}"))),
    }
}

async fn has_table(connection: &mut Connection) -> Result<bool, SqlError> {
    let row = connection.row(Query::new(statements::MIGRATION_TABLE_ID)).await?;
    let id: Option<i64> = row.map(|row| optional(&row, "table_id")).transpose()?.flatten();
    Ok(id.is_some())
}

async fn applied(connection: &mut Connection) -> Result<Vec<String>, SqlError> {
    let rows = connection.rows(Query::new(statements::APPLIED_MIGRATIONS)).await?;
    rows.iter().map(|row| text(row, "migration_name")).collect()
}

fn not_in(applied: &[String]) -> Vec<Migration> {
    MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|applied| applied == name)).copied().collect()
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(|(name, _)| (*name).to_owned()).collect()
}
