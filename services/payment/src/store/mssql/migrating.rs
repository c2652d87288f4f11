//! Brings a SQL Server database up to date, one process at a time, whole or not at all.

use std::time::Duration;

use souk_sql::SqlError;
use tiberius::Query;

use super::{
    address::Address,
    cells::{optional, required, text},
    link::Link,
    statements::{self, MIGRATIONS, Migration},
};

/// How long one request of a migration may take; longer than the lock is waited for.
const REQUEST: Duration = Duration::from_secs(120);

/// Applies what is pending. Answers the names of what was applied.
pub(super) async fn migrate(address: &Address) -> Result<Vec<String>, SqlError> {
    let mut link = Link::open(address, REQUEST).await?;
    // The connection is this function's own: an error closes it, and the server undoes what was begun.
    link.begin(statements::BEGIN).await?;
    take_lock(&mut link).await?;
    if !has_table(&mut link).await? {
        link.batch(statements::CREATE_MIGRATION_TABLE).await?;
    }
    let pending = not_in(&applied(&mut link).await?);
    for (name, statements) in &pending {
        for statement in *statements {
            link.batch(statement).await?;
        }
        let mut note = Query::new(statements::NOTE_MIGRATION);
        note.bind(*name);
        link.change(note).await?;
    }
    link.commit().await?;
    Ok(names(&pending))
}

/// The names of what [`migrate`] would apply; changes nothing.
pub(super) async fn pending(address: &Address) -> Result<Vec<String>, SqlError> {
    let mut link = Link::open(address, REQUEST).await?;
    let applied = if has_table(&mut link).await? { applied(&mut link).await? } else { Vec::new() };
    Ok(names(&not_in(&applied)))
}

async fn take_lock(link: &mut Link) -> Result<(), SqlError> {
    let rows = link.batch(statements::MIGRATION_LOCK).await?;
    let granted: i64 = rows.first().map(|row| required(row, "granted")).transpose()?.unwrap_or(-999);
    match granted {
        0.. => Ok(()),
        -1 => Err(SqlError::Busy("another process migrates this store for over 30 s".to_owned())),
        code => Err(SqlError::Busy(format!("the lock for migrations was not granted: {code}"))),
    }
}

async fn has_table(link: &mut Link) -> Result<bool, SqlError> {
    let row = link.row(Query::new(statements::MIGRATION_TABLE_ID)).await?;
    let id: Option<i64> = row.map(|row| optional(&row, "table_id")).transpose()?.flatten();
    Ok(id.is_some())
}

async fn applied(link: &mut Link) -> Result<Vec<String>, SqlError> {
    let rows = link.rows(Query::new(statements::APPLIED_MIGRATIONS)).await?;
    rows.iter().map(|row| text(row, "migration_name")).collect()
}

fn not_in(applied: &[String]) -> Vec<Migration> {
    MIGRATIONS.iter().filter(|(name, _)| !applied.iter().any(|applied| applied == name)).copied().collect()
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(|(name, _)| (*name).to_owned()).collect()
}
