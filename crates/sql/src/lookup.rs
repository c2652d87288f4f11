//! Reads of a few rows by their key, which on SQLite take less time than a change of threads.

use parking_lot::Mutex;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use crate::{Access, Reader, SqlError, file::FileConnection, pool::Unshared};

/// Maximum number of connections that are kept.
const MAX_IDLE: usize = 4;

/// Connections to a SQLite file for reads in place. One that was broken is not used again.
#[derive(Debug)]
pub(crate) struct Lookups {
    url: String,
    idle: Mutex<Vec<FileConnection>>,
}

impl Lookups {
    pub(crate) fn new(url: &str) -> Self {
        Self { url: url.to_owned(), idle: Mutex::default() }
    }

    fn query(&self, statement: &Statement) -> Result<Vec<QueryResult>, DbErr> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => FileConnection::open(&self.url, Access::ReadOnly).map_err(|error| unopened(&error))?,
        };
        let rows = connection.query(statement)?;
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(rows)
    }
}

fn unopened(error: &SqlError) -> DbErr {
    DbErr::Conn(sea_orm::RuntimeErr::Internal(error.to_string()))
}

/// A connection for reads of a few rows by their key: on SQLite they block the calling thread, so that nothing longer
/// belongs here. On a server engine it is the reader, without waiting behind queries that read much.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'d> {
    pub(crate) reader: &'d Reader,
    /// `None` on a server engine.
    pub(crate) lookups: Option<&'d Lookups>,
}

#[async_trait::async_trait]
impl ConnectionTrait for Lookup<'_> {
    fn get_database_backend(&self) -> DbBackend {
        self.reader.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.reader.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.reader.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self.lookups {
            Some(lookups) => Ok(lookups.query(&statement)?.into_iter().next()),
            None => Unshared(self.reader).query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self.lookups {
            Some(lookups) => lookups.query(&statement),
            None => Unshared(self.reader).query_all_raw(statement).await,
        }
    }
}
