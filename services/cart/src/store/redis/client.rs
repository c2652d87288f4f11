//! The connection to Redis: one, shared by all requests, reconnected when it is lost, with a time limit on every wait.
//!
//! The driver's own connection manager repeats an error for ever when connecting fails for another reason than the network
//! (a password that is being changed), and keeps a connection that no longer responds. So reconnecting is done here.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    aio::MultiplexedConnection,
};
use souk_sql::{Access, SqlError};
use tokio::{sync::Mutex, time::Instant};

use super::{address::RedisAddress, keys::Keys, scripts};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Response timeout of the operator's commands, which read much in one go.
const READ_ONLY_RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Time after a failed attempt to connect in which requests fail with its error instead of trying again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(super) struct RedisClient {
    address: RedisAddress,
    pub keys: Keys,
    access: Access,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Number of attempts to connect so far, which identifies `connection`.
    number: u64,
    /// Error and time of the latest attempt, if it failed.
    failure: Option<(SqlError, Instant)>,
}

impl RedisClient {
    /// Connects to the server at `url`.
    ///
    /// Errors: an invalid URL; no response; a server that stores carts in another number of partitions.
    pub async fn open(url: &str, access: Access, partitions: u16) -> Result<Self, SqlError> {
        let address = RedisAddress::parse(url)?;
        let keys = Keys::new(address.prefix.clone(), partitions);
        let client = Self { address, keys, access, state: Mutex::default() };
        client.connection().await?;
        Ok(client)
    }

    /// Runs one reading command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, SqlError> {
        let (mut connection, number) = self.connection().await?;
        let response = command.query_async(&mut connection).await;
        self.check(response, number).await
    }

    /// Runs several reading commands in one round trip.
    pub async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, SqlError> {
        let (mut connection, number) = self.connection().await?;
        let response = pipeline.query_async(&mut connection).await;
        self.check(response, number).await
    }

    /// Runs a script. Everything that writes is a script, so a read-only client refuses.
    pub async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, SqlError> {
        if self.access == Access::ReadOnly {
            return Err(SqlError::Failed("this store was opened read-only".into()));
        }
        let (mut connection, number) = self.connection().await?;
        let response = script.invoke_async(&mut connection).await;
        self.check(response, number).await
    }

    /// Returns the connection and its number, connecting first if there is none.
    async fn connection(&self) -> Result<(MultiplexedConnection, u64), SqlError> {
        // Held while connecting, so that concurrent requests share one attempt.
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((connection.clone(), state.number));
        }
        if let Some((error, at)) = &state.failure
            && at.elapsed() < RECONNECT_PAUSE
        {
            return Err(error.clone());
        }
        state.number += 1;
        match self.connect().await {
            Ok(connection) => {
                state.failure = None;
                state.connection = Some(connection.clone());
                Ok((connection, state.number))
            }
            Err(error) => {
                state.failure = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, SqlError> {
        let response_timeout =
            if self.access == Access::ReadOnly { READ_ONLY_RESPONSE_TIMEOUT } else { RESPONSE_TIMEOUT };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(response_timeout));
        let classified = |error| self.classify(&error);
        let connecting = self.address.client.get_multiplexed_async_connection_with_config(&config);
        let mut connection = connecting.await.map_err(classified)?;
        let key = self.keys.partitions_key();
        let expected = self.keys.partition_count();
        // Checked on every connection, because another server may have taken over the address.
        let stored: Option<String> = match self.access {
            Access::ReadWrite => scripts::PARTITIONS.key(key).arg(expected).invoke_async(&mut connection).await,
            Access::ReadOnly => redis::cmd("GET").arg(key).query_async(&mut connection).await,
        }
        .map_err(classified)?;
        match stored {
            Some(stored) if stored != expected.to_string() => Err(SqlError::Failed(format!(
                "the Redis at {} stores carts in {stored} partitions under this prefix, this build in {expected}: use \
                 another prefix or database, or the build that created them",
                self.address.server
            ))),
            _ => Ok(connection),
        }
    }

    /// Classifies the error of a response, and gives up connection `number` if it can no longer be used.
    async fn check<T>(&self, response: RedisResult<T>, number: u64) -> Result<T, SqlError> {
        let error = match response {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        if ends_connection(&error) {
            let mut state = self.state.lock().await;
            // Another request may have reconnected meanwhile.
            if state.number == number {
                state.connection = None;
            }
        }
        Err(self.classify(&error))
    }

    fn classify(&self, error: &RedisError) -> SqlError {
        let text = format!("the Redis at {}: {error}", self.address.server);
        if is_transient(error) { SqlError::Unavailable(text) } else { SqlError::Failed(text) }
    }
}

/// Returns the code that the server's error begins with, such as `READONLY` or `OOM`.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

fn is_broken(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed)
}

/// Returns true when the connection is broken or silent, or its server is no longer the one to write to.
fn ends_connection(error: &RedisError) -> bool {
    is_broken(error) || code(error).is_some_and(|code| matches!(code.as_str(), "READONLY" | "MASTERDOWN" | "NOAUTH"))
}

/// Returns true when a retry can succeed, perhaps after an operator has changed the server. A server has many reasons to
/// refuse that have nothing to do with the data, so only the codes are listed of which the stored data is the cause: a key of
/// the wrong type, and the general code, with which commands and scripts refuse values.
fn is_transient(error: &RedisError) -> bool {
    let is_refused = match code(error).as_deref() {
        Some("ERR") => error.detail().is_some_and(|detail| detail.contains("max number of clients")),
        Some(code) => code != "WRONGTYPE",
        None => false,
    };
    is_broken(error) || is_refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transient_errors_are_distinguished_from_permanent_ones() {
        for code in ["OOM", "MISCONF", "NOAUTH", "BUSY", "NOPERM", "SOMETHINGNEW"] {
            let error = redis::make_extension_error(code.to_owned(), Some("not now".to_owned()));
            assert!(is_transient(&error), "{code}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(
            is_transient(&refused.into())
                && ends_connection(&std::io::Error::from(std::io::ErrorKind::TimedOut).into())
        );
        let wrong = redis::make_extension_error("WRONGTYPE".to_owned(), None);
        assert!(!is_transient(&wrong) && !ends_connection(&wrong));
    }
}
