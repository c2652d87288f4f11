//! One connection to SQL Server: opened, set up, asked under a time limit, and never used again once it is in doubt.

use std::{
    fmt,
    time::{Duration, Instant},
};

use souk_sql::SqlError;
use tiberius::{Client, Config, Query, Row, error::Error};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::{address::Address, failures::classify, statements};

/// How long opening a connection may take, login and all. A server without TLS leaves a client that asks for
/// it without an answer for ever.
const OPENING: Duration = Duration::from_secs(5);
/// How long one request may take.
pub(super) const REQUEST: Duration = Duration::from_secs(10);

/// An open connection.
pub(super) struct Link {
    client: Client<Compat<TcpStream>>,
    limit: Duration,
    /// False while a request runs, and for ever after one that failed or was dropped.
    is_in_step: bool,
    is_in_transaction: bool,
    used: Instant,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("is_sound", &self.is_sound()).finish_non_exhaustive()
    }
}

impl Link {
    /// Connects and sets the session up; each later request may take `limit`.
    pub async fn open(address: &Address, limit: Duration) -> Result<Self, SqlError> {
        // The network's time, not the business's.
        let opened = tokio::time::timeout(OPENING, connect(address.config())).await;
        let client = opened.map_err(|_| no_answer("the login", OPENING))?.map_err(|error| classify(&error))?;
        let mut link = Self { client, limit, is_in_step: true, is_in_transaction: false, used: Instant::now() };
        link.batch(statements::SESSION).await?;
        Ok(link)
    }

    /// Whether it may be used for something else.
    pub fn is_sound(&self) -> bool {
        self.is_in_step && !self.is_in_transaction
    }

    /// How long nothing was asked of it.
    pub fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    /// Sends `sql` as a batch of the session.
    pub async fn batch(&mut self, sql: &'static str) -> Result<Vec<Row>, SqlError> {
        self.is_in_step = false;
        let limit = self.limit;
        let answer = async { self.client.simple_query(sql).await?.into_results().await };
        let sets = within(limit, answer).await?;
        self.answered();
        Ok(sets.into_iter().next_back().unwrap_or_default())
    }

    /// The rows that `query` answers.
    pub async fn rows(&mut self, query: Query<'static>) -> Result<Vec<Row>, SqlError> {
        self.is_in_step = false;
        let limit = self.limit;
        let answer = async { query.query(&mut self.client).await?.into_first_result().await };
        let rows = within(limit, answer).await?;
        self.answered();
        Ok(rows)
    }

    /// The one row that `query` answers, if it does.
    pub async fn row(&mut self, query: Query<'static>) -> Result<Option<Row>, SqlError> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Changes rows; answers how many.
    pub async fn change(&mut self, query: Query<'static>) -> Result<u64, SqlError> {
        self.is_in_step = false;
        let limit = self.limit;
        let answer = async { query.execute(&mut self.client).await };
        let changed = within(limit, answer).await?.total();
        self.answered();
        Ok(changed)
    }

    /// Begins a transaction by one of the BEGIN statements.
    pub async fn begin(&mut self, begin: &'static str) -> Result<(), SqlError> {
        self.is_in_transaction = true;
        self.batch(begin).await.map(drop)
    }

    /// Commits. After an error nobody knows whether it did.
    pub async fn commit(&mut self) -> Result<(), SqlError> {
        self.batch(statements::COMMIT).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    /// Undoes the transaction. After a failed request the server undoes it, when the connection goes.
    pub async fn roll_back(&mut self) {
        if !self.is_in_step {
            return;
        }
        match self.batch(statements::ROLLBACK).await {
            Ok(_) => self.is_in_transaction = false,
            Err(error) => tracing::warn!(error = %error, "a transaction was left to the server to roll back"),
        }
    }

    fn answered(&mut self) {
        self.is_in_step = true;
        self.used = Instant::now();
    }
}

async fn within<T>(limit: Duration, answer: impl Future<Output = Result<T, Error>>) -> Result<T, SqlError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| classify(&error)),
        Err(_) => Err(no_answer("a request", limit)),
    }
}

fn no_answer(to: &str, limit: Duration) -> SqlError {
    SqlError::Unavailable(format!("SQL Server did not answer {to} within {} s", limit.as_secs()))
}

async fn connect(mut config: Config) -> Result<Client<Compat<TcpStream>>, Error> {
    // The login's time is limited as a whole, a request's by its caller.
    config.handshake_timeout(None);
    config.command_timeout(None);
    match login(config.clone()).await {
        // Azure's gateway names the server to go to; it does so once.
        Err(Error::Routing { host, port }) => {
            config.host(host);
            config.port(port);
            login(config).await
        }
        outcome => outcome,
    }
}

async fn login(config: Config) -> Result<Client<Compat<TcpStream>>, Error> {
    let stream = TcpStream::connect(config.get_addr()).await?;
    stream.set_nodelay(true)?;
    // Boxed: the driver's login is large, and everything that opens a connection would be.
    Box::pin(Client::connect(config, stream.compat_write())).await
}
