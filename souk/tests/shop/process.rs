//! A started shop: its folder, its ports, its admin; to be asked, killed, restarted and audited. It is
//! `souk up` on files, or where tests run on engines, `souk up` or a process for each service on those.

use std::{
    collections::BTreeSet,
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::{
        Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use souk_testkit::{Client, on_engines};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Engines, Fleet};

pub const ADMIN_EMAIL: &str = "owner@example.com";
pub const ADMIN_PASSWORD: &str = "a long enough password";
pub const BINARY: &str = env!("CARGO_BIN_EXE_souk");

/// How many ports one process may use up.
const SPAN: u16 = 620;
/// How long messages may wait in queues once nothing disturbs the shop any more.
const DRAINED: Duration = Duration::from_secs(60);

/// A shop.
#[derive(Debug)]
pub struct Shop {
    /// Where `souk up` keeps everything; for files of tests otherwise.
    pub folder: TempDir,
    /// The gateway's port.
    pub port: u16,
    /// A client of the API, without a token.
    pub client: Client,
    processes: Processes,
}

#[derive(Debug)]
enum Processes {
    /// `souk up`.
    One(Box<Up>),
    /// One or more for each service.
    Fleet(Box<Fleet>),
}

#[derive(Debug)]
struct Up {
    child: Child,
    flags: Vec<&'static str>,
    /// What it runs on, if not on files.
    engines: Option<Engines>,
}

impl Shop {
    /// Starts an empty shop: one process, or on engines one for each service.
    pub async fn start() -> Self {
        if on_engines() { Self::of_processes(&[]).await } else { Self::up(&["--empty"]).await }
    }

    /// Starts an empty shop in one process, with a clock that can be moved.
    pub async fn with_clock() -> Self {
        Self::up(&["--test-clock", "--empty"]).await
    }

    /// Starts a shop in one process with these flags and waits until it is ready.
    pub async fn up(flags: &[&'static str]) -> Self {
        souk_kit::install_crypto();
        let (folder, port) = (tempfile::tempdir().unwrap(), ports_of_a_shop());
        let engines = on_engines().then(Engines::new);
        let child = spawn(folder.path(), port, flags, engines.as_ref());
        let client = Client::new(format!("http://127.0.0.1:{port}/api"));
        let processes = Processes::One(Box::new(Up { child, flags: flags.to_vec(), engines }));
        let shop = Self { folder, port, client, processes };
        shop.is_ready().await;
        shop
    }

    /// Starts an empty shop on engines, of as many processes of each service as `replicas` says, else one.
    pub async fn of_processes(replicas: &[(&str, usize)]) -> Self {
        souk_kit::install_crypto();
        Self::of_fleet(Fleet::start(Engines::new(), replicas)).await
    }

    /// The shop that `fleet` is, once it is ready.
    pub async fn of_fleet(fleet: Fleet) -> Self {
        let port = fleet.gateway_port();
        let client = Client::new(format!("http://127.0.0.1:{port}/api"));
        let folder = tempfile::tempdir().unwrap();
        let shop = Self { folder, port, client, processes: Processes::Fleet(Box::new(fleet)) };
        shop.is_ready().await;
        shop
    }

    /// The processes of a shop that has one for each service.
    pub fn fleet(&mut self) -> &mut Fleet {
        match &mut self.processes {
            Processes::Fleet(fleet) => fleet,
            Processes::One(_) => panic!("this shop is one process"),
        }
    }

    /// Where the store of `name` is.
    #[must_use]
    pub fn store_url(&self, name: &str) -> String {
        match &self.processes {
            Processes::One(up) => match &up.engines {
                None => format!("sqlite:{}/{name}.db", self.folder.path().display()),
                Some(engines) => engines.store_url(name),
            },
            Processes::Fleet(fleet) => fleet.store_url(name),
        }
    }

    /// Waits until every service is ready; shows what the process said when that does not come to be.
    pub async fn is_ready(&self) {
        if let Processes::Fleet(fleet) = &self.processes {
            fleet.is_ready().await;
        }
        for _ in 0..2_000 {
            let asked = self.client.try_send(reqwest::Method::GET, "/health/ready", None).await;
            if asked.is_ok_and(|answer| answer.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the shop is not ready: {}", self.log());
    }

    /// What its process said, or all of them.
    #[must_use]
    pub fn log(&self) -> String {
        match &self.processes {
            Processes::One(_) => std::fs::read_to_string(self.folder.path().join("test.log")).unwrap(),
            Processes::Fleet(fleet) => fleet.logs(),
        }
    }

    /// SIGKILL: no chance to finish anything. Of many processes the next in turn.
    pub async fn kill(&mut self) {
        match &mut self.processes {
            Processes::One(up) => up.child.kill().await.unwrap(),
            Processes::Fleet(fleet) => fleet.kill_next(),
        }
    }

    /// Starts again what was killed or stopped, and waits until it is ready.
    pub async fn restart(&mut self) {
        match &mut self.processes {
            Processes::One(up) => {
                up.child = spawn(self.folder.path(), self.port, &up.flags, up.engines.as_ref());
            }
            Processes::Fleet(fleet) => fleet.restart_ended(),
        }
        self.is_ready().await;
    }

    /// Ctrl-C. Answers the exit code, and fails when it takes over 5 s.
    pub async fn interrupt(&mut self) -> Option<i32> {
        let Processes::One(up) = &mut self.processes else { panic!("this shop is many processes") };
        let child = &mut up.child;
        let pid = child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
        ended.unwrap_or_else(|_| panic!("souk takes over 5 s to stop")).unwrap().code()
    }

    /// Runs an operator's command on this shop: exit code, standard output, standard error.
    pub async fn command(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(BINARY);
        command.args(args);
        match &self.processes {
            Processes::One(up) => {
                command.arg("--data").arg(self.folder.path()).envs(up.engines.iter().flat_map(Engines::environment));
            }
            Processes::Fleet(fleet) => {
                command.arg("--distributed").envs(&fleet.environment).current_dir(self.folder.path());
            }
        }
        let output = command.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Asserts that every invariant holds, once what is under way has arrived: no message waits in any
    /// queue of a broker, and there are no dead letters.
    pub async fn is_clean(&self) {
        let begun = std::time::Instant::now();
        loop {
            let (code, report, error) = self.command(&["audit", "--json"]).await;
            let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
            assert_eq!(code, 0, "{report:#}{error}");
            assert_eq!(report["clean"], true, "{report:#}");
            assert_eq!(report["pending"], json!([]), "{report:#}");
            assert_eq!(report["invariants"].as_array().unwrap().len(), 7);
            if report["queued"].is_null() && report["broker"].is_null() {
                return;
            }
            assert!(begun.elapsed() < DRAINED, "messages are left: {report:#}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
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

fn spawn(folder: &Path, port: u16, flags: &[&str], engines: Option<&Engines>) -> Child {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("test.log")).unwrap();
    Command::new(BINARY)
        .args(["up", "--port", &port.to_string(), "--data", &folder.display().to_string()])
        .args(flags)
        .envs(engines.into_iter().flat_map(Engines::environment))
        .env("SOUK_AUTH__ADMIN_EMAIL", ADMIN_EMAIL)
        .env("SOUK_AUTH__ADMIN_PASSWORD", ADMIN_PASSWORD)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The first of `count` ports in a row that are free, below those that the system gives to connections.
/// No port is given out twice in this process, nor by one that runs beside it.
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 10_000 + u16::try_from(std::process::id() % 35).unwrap() * SPAN;
    loop {
        let taken = NEXT.fetch_add(count, Ordering::SeqCst);
        assert!(taken + count <= SPAN, "this process has used up its ports");
        let port = first + taken;
        if (port..port + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return port;
        }
    }
}

/// The gateway's port of a shop in one process: the management's is one below, the services' follow, and farther
/// above are discovery's and the config server's.
pub fn ports_of_a_shop() -> u16 {
    static FAR: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let gateway = free_ports(10) + 1;
        let far = [gateway + 681, gateway + 808];
        let mut given = FAR.lock().unwrap();
        if far.iter().all(|port| !given.contains(port) && TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            given.extend(far);
            return gateway;
        }
    }
}
