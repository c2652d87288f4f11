//! The connection to Redis: one, shared, made again when it is lost, with every wait bounded.
//!
//! The driver's own connection manager keeps an error for ever when connecting fails by something else
//! than the network (a password that is being changed), and keeps a connection that no longer answers.
//! So losing a connection and making it anew are here.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    aio::MultiplexedConnection,
};
use souk_sql::{Access, SqlError};
use tokio::{sync::Mutex, time::Instant};

use super::{address::Address, keys::Keys, scripts};

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);
/// The same for the operator's commands, which read much at once.
const LONG_ANSWER: Duration = Duration::from_secs(30);
/// How long after a failed attempt to connect everybody is told of it. The pace of trying, not a term of
/// the business.
const PAUSE: Duration = Duration::from_millis(200);

/// A Redis, whether it is there now or not.
#[derive(Debug)]
pub(super) struct Link {
    address: Address,
    pub keys: Keys,
    access: Access,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<MultiplexedConnection>,
    /// Tells this connection from earlier ones.
    number: u64,
    /// Why the last attempt failed, and when.
    failure: Option<(SqlError, Instant)>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_connected = self.connection.is_some();
        f.debug_struct("State").field("is_connected", &is_connected).finish_non_exhaustive()
    }
}

impl Link {
    /// Errors: the URL is none; the Redis does not answer; it keeps carts in another number of partitions.
    pub async fn open(url: &str, access: Access, partitions: u16) -> Result<Self, SqlError> {
        let address = Address::parse(url)?;
        let keys = Keys::new(address.prefix.clone(), partitions);
        let link = Self { address, keys, access, state: Mutex::default() };
        link.connection().await?;
        Ok(link)
    }

    /// Host, port and database, for messages.
    pub fn place(&self) -> &str {
        &self.address.place
    }

    /// One command.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, SqlError> {
        let (mut connection, number) = self.connection().await?;
        let answer = command.query_async(&mut connection).await;
        self.judged(answer, number).await
    }

    /// Several commands at once.
    pub async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, SqlError> {
        let (mut connection, number) = self.connection().await?;
        let answer = pipeline.query_async(&mut connection).await;
        self.judged(answer, number).await
    }

    /// One script.
    pub async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, SqlError> {
        if self.access == Access::ReadOnly {
            return Err(SqlError::Failed("this store was opened for reading only".into()));
        }
        let (mut connection, number) = self.connection().await?;
        let answer = script.invoke_async(&mut connection).await;
        self.judged(answer, number).await
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), SqlError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok((connection.clone(), state.number));
        }
        if let Some((error, at)) = &state.failure
            && at.elapsed() < PAUSE
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
                let error = self.failure(&error);
                state.failure = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Lost> {
        let answer = if self.access == Access::ReadOnly { LONG_ANSWER } else { ANSWER };
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT)).set_response_timeout(Some(answer));
        let mut connection = self.address.client.get_multiplexed_async_connection_with_config(&config).await?;
        let (key, ours) = (self.keys.partitions_key(), self.keys.partition_count());
        // With every connection: behind the address there may be another Redis than before.
        let there: Option<String> = match self.access {
            Access::ReadWrite => scripts::PARTITIONS.key(key).arg(ours).invoke_async(&mut connection).await?,
            Access::ReadOnly => redis::cmd("GET").arg(key).query_async(&mut connection).await?,
        };
        match there {
            Some(there) if there != ours.to_string() => Err(Lost::Partitions(there)),
            _ => Ok(connection),
        }
    }

    async fn judged<T>(&self, answer: RedisResult<T>, number: u64) -> Result<T, SqlError> {
        let error = match answer {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        if is_end(&error) {
            let mut state = self.state.lock().await;
            // Others may have made a new one meanwhile.
            if state.number == number {
                state.connection = None;
            }
        }
        Err(self.failure(&error.into()))
    }

    fn failure(&self, lost: &Lost) -> SqlError {
        let place = self.place();
        match lost {
            Lost::Partitions(there) => SqlError::Failed(format!(
                "the Redis at {place} keeps carts in {there} partitions under this prefix, this build in {}: use \
                 another prefix or database, or the build that made them",
                self.keys.partition_count()
            )),
            Lost::Redis(error) if is_away(error) => SqlError::Unavailable(format!("the Redis at {place}: {error}")),
            Lost::Redis(error) => SqlError::Failed(format!("the Redis at {place}: {error}")),
        }
    }
}

/// Why there is no connection.
enum Lost {
    Redis(RedisError),
    /// This many partitions are there.
    Partitions(String),
}

impl From<RedisError> for Lost {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}

/// What the server says first of an error: `READONLY`, `OOM`.
fn code(error: &RedisError) -> Option<String> {
    let errors = error.clone().into_server_errors()?;
    errors.first().map(|(_, error)| error.code().to_owned())
}

/// Whether the connection is of no use any more: broken, silent, or to a server that others write to now.
fn is_end(error: &RedisError) -> bool {
    let is_broken = matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed);
    is_broken || code(error).is_some_and(|code| matches!(code.as_str(), "READONLY" | "MASTERDOWN" | "NOAUTH"))
}

/// Whether it may come right by itself, or by what an operator does to the server.
fn is_away(error: &RedisError) -> bool {
    const CODES: &[&str] = &[
        "LOADING",
        "READONLY",
        "OOM",
        "MISCONF",
        "NOAUTH",
        "WRONGPASS",
        "NOPERM",
        "CLUSTERDOWN",
        "MASTERDOWN",
        "TRYAGAIN",
        "NOREPLICAS",
        "BUSY",
        "UNKILLABLE",
    ];
    let is_broken = matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::AuthenticationFailed);
    is_broken
        || code(error).is_some_and(|code| CODES.contains(&code.as_str()))
        || error.detail().is_some_and(|detail| detail.contains("max number of clients"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_from_what_does_not() {
        for code in ["OOM", "MISCONF", "NOAUTH", "BUSY"] {
            let error = redis::make_extension_error(code.to_owned(), Some("not now".to_owned()));
            assert!(is_away(&error), "{code}");
        }
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        assert!(is_away(&refused.into()) && is_end(&std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let wrong = redis::make_extension_error("WRONGTYPE".to_owned(), None);
        assert!(!is_away(&wrong) && !is_end(&wrong));
    }
}
