//! The transaction on which the statements of a store method run.

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

/// A transaction that [`crate::Db::write`] begins, and commits or rolls back.
#[derive(Debug)]
pub struct Tx {
    transaction: DatabaseTransaction,
    wake: AtomicBool,
}

impl Tx {
    pub(crate) fn new(transaction: DatabaseTransaction) -> Self {
        Self { transaction, wake: AtomicBool::new(false) }
    }

    /// Wakes the waiter on [`crate::Db::committed`] once this transaction has committed.
    pub fn wake_on_commit(&self) {
        self.wake.store(true, Ordering::Relaxed);
    }

    /// Commits, and returns true if [`Tx::wake_on_commit`] was called.
    pub(crate) async fn commit(self) -> Result<bool, DbErr> {
        self.transaction.commit().await.map(|()| self.wake.into_inner())
    }

    pub(crate) async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}
