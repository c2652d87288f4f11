//! The readiness check, and for `souk doctor` the settings that decide if a Redis may lose carts.

use souk_sql::{Access, SqlError};
use souk_values::Timestamp;

use super::{RedisCartStore, client::RedisClient, keys::PARTITIONS, scripts};
use crate::store::{KeyspaceStats, StoreError};

/// A Redis server as far as its operator is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisHealth {
    /// Name and version, such as `Redis 7.0.15` or `Valkey 8.0.1`.
    pub server: String,
    /// True when writes are appended to a file.
    pub appendonly: bool,
    /// Setting `appendfsync`: `always`, `everysec` or `no`; `None` when the server refuses to show it.
    pub appendfsync: Option<String>,
    /// Setting `maxmemory-policy`, such as `noeviction`.
    pub maxmemory_policy: String,
    /// Advice to the operator, a sentence for each setting that should be changed.
    pub advice: Vec<String>,
}

/// Reads the settings of the Redis at `url`; writes nothing.
///
/// Errors: an invalid URL; no response; a server that stores carts in another number of partitions.
pub async fn health(url: &str) -> Result<RedisHealth, SqlError> {
    let client = RedisClient::open(url, Access::ReadOnly, PARTITIONS).await?;
    let info: String = client.query(&redis::cmd("INFO")).await?;
    // Hosted servers often refuse this command: then the setting stays unknown.
    let settings: Vec<String> =
        client.query(redis::cmd("CONFIG").arg("GET").arg("appendfsync")).await.unwrap_or_default();
    Ok(assess(&info, settings.into_iter().nth(1)))
}

fn assess(info: &str, appendfsync: Option<String>) -> RedisHealth {
    let [name, version] = match value_of(info, "valkey_version") {
        Some(version) => ["Valkey", version],
        None => ["Redis", value_of(info, "redis_version").unwrap_or("of an unknown version")],
    };
    let appendonly = value_of(info, "aof_enabled") == Some("1");
    let maxmemory_policy = value_of(info, "maxmemory_policy").unwrap_or("unknown").to_owned();
    let mut advice = Vec::new();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        advice.push(format!("{name} {version} is not supported. Use Redis 7.0 or later, or Valkey."));
    }
    if !appendonly {
        let loss = "A restart loses carts and events that are not published yet";
        advice.push(format!("{loss}. Set `appendonly yes` (CONFIG SET appendonly yes, then CONFIG REWRITE)."));
    }
    match appendfsync.as_deref() {
        Some("always") => {}
        Some(other) => advice.push(format!(
            "appendfsync is `{other}`: a crash of the machine loses the latest acknowledged writes. Set `appendfsync always`."
        )),
        None => advice.push("The server does not show appendfsync. Make sure that it is `always`.".to_owned()),
    }
    if maxmemory_policy != "noeviction" {
        advice.push(format!(
            "maxmemory-policy is `{maxmemory_policy}`: when memory is full, carts and events are evicted. Set \
             `maxmemory-policy noeviction`."
        ));
    }
    RedisHealth { server: format!("{name} {version}"), appendonly, appendfsync, maxmemory_policy, advice }
}

fn value_of<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(key)?.strip_prefix(':'))
}

impl RedisCartStore {
    /// Writes a key and reads the server's statistics.
    pub(super) async fn probe(&self, now: Timestamp) -> Result<KeyspaceStats, StoreError> {
        let mut probe = scripts::PROBE.key(self.keys().probe());
        let _is_written: bool = self.client.run(probe.arg(now.millis())).await?;
        let info: String = self.client.query(redis::cmd("INFO").arg("stats")).await?;
        let number = |key| value_of(&info, key).and_then(|value| value.parse().ok()).unwrap_or_default();
        Ok(KeyspaceStats { hits: number("keyspace_hits"), misses: number("keyspace_misses") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, aof: u8, policy: &str) -> String {
        format!("# Server\r\n{version}\r\n\r\n# Persistence\r\naof_enabled:{aof}\r\nmaxmemory_policy:{policy}\r\n")
    }

    #[test]
    fn a_durable_server_gets_no_advice() {
        let health = assess(&info("redis_version:7.0.15", 1, "noeviction"), Some("always".to_owned()));
        assert_eq!((health.server.as_str(), health.appendonly), ("Redis 7.0.15", true));
        assert!(health.advice.is_empty(), "{health:?}");
        let valkey =
            assess(&info("redis_version:7.2.4\r\nvalkey_version:8.0.1", 1, "noeviction"), Some("always".into()));
        assert_eq!((valkey.server.as_str(), valkey.advice.len()), ("Valkey 8.0.1", 0));
    }

    #[test]
    fn each_unsafe_setting_gets_advice() {
        let health = assess(&info("redis_version:6.2.0", 0, "allkeys-lru"), Some("everysec".to_owned()));
        let advice = health.advice.join(" ");
        for what in ["Redis 7.0 or later", "appendonly yes", "appendfsync always", "noeviction"] {
            assert!(advice.contains(what), "{what} in {advice}");
        }
        assert_eq!(assess(&info("redis_version:7.0.0", 1, "noeviction"), None).advice.len(), 1);
    }
}
