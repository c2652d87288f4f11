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

use crate::file::FileConnection;

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
    /// A savepoint in the transaction that SQLite's writer has begun for a group.
    Savepoint(FileConnection),
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
        Ok(Self::new(Inner::Savepoint(connection)))
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
        if matches!(self.inner, Inner::Savepoint(_)) {
            self.handed_over.lock().push(Box::new(value));
        }
    }

    pub(crate) async fn commit(self) -> Result<Legacy, DbErr> {
        match self.inner {
            Inner::Server(transaction) => transaction.commit().await?,
            Inner::Savepoint(connection) => {
                connection.execute(&sqlite("RELEASE souk"))?;
            }
        }
        Ok(Legacy { wake: self.wake.into_inner(), handed_over: self.handed_over.into_inner() })
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        match self.inner {
            Inner::Server(transaction) => transaction.rollback().await,
            Inner::Savepoint(connection) => {
                connection.execute(&sqlite("ROLLBACK TO souk"))?;
                connection.execute(&sqlite("RELEASE souk"))?;
                Ok(())
            }
        }
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
            Inner::Savepoint(_) => DbBackend::Sqlite,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.execute_raw(statement).await,
            Inner::Savepoint(connection) => connection.execute(&statement),
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.execute_unprepared(sql).await,
            Inner::Savepoint(connection) => connection.execute_batch(sql),
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.query_one_raw(statement).await,
            // To the last row, because a statement that also writes would otherwise write in part.
            Inner::Savepoint(connection) => Ok(connection.query(&statement)?.into_iter().next()),
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.inner {
            Inner::Server(transaction) => transaction.query_all_raw(statement).await,
            Inner::Savepoint(connection) => connection.query(&statement),
        }
    }
}
