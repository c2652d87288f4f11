//! A started `souk up`: its folder, its ports, its admin; to be asked, killed, restarted and audited.

use std::{
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use souk_testkit::Client;
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ADMIN_EMAIL: &str = "owner@example.com";
const ADMIN_PASSWORD: &str = "a long enough password";
const BINARY: &str = env!("CARGO_BIN_EXE_souk");

/// A shop in a process of its own.
#[derive(Debug)]
pub struct Shop {
    /// Where it keeps everything.
    pub folder: TempDir,
    /// The gateway's port.
    pub port: u16,
    /// A client of the API, without a token.
    pub client: Client,
    flags: Vec<&'static str>,
    child: Child,
}

impl Shop {
    /// Starts an empty shop with a clock that can be moved.
    pub async fn start() -> Self {
        Self::start_with(&["--test-clock", "--empty"]).await
    }

    /// Starts a shop with these flags and waits until it is ready.
    pub async fn start_with(flags: &[&'static str]) -> Self {
        souk_kit::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let port = free_ports();
        let child = spawn(folder.path(), port, flags);
        let client = Client::new(format!("http://127.0.0.1:{port}/api"));
        let shop = Self { folder, port, client, flags: flags.to_vec(), child };
        shop.is_ready().await;
        shop
    }

    /// Waits until every service is ready; shows what the process said when that does not come to be.
    pub async fn is_ready(&self) {
        for _ in 0..2_000 {
            let asked = self.client.try_send(reqwest::Method::GET, "/health/ready", None).await;
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the shop is not ready: {}", std::fs::read_to_string(self.folder.path().join("test.log")).unwrap());
    }

    /// SIGKILL: no chance to finish anything.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Starts it again on its folder and waits until it is ready.
    pub async fn restart(&mut self) {
        self.child = spawn(self.folder.path(), self.port, &self.flags);
        self.is_ready().await;
    }

    /// Ctrl-C. Answers the exit code, and fails when it takes over 5 s.
    pub async fn interrupt(&mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("souk takes over 5 s to stop")).unwrap().code()
    }

    /// Runs an operator's command on this shop's folder: exit code, standard output, standard error.
    pub async fn command(&self, args: &[&str]) -> (i32, String, String) {
        let output = Command::new(BINARY)
            .args(args)
            .args(["--data", &self.folder.path().display().to_string()])
            .output()
            .await
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Asserts that every invariant holds, once what is under way has arrived.
    pub async fn is_clean(&self) {
        let (code, report, error) = self.command(&["audit", "--json"]).await;
        assert_eq!(code, 0, "{report}{error}");
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["clean"], true, "{report:#}");
        assert_eq!(report["pending"], json!([]), "{report:#}");
        assert_eq!(report["invariants"].as_array().unwrap().len(), 7);
    }

    /// A client with an admin's token.
    pub async fn admin(&self) -> Client {
        self.client.with_token(self.admin_token().await)
    }

    /// An admin's token.
    pub async fn admin_token(&self) -> String {
        let body = json!({"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD});
        let answer = self.client.post("/auth/login", body).await.expect(200);
        answer.json["accessToken"].as_str().unwrap().to_owned()
    }

    /// Moves the shop's clock. Tokens may be over after it: sign in again.
    pub async fn advance(&self, by: Duration) {
        let admin = self.admin().await;
        admin.post("/test-clock", json!({"advanceSeconds": by.as_secs()})).await.expect(200);
    }

    /// Adds a product with this stock at 19.99 EUR. Answers its id.
    pub async fn product(&self, name: &str, stock: i64) -> i64 {
        let admin = self.admin().await;
        let categories = self.client.get("/categories").await.expect(200).json;
        let category = if categories["items"][0].is_object() {
            categories["items"][0]["categoryId"].clone()
        } else {
            admin.post("/categories", json!({"name": "Things"})).await.expect(201).json["categoryId"].clone()
        };
        let body = json!({
            "name": name, "price": {"amount": 1999, "currency": "EUR"}, "stock": stock, "categoryId": category,
        });
        admin.post("/products", body).await.expect(201).json["productId"].as_i64().unwrap()
    }

    /// What can be bought of a product now.
    pub async fn stock(&self, product: i64) -> i64 {
        self.client.get(&format!("/products/{product}")).await.expect(200).json["stock"].as_i64().unwrap()
    }
}

fn spawn(folder: &Path, port: u16, flags: &[&str]) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("test.log")).unwrap();
    Command::new(BINARY)
        .args(["up", "--port", &port.to_string(), "--data", &folder.display().to_string()])
        .args(flags)
        .env("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL)
        .env("SOUK_AUTH__ADMIN_PASSWORD", ADMIN_PASSWORD)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// A gateway port whose whole range (management to notification) is free, below the ports that the
/// system gives to connections. Each shop of this process gets a range of its own.
pub fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 70).unwrap() * 310;
    loop {
        let port = first + NEXT.fetch_add(10, Ordering::SeqCst) % 600;
        if (port - 1..port + 8).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return port;
        }
    }
}
