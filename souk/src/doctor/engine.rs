//! One engine behind a URL: its version, its clock, whether it keeps what it acknowledges.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use souk_sql::{Access, Db, SqlError};
use souk_values::{Clock, SystemClock};

use super::{Finding, finding};
use crate::address;

/// What an engine says of itself.
#[derive(Debug)]
struct Answer {
    name: &'static str,
    version: String,
    /// Its clock less ours, milliseconds; `None` for a file.
    ahead_ms: Option<i64>,
    /// What it may lose of what it acknowledged.
    loses: Option<&'static str>,
}

/// Tries the engine at `url`.
pub async fn check(part: &str, place: &str, url: &str) -> Vec<Finding> {
    if let Err(error) = address::knock(url).await {
        return vec![unreachable(part, place, url, &SqlError::Unavailable(error.to_string()))];
    }
    let scheme = url.split(':').next().unwrap_or_default();
    let told = match scheme {
        "redis" | "rediss" => of_redis(part, place, url).await,
        "mssql" => of_mssql(part, place, url).await,
        _ => ask(url).await.map(|answer| findings(part, place, &answer)),
    };
    told.unwrap_or_else(|error| vec![unreachable(part, place, url, &error)])
}

/// Whether Redis keeps carts, and is new enough. Its clock tells nothing: scripts take the time as an argument.
async fn of_redis(part: &str, place: &str, url: &str) -> Result<Vec<Finding>, SqlError> {
    let health = souk_cart::store::redis::health(url).await?;
    let server = Finding::good(part, place, &health.server);
    let advice = health
        .advice
        .into_iter()
        .map(|advice| Finding::warning(part, place, "it may lose carts and what they tell").advising(advice));
    Ok(std::iter::once(server).chain(advice).collect())
}

/// Whether SQL Server answers; its own driver is payment's.
async fn of_mssql(part: &str, place: &str, url: &str) -> Result<Vec<Finding>, SqlError> {
    let store = Box::pin(souk_payment::store::open_to_read(url)).await?;
    store.ping().await.map_err(|error| SqlError::Unavailable(error.to_string()))?;
    Ok(vec![Finding::good(part, place, "SQL Server answers")])
}

fn findings(part: &str, place: &str, answer: &Answer) -> Vec<Finding> {
    let Answer { name, version, ahead_ms, loses } = answer;
    let says = format!("{name} {}", short(version));
    let mut found = Vec::new();
    match least(name) {
        Some(least) if number(version) < Some(least) => {
            let advice = format!("use {name} {}.{} or later", least.0, least.1);
            found.push(Finding::wrong(part, place, format!("{says} is too old")).advising(advice));
        }
        _ => {
            let clock = if ahead_ms.is_some_and(finding::agrees) { "; its clock agrees with ours" } else { "" };
            found.push(Finding::good(part, place, format!("{says}{clock}")));
        }
    }
    if let Some(loses) = loses {
        let says = "it does not keep on disk what it acknowledges";
        found.push(Finding::warning(part, place, says).advising(*loses));
    }
    found.extend(ahead_ms.and_then(|ahead_ms| finding::of_clock(part, place, ahead_ms)));
    found
}

/// The oldest version that has what is used of it: `SKIP LOCKED` and CHECK constraints.
fn least(name: &str) -> Option<(u32, u32)> {
    match name {
        "PostgreSQL" => Some((12, 0)),
        "MySQL" => Some((8, 0)),
        "MariaDB" => Some((10, 6)),
        _ => None,
    }
}

/// `10.11.6` of `10.11.6-MariaDB-1`.
fn short(version: &str) -> &str {
    version.split(|letter: char| !letter.is_ascii_digit() && letter != '.').next().unwrap_or(version)
}

/// Major and minor number of `10.11.6-MariaDB-1`.
fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|letter: char| !letter.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    Some((major, parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0)))
}

async fn ask(url: &str) -> Result<Answer, SqlError> {
    let db = Db::open(url, Access::ReadOnly).await?;
    let backend = db.reader().get_database_backend();
    let sql = match backend {
        DbBackend::Postgres => {
            "SELECT current_setting('server_version') AS version, \
             CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms, \
             CAST(CASE WHEN current_setting('fsync') = 'off' OR current_setting('synchronous_commit') = 'off' \
             THEN 0 ELSE 1 END AS BIGINT) AS keeps"
        }
        DbBackend::MySql => {
            "SELECT VERSION() AS version, CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) AS now_ms, \
             CAST(CASE WHEN @@innodb_flush_log_at_trx_commit = 1 THEN 1 ELSE 0 END AS SIGNED) AS keeps"
        }
        _ => "SELECT sqlite_version() AS version, CAST(NULL AS INTEGER) AS now_ms, 1 AS keeps",
    };
    let before = SystemClock.now();
    let row = db.reader().query_one_raw(Statement::from_string(backend, sql)).await?;
    let after = SystemClock.now();
    let row = row.ok_or_else(|| SqlError::Failed("it answered nothing".to_owned()))?;
    let version: String = row.try_get("", "version")?;
    let now_ms: Option<i64> = if backend == DbBackend::Sqlite { None } else { row.try_get("", "now_ms")? };
    let keeps: i64 = row.try_get("", "keeps")?;
    let name = match backend {
        DbBackend::Postgres => "PostgreSQL",
        DbBackend::MySql if version.contains("MariaDB") => "MariaDB",
        DbBackend::MySql => "MySQL",
        _ => "SQLite",
    };
    let advice = match name {
        "PostgreSQL" => {
            "set fsync and synchronous_commit to on, or a crash of its machine loses orders that were accepted"
        }
        _ => "set innodb_flush_log_at_trx_commit to 1, or a crash of its machine loses orders that were accepted",
    };
    // What the engine says was true at some instant between.
    let ahead_ms = now_ms.map(|now| match now {
        now if now < before.millis() => now - before.millis(),
        now if now > after.millis() => now - after.millis(),
        _ => 0,
    });
    Ok(Answer { name, version, ahead_ms, loses: (keeps == 0).then_some(advice) })
}

fn unreachable(part: &str, place: &str, url: &str, error: &SqlError) -> Finding {
    let text = error.to_string();
    let advice = if url.starts_with("sqlite:") {
        "is the path right, and may this user read it? The service makes the file at its first start"
    } else if text.contains("does not exist") || text.contains("Unknown database") {
        "make the database: CREATE DATABASE, with the service's user as its owner"
    } else if ["password", "authentication", "Access denied"].iter().any(|word| text.contains(word)) {
        "user or password are refused: look at the store-url of the configuration"
    } else if matches!(error, SqlError::Failed(_)) {
        "look at the store-url of the configuration"
    } else {
        "is the engine up, and are host and port of the store-url right?"
    };
    Finding::wrong(part, place, text).advising(advice)
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(number("15.14 (Debian 15.14-0+deb12u1)"), Some((15, 14)));
        assert_eq!(number("10.11.14-MariaDB-0+deb12u2"), Some((10, 11)));
        assert_eq!(number("17rc1"), Some((17, 0)));
        assert_eq!(number("?"), None);
        let old = Answer { name: "MySQL", version: "5.7.44".to_owned(), ahead_ms: None, loses: None };
        assert_eq!(findings("x", "", &old)[0].state, State::Wrong);
        let careless =
            Answer { name: "MySQL", version: "8.4.0".to_owned(), ahead_ms: Some(20_000), loses: Some("mend it") };
        let states: Vec<State> = findings("x", "", &careless).iter().map(|finding| finding.state).collect();
        assert_eq!(states, [State::Good, State::Warning, State::Wrong]);
    }

    #[tokio::test]
    async fn a_file_is_asked_and_a_missing_one_is_told() {
        souk_kit::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/order.db", folder.path().display());
        let missing = check("store of order", &url, &url).await;
        assert_eq!(missing[0].state, State::Wrong);
        assert!(missing[0].advice.is_some());
        Db::open(&url, Access::ReadWrite).await.unwrap();
        let there = check("store of order", &url, &url).await;
        assert_eq!((there.len(), there[0].state), (1, State::Good));
        assert!(there[0].says.starts_with("SQLite 3."), "{there:?}");
    }

    #[tokio::test]
    async fn a_closed_port_says_what_to_do() {
        souk_kit::install_crypto();
        let url = "postgres://souk:geheim@127.0.0.1:1/souk_order";
        let [refused] = check("store of order", "postgres://127.0.0.1:1/souk_order", url).await.try_into().unwrap();
        assert_eq!(refused.state, State::Wrong);
        assert!(refused.advice.unwrap().contains("is the engine up"));
        assert!(!refused.says.contains("geheim"), "{}", refused.says);
    }
}
