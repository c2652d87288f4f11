//! A started shop, with its folder, ports and admin, which tests query, kill, restart and audit. It is `souk up` on
//! files; where tests run on engines, `souk up` or a process for each service on those.

use std::{
    collections::BTreeSet, net::TcpListener, ops::Range, path::Path, process::Stdio, sync::Mutex, time::Duration,
};

use serde_json::{Value, json};
use souk_testkit::{Client, on_engines};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Engines, Fleet};

pub const ADMIN_EMAIL: &str = "owner@example.com";
pub const ADMIN_PASSWORD: &str = "a long enough password";
pub const BINARY: &str = env!("CARGO_BIN_EXE_souk");

/// Ports of tests, below those that the system gives to connections.
const PORTS: Range<u16> = 10_000..31_900;
/// Limit of draining the queues once the test is over.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Shop {
    /// Data folder of `souk up`; otherwise a place for files of the test.
    pub folder: TempDir,
    /// Port of the gateway.
    pub port: u16,
    /// A client of the API, without a token.
    pub client: Client,
    processes: Processes,
}

#[derive(Debug)]
enum Processes {
    /// One process of `souk up`.
    One(Box<Up>),
    /// One process or more for each service.
    Fleet(Box<Fleet>),
}

#[derive(Debug)]
struct Up {
    child: Child,
    options: Options,
}

#[derive(Debug)]
struct Options {
    flags: Vec<&'static str>,
    /// `None` for a shop on files.
    engines: Option<Engines>,
    /// Further variables of its process.
    variables: Vec<(&'static str, String)>,
    /// True if the gateway limits requests, and distinguishes the clients by the header `X-Forwarded-For`.
    has_limits: bool,
}

impl Shop {
    /// Starts an empty shop: one process on files, or one for each service on engines.
    pub async fn start() -> Self {
        if on_engines() { Self::of_processes(&[]).await } else { Self::up(&["--empty"]).await }
    }

    /// Starts an empty shop in one process, with a clock that can be moved.
    pub async fn with_clock() -> Self {
        Self::up(&["--test-clock", "--empty"]).await
    }

    /// Starts a shop in one process with `flags`, and waits until it is ready.
    pub async fn up(flags: &[&'static str]) -> Self {
        let engines = on_engines().then(Engines::new);
        Self::up_with(Options { flags: flags.to_vec(), engines, variables: Vec::new(), has_limits: false }).await
    }

    /// Starts an empty shop whose processes have a further variable.
    pub async fn with_variable(name: &'static str, text: String) -> Self {
        if on_engines() {
            let mut engines = Engines::new();
            engines.put(name, text);
            souk_kit::install_crypto();
            return Self::of_fleet(Fleet::start(engines, &[])).await;
        }
        let variables = vec![(name, text)];
        Self::up_with(Options { flags: vec!["--empty"], engines: None, variables, has_limits: false }).await
    }

    /// Starts an empty shop in one process that limits requests as an installed shop does. Its clients are at the address
    /// that they send as `X-Forwarded-For`.
    pub async fn with_limits() -> Self {
        let engines = on_engines().then(Engines::new);
        Self::up_with(Options { flags: vec!["--empty"], engines, variables: Vec::new(), has_limits: true }).await
    }

    /// Starts `souk up` on the files of `folder`.
    pub async fn in_folder(folder: TempDir) -> Self {
        Self::up_in(folder, Options { flags: vec!["--empty"], engines: None, variables: Vec::new(), has_limits: false })
            .await
    }

    /// Starts `souk up` on the files of `folder`, or on `engines`, with the clock that is stored there and can be moved.
    pub async fn in_folder_with_clock(folder: TempDir, engines: Option<Engines>) -> Self {
        let flags = vec!["--empty", "--test-clock"];
        Self::up_in(folder, Options { flags, engines, variables: Vec::new(), has_limits: false }).await
    }

    async fn up_with(options: Options) -> Self {
        Self::up_in(tempfile::tempdir().unwrap(), options).await
    }

    async fn up_in(folder: TempDir, options: Options) -> Self {
        souk_kit::install_crypto();
        let port = ports_of_a_shop();
        let child = spawn(folder.path(), port, &options);
        let client = Client::new(format!("http://127.0.0.1:{port}/api"));
        let processes = Processes::One(Box::new(Up { child, options }));
        let shop = Self { folder, port, client, processes };
        shop.wait_until_ready().await;
        shop
    }

    /// Starts an empty shop on engines, with `replicas` processes of the services named there and one of each other.
    pub async fn of_processes(replicas: &[(&str, usize)]) -> Self {
        souk_kit::install_crypto();
        Self::of_fleet(Fleet::start(Engines::new(), replicas)).await
    }

    /// Waits until `fleet` is ready, and returns it as a shop.
    pub async fn of_fleet(fleet: Fleet) -> Self {
        let port = fleet.gateway_port();
        let client = Client::new(format!("http://127.0.0.1:{port}/api"));
        let folder = tempfile::tempdir().unwrap();
        let shop = Self { folder, port, client, processes: Processes::Fleet(Box::new(fleet)) };
        shop.wait_until_ready().await;
        shop
    }

    /// Returns the processes of a shop that has one or more for each service.
    pub fn fleet(&mut self) -> &mut Fleet {
        match &mut self.processes {
            Processes::Fleet(fleet) => fleet,
            Processes::One(_) => panic!("this shop is one process"),
        }
    }

    /// Returns the URL of the store of the service `name`.
    #[must_use]
    pub fn store_url(&self, name: &str) -> String {
        match &self.processes {
            Processes::One(up) => match &up.options.engines {
                None => format!("sqlite:{}/{name}.db", self.folder.path().display()),
                Some(engines) => engines.store_url(name),
            },
            Processes::Fleet(fleet) => fleet.store_url(name),
        }
    }

    /// Waits until every service is ready. Panics with the log when it takes too long.
    pub async fn wait_until_ready(&self) {
        if let Processes::Fleet(fleet) = &self.processes {
            fleet.wait_until_ready().await;
        }
        for _ in 0..2_000 {
            let response = self.client.try_send(reqwest::Method::GET, "/health/ready", None).await;
            if response.is_ok_and(|response| response.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the shop is not ready: {}", self.log());
    }

    /// Returns the memory of its one process, in MB.
    #[must_use]
    pub fn resident_mb(&self) -> u64 {
        let Processes::One(up) = &self.processes else { panic!("this shop is more than one process") };
        let status = std::fs::read_to_string(format!("/proc/{}/status", up.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1_024
    }

    /// Returns the output of its process, or of all its processes.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.processes {
            Processes::One(_) => std::fs::read_to_string(self.folder.path().join("test.log")).unwrap(),
            Processes::Fleet(fleet) => fleet.logs(),
        }
    }

    /// Sends SIGKILL: to the one process, or to the next of many in turn.
    pub async fn kill(&mut self) {
        match &mut self.processes {
            Processes::One(up) => up.child.kill().await.unwrap(),
            Processes::Fleet(fleet) => fleet.kill_next(),
        }
    }

    /// Starts the processes again that were killed or stopped, and waits until they are ready.
    pub async fn restart(&mut self) {
        match &mut self.processes {
            Processes::One(up) => {
                up.child = spawn(self.folder.path(), self.port, &up.options);
            }
            Processes::Fleet(fleet) => fleet.restart_ended(),
        }
        self.wait_until_ready().await;
    }

    /// Sends SIGINT, as Ctrl-C does, and returns the exit code. Panics when the shop takes over 5 s to stop.
    pub async fn interrupt(&mut self) -> Option<i32> {
        let Processes::One(up) = &mut self.processes else { panic!("this shop is many processes") };
        let child = &mut up.child;
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        ended.unwrap_or_else(|_| panic!("souk takes over 5 s to stop")).unwrap().code()
    }

    /// Runs an operator's command on this shop. Returns exit code, standard output and standard error.
    pub async fn command(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = std::process::Command::new(BINARY);
        command.args(args);
        self.choose(&mut command);
        output(command).await
    }

    /// Makes an operator's command one about this shop.
    pub fn choose(&self, command: &mut std::process::Command) {
        match &self.processes {
            Processes::One(up) => {
                command
                    .arg("--data")
                    .arg(self.folder.path())
                    .envs(up.options.engines.iter().flat_map(Engines::environment));
            }
            Processes::Fleet(fleet) => {
                command.arg("--distributed").envs(&fleet.environment).current_dir(self.folder.path());
            }
        }
    }

    /// Asserts that every invariant holds once all events are consumed: no message waits in a queue of the broker, and
    /// there are no dead letters.
    pub async fn assert_clean(&self) {
        let started = std::time::Instant::now();
        loop {
            let (code, report, error) = self.command(&["audit", "--json"]).await;
            let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
            assert_eq!(code, 0, "{report:#}{error}");
            assert_eq!(report["clean"], true, "{report:#}");
            assert_eq!(report["invariants"].as_array().unwrap().len(), 11);
            if report["pending"] == json!([]) && report["queued"].is_null() && report["broker"].is_null() {
                return;
            }
            assert!(started.elapsed() < DRAIN_TIMEOUT, "messages are left: {report:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Returns a client with an admin's token.
    pub async fn admin(&self) -> Client {
        self.client.with_token(self.admin_token().await)
    }

    /// Signs the admin in and returns the access token.
    pub async fn admin_token(&self) -> String {
        let body = json!({"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD});
        let answer = self.client.post("/auth/login", body).await.expect(200);
        answer.json["accessToken"].as_str().unwrap().to_owned()
    }

    /// Moves the shop's clock. Tokens may have expired afterwards: sign in again.
    pub async fn advance(&self, by: Duration) {
        let admin = self.admin().await;
        admin.post("/test-clock", json!({"advanceSeconds": by.as_secs()})).await.expect(200);
    }

    /// Adds a product at 19.99 EUR with `stock` units, and returns its id.
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

    /// Returns the units of a product that can be bought.
    pub async fn stock(&self, product: i64) -> i64 {
        // Admins read the store; what everyone reads may be a moment behind.
        let admin = self.admin().await;
        admin.get(&format!("/products/{product}")).await.expect(200).json["stock"].as_i64().unwrap()
    }
}

/// Runs `souk` with `args`. Returns exit code, standard output and standard error.
pub async fn souk(args: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(BINARY);
    command.args(args);
    output(command).await
}

/// Runs `command`. Returns exit code, standard output and standard error.
pub async fn output(command: std::process::Command) -> (i32, String, String) {
    let output = Command::from(command).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

fn spawn(folder: &Path, port: u16, options: &Options) -> Child {
    let limits = if options.has_limits {
        ("SOUK_GATEWAY__TRUSTED_PROXIES", "127.0.0.1")
    } else {
        // All shoppers of a test come from one address.
        ("SOUK_GATEWAY__RATE_LIMIT__ENABLED", "false")
    };
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("test.log")).unwrap();
    Command::new(BINARY)
        .args(["up", "--port", &port.to_string(), "--data", &folder.display().to_string()])
        .args(&options.flags)
        .envs(options.engines.iter().flat_map(Engines::environment))
        .env("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL)
        .env("SOUK_AUTH__ADMIN_PASSWORD", ADMIN_PASSWORD)
        .env(limits.0, limits.1)
        .envs(options.variables.iter().cloned())
        // Without a SQLite file to lie beside, pictures are in the folder that the process runs in.
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Returns the first of `count` consecutive free ports. A port is returned once by this process.
pub fn free_ports(count: u16) -> u16 {
    reserve(&(0..count).collect::<Vec<_>>())
}

/// Returns the gateway's port for a shop in one process whose other ports are free too: the management's, one below,
/// the services', above, and those of discovery and the config server, 681 and 808 above.
pub fn ports_of_a_shop() -> u16 {
    reserve(&(0..10).chain([682, 809]).collect::<Vec<_>>()) + 1
}

/// Reserves ports that lie `offsets` above a first one, and returns that one.
fn reserve(offsets: &[u16]) -> u16 {
    static RESERVED: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut reserved = RESERVED.lock().unwrap();
    // Test processes that run concurrently begin at different places.
    let (count, begin) = (PORTS.end - PORTS.start, u16::try_from(std::process::id() % 35).unwrap() * 620);
    let is_free = |port: u16| !reserved.contains(&port) && TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = (0..count)
        .map(|step| PORTS.start + (begin + step) % count)
        .find(|first| offsets.iter().all(|offset| is_free(first + offset)))
        .unwrap_or_else(|| panic!("no ports are left"));
    reserved.extend(offsets.iter().map(|offset| first + offset));
    first
}
