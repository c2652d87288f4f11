//! Services as processes of their own: what they refuse, and how they wait for engines that are down.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use serde_json::Value;
use souk_testkit::{Client, eventually, needs_engines};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{
    Engines, Shop, Shopper,
    process::{free_ports, ports_of_a_shop},
};

const BINARY: &str = env!("CARGO_BIN_EXE_souk");

/// Returns an environment whose engines do not answer: nothing listens at port 1.
fn unreachable_engines() -> BTreeMap<String, String> {
    let pairs = [
        ("SOUK_ORDER__STORE_URL", "postgres://souk:geheim@127.0.0.1:1/souk_order"),
        ("SOUK_BUS__URL", "amqp://souk:geheim@127.0.0.1:1/%2f"),
        ("SOUK_SHOP__SERVICE_SECRET", "a secret of all services"),
        ("SOUK_SERVE__HOST", "127.0.0.1"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// Runs souk until it exits. Returns exit code, standard output and standard error.
async fn souk(args: &[&str], environment: &BTreeMap<String, String>) -> (i32, String, String) {
    let running = Command::new(BINARY).args(args).envs(environment).kill_on_drop(true).output();
    let ended = tokio::time::timeout(Duration::from_secs(20), running).await;
    let output = ended.unwrap_or_else(|_| panic!("souk {args:?} does not end")).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// A running process of `souk serve`.
struct Served {
    client: Client,
    child: Child,
    folder: TempDir,
}

impl Served {
    fn start(service: &str, environment: &BTreeMap<String, String>) -> Self {
        souk_kit::install_crypto();
        let (folder, port) = (tempfile::tempdir().unwrap(), free_ports(1));
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new(BINARY)
            .args(["serve", service, "--port", &port.to_string()])
            .envs(environment)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self { client: Client::new(format!("http://127.0.0.1:{port}")), child, folder }
    }

    async fn wait_until_live(&self) {
        eventually("it answers", || async {
            self.client.try_send(reqwest::Method::GET, "/health/live", None).await.is_ok_and(|live| live.status == 200)
        })
        .await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Sends SIGTERM and returns the exit code.
    async fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it takes over 10 s to stop: {}", self.log())).unwrap().code()
    }
}

#[tokio::test]
async fn what_cannot_be_meant_is_a_usage_error() {
    for args in [
        &["serve"][..],
        &["serve", "orders"],
        &["serve", "order", "cart", "--port", "9000"],
        &["serve", "order", "--port", "0"],
        &["serve", "order", "--test-clock"],
        &["migrate"],
        &["migrate", "gateway"],
        &["migrate", "--all", "order"],
        &["audit", "--distributed", "--data", "."],
    ] {
        let (code, _, error) = souk(args, &unreachable_engines()).await;
        assert_eq!(code, 2, "{args:?}: {error}");
    }
}

#[tokio::test]
async fn the_local_bus_is_refused_outside_souk_up() {
    let mut environment = unreachable_engines();
    for url in ["", "sqlite:bus.db"] {
        environment.insert("SOUK_BUS__URL".to_owned(), url.to_owned());
        let (code, _, error) = souk(&["serve", "order"], &environment).await;
        assert_eq!(code, 1, "{error}");
        assert!(error.contains("the local bus works only inside 'souk up'"), "{error}");
        assert!(error.contains("SOUK_BUS__URL"), "{error}");
    }
}

#[tokio::test]
async fn all_mistakes_are_reported_together() {
    let mut environment = unreachable_engines();
    environment.remove("SOUK_SHOP__SERVICE_SECRET");
    environment.remove("SOUK_ORDER__STORE_URL");
    for (name, value) in [
        ("SOUK_ORDER__COLOUR", "red"),
        ("SOUK_ORDER__PAY_WITHIN_SECONDS", "soon"),
        ("SOUK_CART__STORE_URL", "redis://127.0.0.1:1"),
        ("SOUK_SERVICES__AUTH", "auth:8081"),
        ("SOUK_TELEMETRY__LEVEL", "loud"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    let (code, _, error) = souk(&["serve", "order", "cart"], &environment).await;
    assert_eq!(code, 1, "{error}");
    for part in [
        "6 mistake(s)",
        "shop.service-secret",
        "SOUK_ORDER__STORE_URL",
        "order.colour",
        "order.pay-within-seconds",
        "services.auth",
        "telemetry.level",
    ] {
        assert!(error.contains(part), "{part} is not in\n{error}");
    }
}

#[tokio::test]
async fn a_service_without_its_engines_answers_and_names_what_is_missing() {
    let mut order = Served::start("order", &unreachable_engines());
    order.wait_until_live().await;
    eventually("both are named", || async {
        let ready = order.client.get("/health/ready").await.expect(503);
        let is_down = |name: &str| {
            let checks = ready.json["checks"].as_array().unwrap();
            checks.iter().any(|check| check["name"] == name && check["status"] == "DOWN" && check["error"].is_string())
        };
        is_down("store") && is_down("bus") && ready.text.contains("127.0.0.1:1/souk_order")
    })
    .await;
    for path in ["/orders", "/orders/1", "/internal/orders/1", "/nothing"] {
        let refused = order.client.get(path).await;
        refused.is_problem(503, "service.starting");
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
    }
    order.client.get("/info").await.expect(200);
    order.client.get("/metrics").await.expect(200);
    let log = order.log();
    assert!(!log.contains("geheim"), "{log}");
    assert!(log.lines().all(|line| line.starts_with('{')), "{log}");
    assert_eq!(order.terminate().await, Some(0));
}

#[tokio::test]
async fn a_store_that_comes_later_is_opened_and_logged_once() {
    let mut environment = unreachable_engines();
    let folder = tempfile::tempdir().unwrap();
    // A folder in place of the file is as unavailable as an engine that is down.
    let path = folder.path().join("order.db");
    std::fs::create_dir(&path).unwrap();
    environment.insert("SOUK_ORDER__STORE_URL".to_owned(), format!("sqlite:{}", path.display()));
    let mut order = Served::start("order", &environment);
    order.wait_until_live().await;
    eventually("the store is missing", || async { order.log().contains("waiting for the store") }).await;
    // Time for several retries, of which only the first is logged.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(order.log().matches("waiting for the store").count(), 1, "{}", order.log());
    order.client.get("/orders").await.is_problem(503, "service.starting");
    std::fs::remove_dir(&path).unwrap();
    eventually("the store is there", || async { order.client.get("/orders").await.status == 401 }).await;
    let ready = order.client.get("/health/ready").await.expect(503).json;
    assert_eq!((&ready["checks"][0]["name"], &ready["checks"][0]["status"]), (&"bus".into(), &"DOWN".into()));
    assert_eq!((&ready["checks"][1]["name"], &ready["checks"][1]["status"]), (&"store".into(), &"UP".into()));
    assert!(order.log().contains("the store is available"), "{}", order.log());
    assert_eq!(order.terminate().await, Some(0));
}

#[tokio::test]
async fn a_taken_port_and_a_taken_file_end_the_process_with_advice() {
    let mut environment = unreachable_engines();
    let folder = tempfile::tempdir().unwrap();
    environment.insert("SOUK_ORDER__STORE_URL".to_owned(), format!("sqlite:{}/order.db", folder.path().display()));
    let mut order = Served::start("order", &environment);
    order.wait_until_live().await;
    eventually("a store in a file needs no engine", || async { order.client.get("/orders").await.status == 401 }).await;
    assert!(order.log().contains("right for one replica"), "{}", order.log());
    let (code, _, error) = souk(&["serve", "order", "--port", &free_ports(1).to_string()], &environment).await;
    assert_eq!(code, 1);
    assert!(error.contains("a SQLite file is for one process"), "{error}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (code, _, error) = souk(&["serve", "order", "--port", &port], &unreachable_engines()).await;
    assert_eq!(code, 1);
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
    assert_eq!(order.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn seven_processes_are_one_shop() {
    if !needs_engines() {
        return;
    }
    let mut shop = Shop::of_processes(&[]).await;
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register_at(&shop.client, "ada").await;
    ada.put_into_cart(kettle, 2).await;
    let order = ada.order_cart("prepaid").await;
    assert_eq!(order["status"], "confirmed", "{order}");
    assert_eq!(ada.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
    ada.wait_for_status(&order, "paid").await;
    ada.wait_for_cart_state("purchased").await;
    assert_eq!(shop.stock(kettle).await, 8);
    shop.assert_clean().await;
    assert!(shop.fleet().log("auth", 0).contains("with the password you configured"));

    let (code, report, error) = shop.command(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
    assert_eq!((code, &report["healthy"]), (0, &true.into()), "{report:#}");
    let (code, letters, _) = shop.command(&["dead-letters", "list"]).await;
    assert_eq!((code, letters.trim()), (0, "No dead letters."));
    let (code, migrated, error) = shop.command(&["migrate", "--all"]).await;
    assert_eq!((code, migrated.matches("is up to date").count()), (0, 6), "{migrated}{error}");

    assert_eq!(shop.fleet().terminate("order", 0), Some(0));
    let (code, report, _) = shop.command(&["doctor"]).await;
    assert_eq!(code, 1);
    assert!(report.contains("start it with 'souk serve order'"), "{report}");
    assert!(report.contains("no process consumes"), "{report}");
    shop.restart().await;
    assert_eq!(ada.fetch_order(&order).await["status"], "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_imported_beside_the_running_shop() {
    if !needs_engines() {
        return;
    }
    let shop = Shop::of_processes(&[]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let csv = "Handle,Title,Body (HTML),Vendor,Type,Published,Variant SKU,Variant Inventory Qty,Variant Price\n\
               kettle,Kettle,<p>Boils water.</p>,Ferrum,Cookware,true,K-1,5,19.90\n";
    std::fs::write(file.path(), csv).unwrap();
    let (code, report, error) = shop.command(&["import", &file.path().display().to_string()]).await;
    assert_eq!(code, 0, "{error}");
    assert!(report.contains("1 new"), "{report}");
    // The command writes the store; the running service finds out within a second.
    let find = async || shop.client.get("/products?q=kettle").await.expect(200).json;
    eventually("the product is listed", async || find().await["total"] == 1).await;
    let list = find().await;
    // Its events arrive: the cart knows the product's name without a request to product.
    let ada = Shopper::register_at(&shop.client, "ada").await;
    let cart = ada.put_into_cart(list["items"][0]["productId"].as_i64().unwrap(), 1).await;
    assert_eq!(cart["items"][0]["name"], "Kettle", "{cart}");
    shop.assert_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn souk_up_runs_on_engines_too() {
    if !needs_engines() {
        return;
    }
    let engines = Engines::new();
    let (folder, port) = (tempfile::tempdir().unwrap(), ports_of_a_shop());
    let data = folder.path().display().to_string();
    let mut up = Command::new(BINARY)
        .args(["up", "--empty", "--test-clock", "--port", &port.to_string(), "--data", &data])
        .envs(engines.environment())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    souk_kit::install_crypto();
    let client = Client::new(format!("http://127.0.0.1:{port}/api"));
    eventually("the shop is ready", || async {
        client.try_send(reqwest::Method::GET, "/health/ready", None).await.is_ok_and(|ready| ready.status == 200)
    })
    .await;
    Shopper::register_at(&client, "ada").await;
    assert!(!folder.path().join("bus.db").exists(), "the bus is RabbitMQ");
    assert!(!folder.path().join("auth.db").exists(), "the store is PostgreSQL");
    let (code, report, error) = souk(&["audit", "--data", &data], &engines.environment()).await;
    assert_eq!(code, 0, "{report}{error}");
    let (code, report, error) = souk(&["doctor", "--data", &data], &engines.environment()).await;
    assert_eq!(code, 0, "{report}{error}");
    let (code, _, error) = souk(&["migrate", "order", "--data", &data], &engines.environment()).await;
    assert_eq!(code, 1);
    assert!(error.contains("in use by another souk"), "{error}");
    up.kill().await.unwrap();
}
