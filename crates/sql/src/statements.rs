//! Statements that engines write differently, each under one name.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, QuerySelect, QueryTrait, Select,
    sea_query::{LockBehavior, LockType, OnConflict},
};

use crate::{SqlError, Tx};

/// Inserts `rows`, but those whose key is there already. Answers how many were inserted.
///
/// MySQL's `INSERT IGNORE` also mends values that do not fit, so the rows' values must fit by themselves.
pub async fn insert_unless_there<A>(tx: &Tx, rows: impl IntoIterator<Item = A>) -> Result<u64, SqlError>
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
        // `ON DUPLICATE KEY` would count a row that was there as one that was written.
        statement.sql = statement.sql.replacen("INSERT", "INSERT IGNORE", 1);
    }
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

/// Locks the rows that `select` finds until the transaction's end, passing over those that another
/// transaction has locked. SQLite has one writer and needs no locks.
#[must_use]
pub fn lock_skipping<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
}

/// Locks the rows that `select` finds until the transaction's end, waiting for those that another
/// transaction has locked. Lock in the order of the key. SQLite has one writer and needs no locks.
#[must_use]
pub fn lock<E: EntityTrait>(select: Select<E>) -> Select<E> {
    select.lock_exclusive()
}
