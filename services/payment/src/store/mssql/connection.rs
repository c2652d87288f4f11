//! One connection to SQL Server: each request has a time limit, and a connection in doubt is not used again.

use std::{
    fmt,
    time::{Duration, Instant},
};

use souk_sql::SqlError;
use tiberius::{Client, Config, Query, Row, error::Error};
use tokio::{net::TcpStream, time::error::Elapsed};
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use super::{address::Address, errors::classify, statements};

/// Limit for opening a connection, login included. A server without TLS never responds to a client that requires it.
const OPENING: Duration = Duration::from_secs(5);
/// Limit of one request.
pub(super) const REQUEST: Duration = Duration::from_secs(10);
/// Lowest severity of the errors after which the server closes the connection.
const FATAL: u8 = 20;

/// An open connection with a session of ours.
pub(super) struct Connection {
    client: Client<Compat<TcpStream>>,
    limit: Duration,
    /// False while a request runs, and permanently after one without a complete response: the stream of the protocol
    /// is then at an unknown position.
    is_in_sync: bool,
    is_in_transaction: bool,
    used: Instant,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_sound", &self.is_sound()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects and sets the session up; `limit` applies to each later request.
    pub async fn open(address: &Address, limit: Duration) -> Result<Self, SqlError> {
        // Real time: a network limit is not business logic.
        let opened = tokio::time::timeout(OPENING, connect(address.config())).await;
        let client = opened.map_err(|_| no_response("the login", OPENING))?.map_err(opening_error)?;
        let mut connection = Self { client, limit, is_in_sync: true, is_in_transaction: false, used: Instant::now() };
        connection.batch(statements::SESSION).await?;
        Ok(connection)
    }

    /// True when the connection may serve another request.
    pub fn is_sound(&self) -> bool {
        self.is_in_sync && !self.is_in_transaction
    }

    /// Time since the last request.
    pub fn idle(&self) -> Duration {
        self.used.elapsed()
    }

    /// Sends `sql` as a batch; returns the last result set.
    pub async fn batch(&mut self, sql: &'static str) -> Result<Vec<Row>, SqlError> {
        self.is_in_sync = false;
        let limit = self.limit;
        let response = async { self.client.simple_query(sql).await?.into_results().await };
        let outcome = tokio::time::timeout(limit, response).await;
        let sets = self.finish_request(outcome)?;
        Ok(sets.into_iter().next_back().unwrap_or_default())
    }

    pub async fn rows(&mut self, query: Query<'static>) -> Result<Vec<Row>, SqlError> {
        self.is_in_sync = false;
        let limit = self.limit;
        let response = async { query.query(&mut self.client).await?.into_first_result().await };
        let outcome = tokio::time::timeout(limit, response).await;
        self.finish_request(outcome)
    }

    /// Returns the first row of the result; `None` for an empty one.
    pub async fn row(&mut self, query: Query<'static>) -> Result<Option<Row>, SqlError> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Executes a change; returns the number of affected rows.
    pub async fn execute(&mut self, query: Query<'static>) -> Result<u64, SqlError> {
        self.is_in_sync = false;
        let limit = self.limit;
        let outcome = tokio::time::timeout(limit, query.execute(&mut self.client)).await;
        Ok(self.finish_request(outcome)?.total())
    }

    /// Begins a transaction with one of the BEGIN statements.
    pub async fn begin(&mut self, begin: &'static str) -> Result<(), SqlError> {
        self.is_in_transaction = true;
        self.batch(begin).await.map(drop)
    }

    /// Commits. After an error, the transaction may be committed or not.
    pub async fn commit(&mut self) -> Result<(), SqlError> {
        self.batch(statements::COMMIT).await?;
        self.is_in_transaction = false;
        Ok(())
    }

    /// Rolls the transaction back. After a request without a complete response the server does, once the connection is
    /// closed.
    pub async fn roll_back(&mut self) {
        if !self.is_in_sync {
            return;
        }
        match self.batch(statements::ROLLBACK).await {
            Ok(_) => self.is_in_transaction = false,
            Err(error) => tracing::warn!(error = %error, "a transaction was left to the server to roll back"),
        }
    }

    /// Takes the outcome of a request, after which the connection is usable if the response was read to its end.
    fn finish_request<T>(&mut self, outcome: Result<Result<T, Error>, Elapsed>) -> Result<T, SqlError> {
        let Ok(outcome) = outcome else { return Err(no_response("a request", self.limit)) };
        if outcome.as_ref().err().is_none_or(leaves_connection_usable) {
            self.is_in_sync = true;
            self.used = Instant::now();
        }
        outcome.map_err(|error| without_key_values(classify(&error)))
    }
}

/// True for an error with which the server refused the statement and not the session. The driver returns an error of
/// the server only at the end of the message, so the response is complete, DONE included.
fn leaves_connection_usable(error: &Error) -> bool {
    matches!(error, Error::Server(error) if error.class() < FATAL)
}

/// Removes the key from the text of a duplicate, which is logged: it may be a customer's.
fn without_key_values(error: SqlError) -> SqlError {
    match error {
        SqlError::Unique(text) => match text.split_once(" The duplicate key value is") {
            Some((rest, _)) => SqlError::Unique(rest.to_owned()),
            None => SqlError::Unique(text),
        },
        other => other,
    }
}

/// Classifies an error of the login. That of a certificate loses the driver's advice, which names functions of the driver.
fn opening_error(error: Error) -> SqlError {
    match error {
        Error::Tls(text) => {
            let reason = text.split_once(" To connect anyway").map_or(text.as_str(), |(reason, _)| reason);
            classify(&Error::Tls(reason.to_owned()))
        }
        other => classify(&other),
    }
}

fn no_response(to: &str, limit: Duration) -> SqlError {
    SqlError::Unavailable(format!("SQL Server did not respond to {to} within {} s", limit.as_secs()))
}

async fn connect(mut config: Config) -> Result<Client<Compat<TcpStream>>, Error> {
    // Off, because the login is limited as a whole, and a request by its caller.
    config.handshake_timeout(None);
    config.command_timeout(None);
    match login(config.clone()).await {
        // Azure's gateway redirects to the server of the database, once.
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
    // Boxed: the future of the driver's login is large, and would make those of all callers large.
    Box::pin(Client::connect(config, stream.compat_write())).await
}
