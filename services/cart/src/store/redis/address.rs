//! Where a Redis is: `redis://user:password@host:port/db?prefix=souk:`, or `rediss://` for TLS.

use redis::{Client, ConnectionAddr, IntoConnectionInfo, parse_redis_url};
use souk_sql::SqlError;

/// What precedes every key unless the URL says otherwise.
const DEFAULT_PREFIX: &str = "souk:";

/// A URL that was understood.
#[derive(Clone)]
pub(super) struct Address {
    pub client: Client,
    pub prefix: String,
    /// Host, port and database: for messages, which never show the password.
    pub place: String,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("place", &self.place).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// Whether `url` is meant for Redis.
pub(crate) fn is_redis(url: &str) -> bool {
    matches!(url.split_once(':'), Some(("redis" | "rediss", _)))
}

fn wrong(what: &str) -> SqlError {
    // The URL itself is not shown: it may hold a password.
    SqlError::Failed(format!("the Redis URL is not redis://host:port/db?prefix=NAME: — {what}"))
}

impl Address {
    /// Errors: no Redis URL; a setting that is not `prefix`; a prefix with a brace, which marks hash tags.
    pub fn parse(url: &str) -> Result<Self, SqlError> {
        if !is_redis(url) {
            return Err(wrong("it begins otherwise"));
        }
        let mut url = parse_redis_url(url).ok_or_else(|| wrong("it is no URL"))?;
        let mut prefix = DEFAULT_PREFIX.to_owned();
        for (key, value) in url.query_pairs() {
            if key != "prefix" {
                return Err(wrong(&format!("the setting '{key}' is unknown")));
            }
            prefix = value.into_owned();
        }
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(wrong("prefix is not empty and has no braces"));
        }
        url.set_query(None);
        let info = url.into_connection_info().map_err(|error| wrong(error.category()))?;
        let server = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            _ => return Err(wrong("it names no host")),
        };
        let place = format!("{server}/{}", info.redis_settings().db());
        let client = Client::open(info).map_err(|error| wrong(error.category()))?;
        Ok(Self { client, prefix, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_understood_or_refused_without_its_password() {
        let address = Address::parse("redis://ada:secret@localhost:6380/3?prefix=t1:").unwrap();
        assert_eq!((address.prefix.as_str(), address.place.as_str()), ("t1:", "localhost:6380/3"));
        assert_eq!(Address::parse("redis://localhost").unwrap().prefix, "souk:");
        assert!(!format!("{address:?}").contains("secret"));
        let wrong = [
            "redis://a:secret@h/x",
            "redis://a:secret@h/0?prefix=a{b",
            "redis://a:secret@h/0?prefix=",
            "redis://a:secret@h/0?prefx=a",
            "redis://a:secret@",
            "postgres://a:secret@h/x",
        ];
        for url in wrong {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
