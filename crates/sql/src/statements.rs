//! Statements whose SQL differs between engines.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, QuerySelect, QueryTrait, Select,
    sea_query::{LockBehavior, LockType, OnConflict},
};

use crate::{SqlError, Tx};

/// Inserts those of `rows` whose key does not exist yet, and returns their number.
///
/// The values must fit their columns: MySQL's `INSERT IGNORE` truncates those that do not instead of failing.
pub async fn insert_or_ignore<A>(tx: &Tx, rows: impl IntoIterator<Item = A>) -> Result<u64, SqlError>
where
    A: ActiveModelTrait,
{
    let mut insert = A::Entity::insert_many(rows);
    let backend = tx.get_database_backend();
    if backend != DbBackend::MySql {
        insert.query().on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    let mut statement = insert.build(backend);
    if backend == DbBackend::MySql {
        // `ON DUPLICATE KEY UPDATE` would count rows that existed as affected.
        statement.sql = statement.sql.replacen("INSERT", "INSERT IGNORE", 1);
    }
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// Locks the rows that `select` finds until the end of the transaction, and leaves out those that another transaction has
/// locked. Without effect on SQLite, which has one writer.
#[must_use]
pub fn lock_skip_locked<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
}

/// Locks the rows that `select` finds until the end of the transaction, and waits for those that another transaction has
/// locked. Select them in the order of their key, or two transactions deadlock. Without effect on SQLite, which has one
/// writer.
#[must_use]
pub fn lock_for_update<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_exclusive()
}
