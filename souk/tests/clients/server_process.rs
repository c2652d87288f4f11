//! A process of `souk serve` with one service, which can be killed and started again at the same address.

use std::{
    net::TcpListener,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
};

use souk_testkit::{Client, TestResponse};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Settings of discovery that make tests fast: no cache, five evictions a second, and no self-preservation.
const QUICK: [(&str, &str); 3] = [
    ("SOUK_DISCOVERY__ENABLE_SELF_PRESERVATION", "false"),
    ("SOUK_DISCOVERY__EVICTION_INTERVAL_TIMER_IN_MS", "200"),
    ("SOUK_DISCOVERY__RESPONSE_CACHE_UPDATE_INTERVAL_MS", "0"),
];

#[derive(Debug)]
pub struct ServerProcess {
    pub port: u16,
    pub client: Client,
    service: &'static str,
    environment: Vec<(String, String)>,
    child: Child,
    folder: TempDir,
}

impl ServerProcess {
    /// Starts a discovery server on a free port.
    pub async fn discovery(environment: &[(&str, &str)]) -> Self {
        Self::discovery_at(free_port(), environment).await
    }

    /// Starts a discovery server on `port`.
    pub async fn discovery_at(port: u16, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = QUICK.iter().chain(environment).copied().collect();
        Self::start("discovery", port, &environment).await
    }

    /// Starts a config server on a free port.
    pub async fn config(environment: &[(&str, &str)]) -> Self {
        Self::start("config-server", free_port(), environment).await
    }

    async fn start(service: &'static str, port: u16, environment: &[(&str, &str)]) -> Self {
        souk_kit::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let host = ("SOUK_SERVE__HOST", "127.0.0.1");
        let environment: Vec<(String, String)> =
            [host].iter().chain(environment).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let child = spawn(service, port, &environment, &folder);
        let client = Client::new(format!("http://127.0.0.1:{port}"));
        let mut served = Self { port, client, service, environment, child, folder };
        served.wait_until_ready().await;
        served
    }

    /// Returns the URL of `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Returns the URL of `path` with `credentials`, `user:password`.
    #[must_use]
    pub fn url_of(&self, credentials: &str, path: &str) -> String {
        format!("http://{credentials}@127.0.0.1:{}{path}", self.port)
    }

    /// Requests `path`, and returns the response whatever its status.
    pub async fn get(&self, path: &str) -> TestResponse {
        self.client.get(path).await
    }

    /// Sends SIGKILL to the process.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on the same port.
    pub async fn restart(&mut self) {
        self.child = spawn(self.service, self.port, &self.environment, &self.folder);
        self.wait_until_ready().await;
    }

    /// Returns the output of all its processes.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until it is ready. Panics with the log when it ends or takes too long.
    async fn wait_until_ready(&mut self) {
        for _ in 0..2_000 {
            let response = self.client.try_send(reqwest::Method::GET, "/health/ready", None).await;
            if response.is_ok_and(|response| response.status == 200) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{} ended with {status}: {}", self.service, self.log());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{} is not ready: {}", self.service, self.log());
    }
}

fn spawn(service: &str, port: u16, environment: &[(String, String)], folder: &TempDir) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(["serve", service, "--port", &port.to_string()])
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Returns a port that stays free while its server is down: above those of the whole-shop tests, below those that the
/// system gives to connections. Each is returned once.
pub fn free_port() -> u16 {
    const FIRST: u16 = 31_700;
    const COUNT: u16 = 1_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let begin = u16::try_from(std::process::id() % 20).unwrap() * 50;
    loop {
        let taken = NEXT.fetch_add(1, Ordering::SeqCst);
        assert!(taken < COUNT, "no port is free");
        let port = FIRST + (begin + taken) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
