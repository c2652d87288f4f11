//! Checks the engine of a store: its version, its clock, and whether its acknowledged writes survive a crash.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use souk_payment::store::StoreError;
use souk_sql::{Access, Db, SqlError};
use souk_values::{Clock, SystemClock};

use super::{
    finding::{Finding, clock_agrees, clock_deviation},
    refusals,
};
use crate::address;

/// Properties that an engine reports about itself.
#[derive(Debug)]
struct EngineInfo {
    name: &'static str,
    version: String,
    /// Difference between its clock and this machine's, in milliseconds; `None` for a file.
    ahead_ms: Option<i64>,
    /// Remedy for settings that lose acknowledged writes in a crash; `None` when the settings are durable.
    durability_advice: Option<&'static str>,
}

/// Checks the engine at `url`. `part` and `address` go into the findings.
pub async fn check(part: &str, address: &str, url: &str) -> Vec<Finding> {
    if let Err(error) = address::probe(url).await {
        return vec![unreachable(part, address, url, &SqlError::Unavailable(error.to_string()))];
    }
    let scheme = url.split(':').next().unwrap_or_default();
    let found = match scheme {
        "redis" | "rediss" => check_redis(part, address, url).await,
        "mssql" => check_mssql(part, address, url).await,
        _ => query(url).await.map(|info| findings(part, address, &info)),
    };
    found.unwrap_or_else(|error| vec![unreachable(part, address, url, &error)])
}

/// Checks the version and persistence of Redis. Its clock is irrelevant: scripts take the time as an argument.
async fn check_redis(part: &str, address: &str, url: &str) -> Result<Vec<Finding>, SqlError> {
    let health = souk_cart::store::redis::health(url).await?;
    let server = Finding::good(part, address, &health.server);
    let warnings = health
        .advice
        .into_iter()
        .map(|advice| Finding::warning(part, address, "it may lose carts and their events").with_advice(advice));
    Ok(std::iter::once(server).chain(warnings).collect())
}

/// Checks that SQL Server answers, through payment's driver.
async fn check_mssql(part: &str, address: &str, url: &str) -> Result<Vec<Finding>, SqlError> {
    let store = Box::pin(souk_payment::store::open_to_read(url)).await?;
    store.ping().await.map_err(|error| match error {
        StoreError::Sql(error) => error,
        other @ StoreError::Conflict => SqlError::Failed(other.to_string()),
    })?;
    Ok(vec![Finding::good(part, address, "SQL Server answers")])
}

fn findings(part: &str, address: &str, info: &EngineInfo) -> Vec<Finding> {
    let EngineInfo { name, version, ahead_ms, durability_advice } = info;
    let engine = format!("{name} {}", short(version));
    let mut found = Vec::new();
    match oldest_supported(name) {
        Some(oldest) if number(version) < Some(oldest) => {
            let advice = format!("use {name} {}.{} or later", oldest.0, oldest.1);
            found.push(Finding::wrong(part, address, format!("{engine} is too old")).with_advice(advice));
        }
        _ => {
            let clock = if ahead_ms.is_some_and(clock_agrees) { "; its clock agrees with ours" } else { "" };
            found.push(Finding::good(part, address, format!("{engine}{clock}")));
        }
    }
    if let Some(advice) = durability_advice {
        let message = "it acknowledges writes before they are on disk";
        found.push(Finding::warning(part, address, message).with_advice(*advice));
    }
    found.extend(ahead_ms.and_then(|ahead_ms| clock_deviation(part, address, ahead_ms)));
    found
}

/// Returns the first version of an engine with `SKIP LOCKED` and enforced CHECK constraints.
fn oldest_supported(name: &str) -> Option<(u32, u32)> {
    match name {
        "PostgreSQL" => Some((12, 0)),
        "MySQL" => Some((8, 0)),
        "MariaDB" => Some((10, 6)),
        _ => None,
    }
}

/// Returns the numeric part of a version: `10.11.6` of `10.11.6-MariaDB-1`.
fn short(version: &str) -> &str {
    version.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next().unwrap_or(version)
}

/// Returns the major and minor number of a version: 10 and 11 of `10.11.6-MariaDB-1`.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|letter: char| !letter.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

/// Queries version, clock and durability settings of an SQL engine.
async fn query(url: &str) -> Result<EngineInfo, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    let backend = db.reader().get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "SELECT current_setting('server_version') AS version, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms, \
             CAST(CASE WHEN current_setting('fsync') = 'off' OR current_setting('synchronous_commit') = 'off' \
             THEN 0 ELSE 1 END AS BIGINT) AS is_durable"
        }
        DbBackend::MySql => {
            "SELECT VERSION() AS version, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now_ms, \
             CAST(CASE WHEN @@innodb_flush_log_at_trx_commit = 1 THEN 1 ELSE 0 END AS SIGNED) AS is_durable"
        }
        _ => "SELECT sqlite_version() AS version, CAST(NULL AS INTEGER) AS now_ms, 1 AS is_durable",
    };
    let before = SystemClock.now();
    let row = db.reader().query_one_raw(Statement::from_string(backend, sql)).await?;
    let after = SystemClock.now();
    let row = row.ok_or_else(|| SqlError::Failed("it returned no row".to_owned()))?;
    let version: String = row.try_get("", "version")?;
    let now_ms: Option<i64> = if backend == DbBackend::Sqlite { None } else { row.try_get("", "now_ms")? };
    let is_durable: i64 = row.try_get("", "is_durable")?;
    let name = match backend {
        DbBackend::Postgres => "PostgreSQL",
        DbBackend::MySql if version.contains("MariaDB") => "MariaDB",
        DbBackend::MySql => "MySQL",
        _ => "SQLite",
    };
    let advice = match name {
        "PostgreSQL" => "set fsync and synchronous_commit to on, or a crash of its machine loses accepted orders",
        _ => "set innodb_flush_log_at_trx_commit to 1, or a crash of its machine loses accepted orders",
    };
    // The engine read its clock at some instant between `before` and `after`.
    let ahead_ms = now_ms.map(|now| match now {
        now if now < before.millis() => now - before.millis(),
        now if now > after.millis() => now - after.millis(),
        _ => 0,
    });
    Ok(EngineInfo { name, version, ahead_ms, durability_advice: (is_durable == 0).then_some(advice) })
}

fn unreachable(part: &str, address: &str, url: &str, error: &SqlError) -> Finding {
    let text = error.to_string();
    let advice = refusals::of_store(url, &text).unwrap_or_else(|| {
        let advice = if url.starts_with("sqlite:") {
            "is the path correct, and may this user read it? The service creates the file at its first start"
        } else if matches!(error, SqlError::Failed(_)) {
            "check the store-url of the configuration"
        } else {
            "is the engine up, and are host and port of the store-url correct?"
        };
        advice.to_owned()
    });
    Finding::wrong(part, address, text).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use souk_testkit::{
        engine::{self, needs_engines},
        eventually,
    };

    use super::{super::finding::State, *};

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(number("15.14 (Debian 15.14-0+deb12u1)"), Some((15, 14)));
        assert_eq!(number("10.11.14-MariaDB-0+deb12u2"), Some((10, 11)));
        assert_eq!(number("17rc1"), Some((17, 0)));
        assert_eq!(number("?"), None);
        let old = EngineInfo { name: "MySQL", version: "5.7.44".to_owned(), ahead_ms: None, durability_advice: None };
        assert_eq!(findings("x", "", &old)[0].state, State::Wrong);
        let careless = EngineInfo {
            name: "MySQL",
            version: "8.4.0".to_owned(),
            ahead_ms: Some(20_000),
            durability_advice: Some("change it"),
        };
        let states: Vec<State> = findings("x", "", &careless).iter().map(|finding| finding.state).collect();
        assert_eq!(states, [State::Good, State::Warning, State::Wrong]);
    }

    #[tokio::test]
    async fn a_file_is_checked_and_a_missing_one_is_reported() {
        souk_kit::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/order.db", folder.path().display());
        let missing = check("store of order", &url, &url).await;
        assert_eq!(missing[0].state, State::Wrong);
        assert!(missing[0].advice.is_some());
        Db::open(&url, Access::ReadWrite).await.unwrap();
        let there = check("store of order", &url, &url).await;
        assert_eq!((there.len(), there[0].state), (1, State::Good));
        assert!(there[0].message.starts_with("SQLite 3."), "{there:?}");
    }

    #[tokio::test]
    async fn a_closed_port_comes_with_advice() {
        souk_kit::install_crypto();
        let url = "postgres://souk:geheim@127.0.0.1:1/souk_order";
        let [refused] = check("store of order", "postgres://127.0.0.1:1/souk_order", url).await.try_into().unwrap();
        assert_eq!(refused.state, State::Wrong);
        assert!(refused.advice.unwrap().contains("is the engine up"));
        assert!(!refused.message.contains("geheim"), "{}", refused.message);
    }

    /// Checks `url`, and asserts that the one finding says `message` and advises `advice`, without the password.
    async fn is_refused(url: &str, message: &str, advice: &str) {
        souk_kit::install_crypto();
        let found = check("store of order", "", url).await;
        assert_eq!((found.len(), found[0].state), (1, State::Wrong), "{found:?}");
        assert!(found[0].message.contains(message), "{found:?}");
        let said = found[0].advice.clone().unwrap();
        assert!(said.contains(advice) && !said.contains("is the engine up"), "{found:?}");
        assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
    }

    #[tokio::test]
    async fn real_engines_refuse_with_a_remedy() {
        if !needs_engines() {
            return;
        }
        let at = |server: &str, user: &str, database: &str| {
            let mut url: url::Url = server.parse().unwrap();
            url.set_username(user).unwrap();
            url.set_password(Some("geheim")).unwrap();
            url.set_path(database);
            url.to_string()
        };
        let postgres: url::Url = engine::postgres().parse().unwrap();
        // The servers of the tests need not check passwords; PostgreSQL here trusts every connection of this machine.
        is_refused(&at(postgres.as_str(), "nobody_here", "postgres"), "nobody_here", "CREATE ROLE \"nobody_here\"")
            .await;
        let missing = format!("{}/no_such_database", engine::postgres());
        is_refused(&missing, "no_such_database", "CREATE DATABASE \"no_such_database\"").await;
        is_refused(&at(&engine::mysql(), "root", "mysql"), "1045", "the user or the password is wrong").await;
        let missing = format!("{}/no_such_database", engine::mysql());
        is_refused(&missing, "1049", "CREATE DATABASE `no_such_database`").await;
    }

    #[tokio::test]
    async fn a_redis_with_a_password_refuses_with_a_remedy() {
        if !needs_engines() {
            return;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Ends with the test, also with a failed one.
        let _server = tokio::process::Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--requirepass", "open sesame"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("redis-server is installed");
        eventually("the server listens", || async move {
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        is_refused(&format!("redis://127.0.0.1:{port}/0"), "NOAUTH", "redis://:PASSWORD@").await;
        is_refused(&format!("redis://:geheim@127.0.0.1:{port}/0"), "authentication failed", "ACL GETUSER default")
            .await;
    }
}
