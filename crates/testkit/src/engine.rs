//! The engines that tests run on: SQLite and the local bus, or those of a distributed installation.
//!
//! `SOUK_TEST_MODE=engines` selects PostgreSQL, MySQL, Redis and RabbitMQ at the addresses in `SOUK_TEST_POSTGRES`,
//! `SOUK_TEST_MYSQL`, `SOUK_TEST_REDIS` and `SOUK_TEST_RABBITMQ`. A test fails if one is missing; it is never skipped.

use std::{
    future::Future,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use souk_values::{Clock, SystemClock};

use crate::statements;

/// Time limit of setup and removal on an engine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Returns true if tests run on engines instead of files.
#[must_use]
pub fn on_engines() -> bool {
    match std::env::var("SOUK_TEST_MODE").as_deref() {
        Ok("engines") => true,
        Ok("embedded" | "") | Err(_) => false,
        Ok(other) => panic!("SOUK_TEST_MODE is 'embedded' or 'engines', not '{other}'"),
    }
}

/// Like [`on_engines`], for a test that makes sense on engines only; prints why the test does nothing otherwise.
#[must_use]
pub fn needs_engines() -> bool {
    let has_engines = on_engines();
    if !has_engines {
        println!("this test makes sense on engines only: SOUK_TEST_MODE=engines");
    }
    has_engines
}

fn address(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// Returns the URL of the PostgreSQL server without a database: `postgres://user@host:port`.
#[must_use]
pub fn postgres() -> String {
    address("SOUK_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432")
}

/// Returns the URL of the MySQL or MariaDB server without a database.
#[must_use]
pub fn mysql() -> String {
    address("SOUK_TEST_MYSQL", "mysql://root@127.0.0.1:3306")
}

/// Returns the URL of the Redis server.
#[must_use]
pub fn redis() -> String {
    address("SOUK_TEST_REDIS", "redis://127.0.0.1:6379")
}

/// Returns the URL of the RabbitMQ server with its virtual host.
#[must_use]
pub fn rabbitmq() -> String {
    address("SOUK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/%2f")
}

/// Returns a name that is unique among all running tests, and begins with `t`.
#[must_use]
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemClock.now().millis();
    format!("t{}_{}_{}", now % 1_000_000_000, std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs `work` to its end on a separate thread, for synchronous code such as `Drop`.
///
/// # Panics
/// When `work` panics or takes longer than a minute.
pub fn block_on<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    // Not a current-thread runtime: lapin's I/O loop has to run while `work` blocks.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let in_time = async { tokio::time::timeout(TIMEOUT, work).await };
    let done = std::thread::spawn(move || runtime.block_on(in_time)).join().unwrap();
    done.unwrap_or_else(|_| panic!("an engine gave no answer within {} s", TIMEOUT.as_secs()))
}

/// The databases and key prefixes of one test, created on first use and removed when this is dropped.
#[derive(Debug, Default)]
pub struct Stores {
    name: String,
    created: Mutex<Vec<Store>>,
}

#[derive(Debug, Clone)]
struct Store {
    name: String,
    url: String,
    /// Server and name of its database; `None` for a key prefix on Redis.
    database: Option<(String, String)>,
}

impl Stores {
    /// Returns a unique prefix without any stores.
    #[must_use]
    pub fn new() -> Self {
        if on_engines() {
            statements::watch();
        }
        Self { name: unique_name(), created: Mutex::default() }
    }

    /// Returns the prefix of all names that this test uses on engines.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.name
    }

    /// Returns the URL of the store of service `name`, created on first use, on the engine that the service has in a
    /// distributed installation: MySQL for product, Redis for cart, PostgreSQL for the others.
    pub fn url(&self, name: &str) -> String {
        let mut created = self.created.lock().unwrap();
        if let Some(store) = created.iter().find(|store| store.name == name) {
            return store.url.clone();
        }
        let prefixed = format!("{}_{name}", self.name);
        let store = match name {
            "product" => Store::create_database(name, mysql(), &prefixed),
            "cart" => Store { name: name.to_owned(), url: with_prefix(&redis(), &prefixed), database: None },
            _ => Store::create_database(name, postgres(), &prefixed),
        };
        created.push(store.clone());
        store.url
    }
}

fn with_prefix(url: &str, prefix: &str) -> String {
    format!("{url}/0?prefix={prefix}:")
}

impl Store {
    fn create_database(name: &str, server: String, database: &str) -> Self {
        let url = format!("{server}/{database}");
        let variable = if server.starts_with("postgres") { "SOUK_TEST_POSTGRES" } else { "SOUK_TEST_MYSQL" };
        let create = format!("CREATE DATABASE {database}");
        let at = maintenance(&server);
        block_on(async move {
            let connection = Database::connect(&at).await;
            // Names the variable instead of the URL, which may contain a password.
            let connection =
                connection.unwrap_or_else(|error| panic!("the engine in {variable} cannot be used: {error}"));
            connection.execute_unprepared(&create).await.unwrap();
            connection.close().await.unwrap();
        });
        Self { name: name.to_owned(), url, database: Some((server, database.to_owned())) }
    }
}

/// Returns the URL of the database from which others are created and dropped.
fn maintenance(server: &str) -> String {
    if server.starts_with("postgres") { format!("{server}/postgres") } else { format!("{server}/mysql") }
}

impl Drop for Stores {
    fn drop(&mut self) {
        let created = std::mem::take(&mut *self.created.lock().unwrap());
        if created.is_empty() {
            return;
        }
        if !std::thread::panicking() {
            statements::assert_portable();
        }
        block_on(async move {
            for Store { url, database, .. } in created {
                match database {
                    Some((server, database)) => drop_database(&server, &database).await,
                    None => drop_keys(&url).await,
                }
            }
        });
    }
}

async fn drop_database(server: &str, database: &str) {
    let connection = Database::connect(maintenance(server)).await.unwrap();
    if server.starts_with("postgres") {
        connection.execute_unprepared(&format!("DROP DATABASE {database} WITH (FORCE)")).await.unwrap();
    } else {
        kill_connections(&connection, database).await;
        connection.execute_unprepared(&format!("DROP DATABASE {database}")).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Kills the connections to a MySQL database, whose open transactions would block dropping it.
async fn kill_connections(connection: &DatabaseConnection, database: &str) {
    let sql = format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'");
    let query = Statement::from_string(connection.get_database_backend(), sql);
    for row in connection.query_all_raw(query).await.unwrap() {
        let id: u64 = row.try_get("", "id").or_else(|_| row.try_get::<i64>("", "id").map(i64::unsigned_abs)).unwrap();
        // Fails if the connection has ended meanwhile.
        let _ = connection.execute_unprepared(&format!("KILL {id}")).await;
    }
}

async fn drop_keys(url: &str) {
    let (server, prefix) = url.split_once("/0?prefix=").unwrap();
    let mut connection = redis::Client::open(server).unwrap().get_multiplexed_async_connection().await.unwrap();
    let mut cursor = 0_u64;
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(500);
        let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await.unwrap();
        if !keys.is_empty() {
            let _: u64 = redis::cmd("UNLINK").arg(keys).query_async(&mut connection).await.unwrap();
        }
        if next == 0 {
            return;
        }
        cursor = next;
    }
}
