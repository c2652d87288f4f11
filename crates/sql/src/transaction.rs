//! A transaction of a store.

use std::{
    any::Any,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionTrait,
};

use crate::{file::FileConnection, writer::GroupState};

/// An open transaction. It has no effect until it is committed, which [`crate::Db::write`] does.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
    wake: AtomicBool,
    handed_over: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// The effects of a committed transaction on others of its process.
pub(crate) struct Legacy {
    /// True if [`Tx::wake_on_commit`] was called.
    pub wake: bool,
    /// The values of [`Tx::hand_over`].
    pub handed_over: Vec<Box<dyn Any + Send>>,
}

#[derive(Debug)]
enum Inner {
    /// A transaction of a server engine.
    Server(DatabaseTransaction),
    /// A part of the transaction that SQLite's writer has begun for a group.
    OfGroup { connection: FileConnection, has_savepoint: bool },
}

impl Tx {
    /// Begins a READ COMMITTED transaction of a server engine.
    pub(crate) async fn begin(connection: &DatabaseConnection) -> Result<Self, DbErr> {
        let transaction = connection.begin_with_config(Some(IsolationLevel::ReadCommitted), None).await?;
        Ok(Self::new(Inner::Server(transaction)))
    }

    /// Begins a savepoint in the open transaction of `connection`.
    pub(crate) fn savepoint(connection: FileConnection) -> Result<Self, DbErr> {
        connection.execute(&sqlite("SAVEPOINT souk"))?;
        Ok(Self::new(Inner::OfGroup { connection, has_savepoint: true }))
    }

    /// Returns a part of the open transaction of `connection` that cannot be undone without the rest of it.
    pub(crate) fn of_group(connection: FileConnection) -> Self {
        Self::new(Inner::OfGroup { connection, has_savepoint: false })
    }

    fn new(inner: Inner) -> Self {
        Self { inner, wake: AtomicBool::new(false), handed_over: Mutex::default() }
    }

    /// Wakes the waiter on [`crate::Db::committed`] once this transaction has committed.
    pub fn wake_on_commit(&self) {
        self.wake.store(true, Ordering::Relaxed);
    }

    /// Does the same, and gives `value` to [`crate::Db::handed_over`]. Without effect on a server engine, where another
    /// process may have to know of it.
    pub fn hand_over(&self, value: impl Any + Send) {
        self.wake_on_commit();
        if matches!(self.inner, Inner::OfGroup { .. }) {
            self.handed_over.lock().push(Box::new(value));
        }
    }

    pub(crate) async fn commit(self) -> Result<Legacy, DbErr> {
        match self.inner {
            Inner::Server(transaction) => transaction.commit().await?,
            Inner::OfGroup { connection, has_savepoint: true } => {
                connection.execute(&sqlite("RELEASE souk"))?;
            }
            // The group's commit is its own.
            Inner::OfGroup { has_savepoint: false, .. } => {}
        }
        Ok(Legacy { wake: self.wake.into_inner(), handed_over: self.handed_over.into_inner() })
    }

    /// Undoes the transaction, or returns that its group has to be rolled back for it.
    pub(crate) async fn rollback(self) -> Result<GroupState, DbErr> {
        match self.inner {
            Inner::Server(transaction) => transaction.rollback().await?,
            Inner::OfGroup { connection, has_savepoint: true } => {
                connection.execute(&sqlite("ROLLBACK TO souk"))?;
                connection.execute(&sqlite("RELEASE souk"))?;
            }
            Inner::OfGroup { has_savepoint: false, .. } => return Ok(GroupState::HalfDone),
        }
        Ok(GroupState::Sound)
    }
}

fn sqlite(sql: &str) -> Statement {
    Statement::from_string(DbBackend::Sqlite, sql)
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        match &self.inner {
            Inner::Server(transaction) => transaction.get_database_backend(),
            Inner::OfGroup { .. } => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.execute_raw(statement).await,
            Inner::OfGroup { connection, .. } => connection.execute(&statement),
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.execute_unprepared(sql).await,
            Inner::OfGroup { connection, .. } => connection.execute_batch(sql),
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.query_one_raw(statement).await,
            // To the last row, because a statement that also writes would otherwise write in part.
            Inner::OfGroup { connection, .. } => Ok(connection.query(&statement)?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.query_all_raw(statement).await,
            Inner::OfGroup { connection, .. } => connection.query(&statement),
        }
    }
}
