//! A `souk serve SERVICE` of its own, that can be killed and started again at the same address.

use std::{
    net::TcpListener,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
};

use souk_testkit::{Answer, Client};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The service of discovery with nothing that makes a test wait: what changed is seen at once, leases are looked
/// at five times a second, and few renewals keep nobody.
const QUICK: [(&str, &str); 3] = [
    ("SOUK_DISCOVERY__ENABLE_SELF_PRESERVATION", "false"),
    ("SOUK_DISCOVERY__EVICTION_INTERVAL_TIMER_IN_MS", "200"),
    ("SOUK_DISCOVERY__RESPONSE_CACHE_UPDATE_INTERVAL_MS", "0"),
];

/// A service in a process.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub port: u16,
    /// A client of it.
    pub client: Client,
    service: &'static str,
    environment: Vec<(String, String)>,
    child: Child,
    folder: TempDir,
}

impl Served {
    /// A server of discovery.
    pub async fn discovery(environment: &[(&str, &str)]) -> Self {
        Self::discovery_at(free_port(), environment).await
    }

    /// A server of discovery at this port.
    pub async fn discovery_at(port: u16, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<_> = QUICK.iter().chain(environment).copied().collect();
        Self::start("discovery", port, &environment).await
    }

    /// A config server.
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
        served.is_ready().await;
        served
    }

    /// Its address, with `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its address for somebody with this name and password, with `path`.
    #[must_use]
    pub fn url_of(&self, credentials: &str, path: &str) -> String {
        format!("http://{credentials}@127.0.0.1:{}{path}", self.port)
    }

    /// Asks for `path`; nothing is expected of the answer.
    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(path).await
    }

    /// SIGKILL.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again where it was.
    pub async fn restart(&mut self) {
        self.child = spawn(self.service, self.port, &self.environment, &self.folder);
        self.is_ready().await;
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Waits until it is ready; shows what it said when that does not come to be.
    async fn is_ready(&mut self) {
        for _ in 0..2_000 {
            let asked = self.client.try_send(reqwest::Method::GET, "/health/ready", None).await;
            if asked.is_ok_and(|ready| ready.status == 200) {
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

/// A free port that stays free while its server is down: above those of the tests of the shop, below those that
/// the system gives to connections. It is given out once.
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
