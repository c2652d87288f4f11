//! What a Redis says of itself: whether it can be written, how often it finds keys, and for
//! `souk doctor` whether it is set up so that carts are kept.

use serde::Serialize;
use souk_sql::{Access, SqlError};
use souk_values::Timestamp;

use super::{RedisCartStore, keys::PARTITIONS, link::Link, scripts};
use crate::store::{Keyspace, StoreError};

/// A Redis as an operator should know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Name and version: `Redis 7.0.15`, `Valkey 8.0.1`.
    pub server: String,
    /// Whether what is written goes into a file.
    pub appendonly: bool,
    /// When that file reaches the disk: `always`, `everysec`, `no`. `None` when the server does not say.
    pub appendfsync: Option<String>,
    /// What goes when memory is full.
    pub maxmemory_policy: String,
    /// What to do about what is not as it should be.
    pub advice: Vec<String>,
}

/// Asks the Redis at `url`; writes nothing.
///
/// Errors: the URL is none; the Redis does not answer; it keeps carts in another number of partitions.
pub async fn health(url: &str) -> Result<Health, SqlError> {
    let link = Link::open(url, Access::ReadOnly, PARTITIONS).await?;
    let info: String = link.query(&redis::cmd("INFO")).await?;
    // Hosted ones often refuse this command to everybody: then it is not known.
    let settings: Vec<String> =
        link.query(redis::cmd("CONFIG").arg("GET").arg("appendfsync")).await.unwrap_or_default();
    Ok(judge(&info, settings.into_iter().nth(1)))
}

fn judge(info: &str, appendfsync: Option<String>) -> Health {
    let [name, version] = match value_of(info, "valkey_version") {
        Some(version) => ["Valkey", version],
        None => ["Redis", value_of(info, "redis_version").unwrap_or("of an unknown version")],
    };
    let appendonly = value_of(info, "aof_enabled") == Some("1");
    let maxmemory_policy = value_of(info, "maxmemory_policy").unwrap_or("unknown").to_owned();
    let mut advice = Vec::new();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 7) {
        advice.push(format!("{name} {version} is not supported: use Redis 7.0 or later, or Valkey."));
    }
    if !appendonly {
        let lost = "A restart loses carts and events that are not published yet";
        advice.push(format!("{lost}: set `appendonly yes` (CONFIG SET appendonly yes, then CONFIG REWRITE)."));
    }
    match appendfsync.as_deref() {
        Some("always") => {}
        Some(other) => advice.push(format!(
            "appendfsync is `{other}`: a crash of the machine loses what was acknowledged last. Set `appendfsync always`."
        )),
        None => advice.push("The server does not tell appendfsync: see to it that it is `always`.".to_owned()),
    }
    if maxmemory_policy != "noeviction" {
        advice.push(format!(
            "maxmemory-policy is `{maxmemory_policy}`: a full memory would drop carts and events. Set `maxmemory-policy \
             noeviction`."
        ));
    }
    Health { server: format!("{name} {version}"), appendonly, appendfsync, maxmemory_policy, advice }
}

/// The value of `key` in what INFO answers.
fn value_of<'a>(info: &'a str, key: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(key)?.strip_prefix(':'))
}

impl RedisCartStore {
    /// Writes and reads, to see whether that works.
    pub(super) async fn probe(&self, now: Timestamp) -> Result<Keyspace, StoreError> {
        let mut probe = scripts::PROBE.key(self.keys().probe());
        let _is_written: bool = self.link.run(probe.arg(now.millis())).await?;
        let info: String = self.link.query(redis::cmd("INFO").arg("stats")).await?;
        let number = |key| value_of(&info, key).and_then(|value| value.parse().ok()).unwrap_or_default();
        Ok(Keyspace { hits: number("keyspace_hits"), misses: number("keyspace_misses") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, aof: u8, policy: &str) -> String {
        format!("# Server\r\n{version}\r\n\r\n# Persistence\r\naof_enabled:{aof}\r\nmaxmemory_policy:{policy}\r\n")
    }

    #[test]
    fn a_sound_one_needs_nothing() {
        let health = judge(&info("redis_version:7.0.15", 1, "noeviction"), Some("always".to_owned()));
        assert_eq!((health.server.as_str(), health.appendonly), ("Redis 7.0.15", true));
        assert!(health.advice.is_empty(), "{health:?}");
        let valkey =
            judge(&info("redis_version:7.2.4\r\nvalkey_version:8.0.1", 1, "noeviction"), Some("always".into()));
        assert_eq!((valkey.server.as_str(), valkey.advice.len()), ("Valkey 8.0.1", 0));
    }

    #[test]
    fn each_fault_is_told_with_what_to_do() {
        let health = judge(&info("redis_version:6.2.0", 0, "allkeys-lru"), Some("everysec".to_owned()));
        let told = health.advice.join(" ");
        for what in ["Redis 7.0 or later", "appendonly yes", "appendfsync always", "noeviction"] {
            assert!(told.contains(what), "{what} in {told}");
        }
        assert_eq!(judge(&info("redis_version:7.0.0", 1, "noeviction"), None).advice.len(), 1);
    }
}
