//! A private Redis server for tests that stop, suspend or restore it.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use crate::eventually;

/// A `redis-server` process on a free port, killed when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    port: u16,
    folder: TempDir,
    arguments: &'static [&'static str],
}

/// Settings under which a kill loses nothing.
const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];
const CLUSTER: &[&str] = &["--appendonly", "no", "--cluster-enabled", "yes"];
/// With an append-only file, a server ignores `dump.rdb`.
const FROM_DUMP: &[&str] = &["--appendonly", "no"];

impl RedisServer {
    /// Starts an empty server under which a kill loses nothing.
    pub async fn start() -> Self {
        Self::start_as(DURABLE).await
    }

    /// Starts a server with the content of the RDB file `dump`, and turns its append-only file on once that is loaded.
    pub async fn restore(dump: &Path) -> Self {
        let mut server = Self::stopped(FROM_DUMP);
        std::fs::copy(dump, server.folder.path().join("dump.rdb")).unwrap();
        server.start_again().await;
        server.set("appendonly", "yes").await;
        eventually("the append-only file has everything", || async {
            let info: String = server.query(redis::cmd("INFO").arg("persistence")).await;
            let has = |line: &str| info.lines().any(|one| one == line);
            has("aof_enabled:1") && has("aof_rewrite_in_progress:0") && has("aof_rewrite_scheduled:0")
        })
        .await;
        server.arguments = DURABLE;
        server
    }

    /// Starts a server that refuses scripts whose keys are in more than one slot, as every node of a cluster does.
    pub async fn start_with_cluster_rules() -> Self {
        let server = Self::start_as(CLUSTER).await;
        let mut connection = server.connection().await;
        let slots: String = server.query(redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(0).arg(16_383)).await;
        assert_eq!(slots, "OK");
        eventually("the cluster is up", || {
            let mut connection = connection.clone();
            async move {
                let info: String = redis::cmd("CLUSTER").arg("INFO").query_async(&mut connection).await.unwrap();
                info.contains("cluster_state:ok")
            }
        })
        .await;
        let _: String = redis::cmd("PING").query_async(&mut connection).await.unwrap();
        server
    }

    async fn start_as(arguments: &'static [&'static str]) -> Self {
        let mut server = Self::stopped(arguments);
        server.start_again().await;
        server
    }

    fn stopped(arguments: &'static [&'static str]) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A cluster's node listens on a second port too, 10,000 higher.
        let port = if port > 50_000 { port - 20_000 } else { port };
        Self { child: None, port, folder: tempfile::tempdir().unwrap(), arguments }
    }

    /// Starts the server again after [`RedisServer::stop`], with what it stored.
    pub async fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(self.folder.path())
            .args(self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap();
        eventually("the server responds", || {
            let client = client.clone();
            async move {
                let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
                redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok()
            }
        })
        .await;
    }

    /// Kills the server process.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Suspends the process: it neither responds nor closes its connections.
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Continues the process after [`RedisServer::hang`].
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Returns the port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of its first database, in which all keys begin with `prefix`.
    #[must_use]
    pub fn url(&self, prefix: &str) -> String {
        format!("redis://127.0.0.1:{}/0?prefix={prefix}", self.port)
    }

    /// Returns a client of the server.
    #[must_use]
    pub fn client(&self) -> redis::Client {
        redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).unwrap()
    }

    /// Returns a new connection, whose responses may take ten seconds.
    pub async fn connection(&self) -> MultiplexedConnection {
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(Some(Duration::from_secs(10)));
        self.client().get_multiplexed_async_connection_with_config(&config).await.unwrap()
    }

    /// Runs `command` on a new connection.
    pub async fn query<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        command.query_async(&mut self.connection().await).await.unwrap()
    }

    /// Changes a setting of the server.
    pub async fn set(&self, name: &str, value: &str) {
        let _: String = self.query(redis::cmd("CONFIG").arg("SET").arg(name).arg(value)).await;
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}
