//! Checks that every statement sent to MySQL is valid on both MySQL 8.4 and MariaDB 10.11, whichever of them tests run on.

use std::sync::{Mutex, Once};

use tracing::{
    Event, Metadata, Subscriber,
    field::Field,
    span::{Attributes, Id, Record},
};

/// Tracing target under which souk-sql logs its statements.
const TARGET: &str = "souk_sql::statement";

/// Syntax of MariaDB that MySQL 8.4 rejects, as it occurs in an upper-case statement with single blanks.
const ONLY_MARIADB: &[&str] = &[
    " RETURNING ",
    "CREATE OR REPLACE TABLE",
    "CREATE OR REPLACE INDEX",
    "CREATE INDEX IF NOT EXISTS",
    "CREATE UNIQUE INDEX IF NOT EXISTS",
    "DROP INDEX IF EXISTS",
    "ADD COLUMN IF NOT EXISTS",
    "DROP COLUMN IF EXISTS",
    "ADD INDEX IF NOT EXISTS",
    "NEXT VALUE FOR",
    "CREATE SEQUENCE",
    "FOR SYSTEM_TIME",
    "WITH SYSTEM VERSIONING",
    "ROWS EXAMINED",
    "FETCH FIRST",
    "EXECUTE IMMEDIATE",
    "SET STATEMENT",
    "FOR UPDATE WAIT",
    "MINUS ",
    " INET6",
    " UUID ",
];

/// Syntax of MySQL 8.4 that MariaDB 10.11 rejects.
const ONLY_MYSQL: &[&str] =
    &[" FOR UPDATE OF ", " AS NEW ", " LATERAL ", "JSON_TABLE(", "MEMBER OF", "->>", "UTF8MB4_0900", "FOR SHARE"];

static FOUND: Mutex<Vec<String>> = Mutex::new(Vec::new());
static SEEN: Mutex<u64> = Mutex::new(0);

/// Starts checking, once per test process.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(Watcher).unwrap();
    });
}

/// Checks the statements so far.
///
/// # Panics
/// When one of them is valid on one of the two only.
pub(crate) fn assert_portable() {
    let found = FOUND.lock().unwrap();
    assert!(found.is_empty(), "not valid on both MySQL 8.4 and MariaDB 10.11:\n{}", found.join("\n"));
}

/// Returns the number of statements to MySQL that were checked in this process.
#[must_use]
pub fn statements_seen() -> u64 {
    *SEEN.lock().unwrap()
}

/// Returns the syntax in `statement` that only one of the two accepts.
fn unportable_syntax(statement: &str) -> Option<&'static str> {
    let text = format!(" {} ", statement.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase());
    ONLY_MARIADB.iter().chain(ONLY_MYSQL).copied().find(|word| text.contains(word))
}

/// A subscriber that receives statements only. It has no spans, so that spans of a test's own subscriber may close on any
/// thread.
struct Watcher;

impl Subscriber for Watcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == TARGET
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut sent = Sent::default();
        event.record(&mut sent);
        if sent.engine.contains("MySql") {
            *SEEN.lock().unwrap() += 1;
            if let Some(syntax) = unportable_syntax(&sent.statement) {
                FOUND.lock().unwrap().push(format!("{syntax}: {}", sent.statement));
            }
        }
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Sent {
    engine: String,
    statement: String,
}

impl tracing::field::Visit for Sent {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "statement" {
            value.clone_into(&mut self.statement);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "engine" {
            self.engine = format!("{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syntax_of_only_one_of_the_two_is_found() {
        for unportable in [
            "INSERT INTO `a` (`b`) VALUES (?) RETURNING `b`",
            "create index if not exists ix on t (c)",
            "SELECT a FROM t\n FOR UPDATE  OF t",
            "INSERT INTO t VALUES (1) AS new ON DUPLICATE KEY UPDATE a = new.a",
        ] {
            assert!(unportable_syntax(unportable).is_some(), "{unportable}");
        }
        for common in [
            "INSERT IGNORE INTO `inbox_event` (`queue`) VALUES (?)",
            "SELECT `a` FROM `t` LIMIT 5 FOR UPDATE SKIP LOCKED",
            "CREATE TABLE IF NOT EXISTS `t` ( `a` bigint NOT NULL PRIMARY KEY, KEY `ix` (`a`) ) ENGINE=InnoDB",
        ] {
            assert_eq!(unportable_syntax(common), None, "{common}");
        }
    }
}
