//! Addresses of Redis servers: `redis://user:password@host:port/db?prefix=souk:`, or `rediss://` for TLS.

use redis::{Client, ConnectionAddr, IntoConnectionInfo, io::tcp::TcpSettings, parse_redis_url};
use souk_sql::SqlError;

/// Prefix of every key, unless the URL sets another.
const DEFAULT_PREFIX: &str = "souk:";

#[derive(Debug, Clone)]
pub(super) struct RedisAddress {
    pub client: Client,
    pub prefix: String,
    /// `host:port/database`, for messages, which never contain the password.
    pub server: String,
}

/// Returns true for a URL with one of Redis's schemes.
pub(crate) fn is_redis(url: &str) -> bool {
    matches!(url.split_once(':'), Some(("redis" | "rediss", _)))
}

fn invalid(what: &str) -> SqlError {
    // Without the URL itself, which may contain a password.
    SqlError::Failed(format!("the Redis URL is invalid: {what}; expected redis://host:port/db?prefix=NAME"))
}

impl RedisAddress {
    /// Errors: not a Redis URL; a parameter other than `prefix`; a prefix with a brace, which marks hash tags.
    pub fn parse(url: &str) -> Result<Self, SqlError> {
        if !is_redis(url) {
            return Err(invalid("its scheme is neither redis nor rediss"));
        }
        let mut url = parse_redis_url(url).ok_or_else(|| invalid("it cannot be parsed"))?;
        let mut prefix = DEFAULT_PREFIX.to_owned();
        for (key, value) in url.query_pairs() {
            if key != "prefix" {
                return Err(invalid(&format!("the parameter '{key}' is unknown")));
            }
            prefix = value.into_owned();
        }
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(invalid("its prefix is empty or contains a brace"));
        }
        url.set_query(None);
        let info = url.into_connection_info().map_err(|error| invalid(error.category()))?;
        let host = match info.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => format!("{host}:{port}"),
            _ => return Err(invalid("it names no host")),
        };
        let server = format!("{host}/{}", info.redis_settings().db());
        // Callers share a connection, and the request of one must not wait until that of another is acknowledged.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let client = Client::open(info).map_err(|error| invalid(error.category()))?;
        Ok(Self { client, prefix, server })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_parsed_or_refused_without_its_password() {
        let address = RedisAddress::parse("redis://ada:secret@localhost:6380/3?prefix=t1:").unwrap();
        assert_eq!((address.prefix.as_str(), address.server.as_str()), ("t1:", "localhost:6380/3"));
        assert_eq!(RedisAddress::parse("redis://localhost").unwrap().prefix, "souk:");
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
            let error = RedisAddress::parse(url).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
