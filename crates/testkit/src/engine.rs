//! The engines that tests run on: none but files in this process, or those of a company.
//!
//! `SOUK_TEST_MODE=engines` chooses PostgreSQL, MySQL, Redis and RabbitMQ at the addresses in
//! `SOUK_TEST_POSTGRES`, `SOUK_TEST_MYSQL`, `SOUK_TEST_REDIS` and `SOUK_TEST_RABBITMQ`. One that is
//! missing fails the test: it is never skipped.

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

/// How long making or removing something on an engine may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether tests run on engines rather than on files.
#[must_use]
pub fn on_engines() -> bool {
    match std::env::var("SOUK_TEST_MODE").as_deref() {
        Ok("engines") => true,
        Ok("embedded" | "") | Err(_) => false,
        Ok(other) => panic!("SOUK_TEST_MODE is 'embedded' or 'engines', not '{other}'"),
    }
}

/// The same, for a test that makes no sense without engines; says why it does nothing then.
#[must_use]
pub fn needs_engines() -> bool {
    let are_there = on_engines();
    if !are_there {
        println!("this test makes sense on engines only: SOUK_TEST_MODE=engines");
    }
    are_there
}

fn address(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// PostgreSQL's server, without a database: `postgres://user@host:port`.
#[must_use]
pub fn postgres() -> String {
    address("SOUK_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432")
}

/// MySQL's or MariaDB's server, without a database.
#[must_use]
pub fn mysql() -> String {
    address("SOUK_TEST_MYSQL", "mysql://root@127.0.0.1:3306")
}

/// Redis's server.
#[must_use]
pub fn redis() -> String {
    address("SOUK_TEST_REDIS", "redis://127.0.0.1:6379")
}

/// RabbitMQ's server and virtual host.
#[must_use]
pub fn rabbitmq() -> String {
    address("SOUK_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672/%2f")
}

/// A name that no other test of this or another process has now; begins with `t`.
#[must_use]
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = SystemClock.now().millis();
    format!("t{}_{}_{}", now % 1_000_000_000, std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Runs `work` to its end on a thread of its own: for what a test does before it waits for anything,
/// and in `Drop`.
///
/// # Panics
/// When `work` does.
pub fn block_on<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    // With a thread of its own for I/O: lapin's loop runs beside `work` and must never wait for it.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let in_time = async { tokio::time::timeout(PATIENCE, work).await };
    let done = std::thread::spawn(move || runtime.block_on(in_time)).join().unwrap();
    done.unwrap_or_else(|_| panic!("an engine gave no answer within {} s", PATIENCE.as_secs()))
}

/// Databases and key prefixes that are made when they are asked for and removed when this is dropped.
#[derive(Debug, Default)]
pub struct Stores {
    name: String,
    made: Mutex<Vec<Made>>,
}

#[derive(Debug, Clone)]
struct Made {
    url: String,
    remove: Option<(String, String)>,
    name: String,
}

impl Stores {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        if on_engines() {
            statements::watch();
        }
        Self { name: unique_name(), made: Mutex::default() }
    }

    /// What precedes every name that this test makes anywhere.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.name
    }

    /// The URL of the store of `name`, on the engine that it has in a company: product's MySQL, cart's
    /// Redis, the others' PostgreSQL.
    pub fn url(&self, name: &str) -> String {
        let mut made = self.made.lock().unwrap();
        if let Some(store) = made.iter().find(|store| store.name == name) {
            return store.url.clone();
        }
        let database = format!("{}_{name}", self.name);
        let store = match name {
            "product" => Made::database(mysql(), &database, name),
            "cart" => Made { url: with_prefix(&redis(), &database), remove: None, name: name.to_owned() },
            _ => Made::database(postgres(), &database, name),
        };
        made.push(store.clone());
        store.url
    }
}

fn with_prefix(url: &str, prefix: &str) -> String {
    format!("{url}/0?prefix={prefix}:")
}

impl Made {
    fn database(server: String, database: &str, name: &str) -> Self {
        let url = format!("{server}/{database}");
        let variable = if server.starts_with("postgres") { "SOUK_TEST_POSTGRES" } else { "SOUK_TEST_MYSQL" };
        let create = format!("CREATE DATABASE {database}");
        let at = maintenance(&server);
        block_on(async move {
            let connection = Database::connect(&at).await;
            // The URL may hold a password.
            let connection =
                connection.unwrap_or_else(|error| panic!("{variable} names no engine that works: {error}"));
            connection.execute_unprepared(&create).await.unwrap();
            connection.close().await.unwrap();
        });
        Self { url, remove: Some((server, database.to_owned())), name: name.to_owned() }
    }
}

/// Where databases are made: MySQL needs none for it, PostgreSQL has `postgres`.
fn maintenance(server: &str) -> String {
    if server.starts_with("postgres") { format!("{server}/postgres") } else { format!("{server}/mysql") }
}

impl Drop for Stores {
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        if made.is_empty() {
            return;
        }
        if !std::thread::panicking() {
            statements::are_portable();
        }
        block_on(async move {
            for Made { url, remove, .. } in made {
                match remove {
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
        end_connections(&connection, database).await;
        connection.execute_unprepared(&format!("DROP DATABASE {database}")).await.unwrap();
    }
    connection.close().await.unwrap();
}

/// Ends what still works on a MySQL database, which would hold back its end for as long as it does.
async fn end_connections(connection: &DatabaseConnection, database: &str) {
    let sql = format!("SELECT id FROM information_schema.processlist WHERE db = '{database}'");
    let query = Statement::from_string(connection.get_database_backend(), sql);
    for row in connection.query_all_raw(query).await.unwrap() {
        let id: u64 = row.try_get("", "id").or_else(|_| row.try_get::<i64>("", "id").map(i64::unsigned_abs)).unwrap();
        // It may have ended by itself meanwhile.
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
