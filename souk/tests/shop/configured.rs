//! Shops that are configured by the config server and use the registry: one process of each service, which knows only
//! the addresses of those two, and a shop in one process, which contains both.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use souk_testkit::{Client, eventually, needs_engines};

use crate::{
    Engines, Fleet, Shop, Shopper,
    fleet::port_for,
    process::{ADMIN_EMAIL, ADMIN_PASSWORD, BINARY},
};

/// Renewal interval of the leases, within which a moved instance is found.
const RENEWAL: Duration = Duration::from_secs(5);
/// Key of the `{cipher}` values.
const KEY: &str = "a key of the test";

/// A Git repository that configures a shop.
struct Repository(PathBuf);

impl Repository {
    fn new(path: PathBuf, files: &[(&str, String)]) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        let repository = Self(path);
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(files);
        repository
    }

    fn commit(&self, files: &[(&str, String)]) {
        for (name, text) in files {
            std::fs::write(self.0.join(name), text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@t", "commit", "--quiet", "--message", "change"]);
    }

    fn git(&self, args: &[&str]) {
        assert!(Command::new("git").current_dir(&self.0).args(args).status().unwrap().success(), "git {args:?}");
    }
}

/// Encrypts a text to a `{cipher}` value, with `souk config encrypt`.
fn encrypted(text: &str) -> String {
    let output = Command::new(BINARY)
        .args(["config", "encrypt", text])
        .env("SOUK_CONFIG_SERVER__ENCRYPT__KEY", KEY)
        .output()
        .unwrap();
    let cipher = String::from_utf8(output.stdout).unwrap().trim().to_owned();
    assert!(cipher.starts_with("{cipher}"), "{cipher}{}", String::from_utf8_lossy(&output.stderr));
    cipher
}

/// Returns the configuration files of a shop on `engines`.
fn files(engines: &Engines, folder: &Path, gateway: u16) -> Vec<(&'static str, String)> {
    let at = |name: &str| folder.join(name).display().to_string();
    let url = |name| engines.store_url(name);
    let application = format!(
        "shop:\n  service-secret: '{}'\nserve:\n  host: 127.0.0.1\n\
         bus:\n  url: ${{engines.rabbitmq}}\n  prefix: {}\nengines:\n  rabbitmq: {}\n\
         registration:\n  renewal-interval-seconds: {}\n  lease-duration-seconds: 15\n  fetch-interval-seconds: 1\n",
        encrypted("a secret of all services"),
        engines.prefix(),
        souk_testkit::engine::rabbitmq(),
        RENEWAL.as_secs(),
    );
    let auth = format!(
        "auth:\n  store-url: '{}'\n  admin-email: {ADMIN_EMAIL}\n  admin-password: '{}'\n",
        url("auth"),
        encrypted(ADMIN_PASSWORD),
    );
    vec![
        ("application.yml", application),
        ("auth.yml", auth),
        ("product.yml", format!("product:\n  store-url: '{}'\n  pictures-dir: {}\n", url("product"), at("pictures"))),
        ("order.yml", format!("order:\n  store-url: '{}'\n", url("order"))),
        ("cart.yml", format!("cart:\n  store-url: '{}'\n  active-ttl-hours: 24\n", url("cart"))),
        (
            "payment.yml",
            format!("payment:\n  store-url: '{}'\n  sandbox-ledger-url: '{}'\n", url("payment"), url("sandbox")),
        ),
        (
            "notification.yml",
            format!("notification:\n  store-url: '{}'\n  mailbox-dir: {}\n", url("notification"), at("mailbox")),
        ),
        ("gateway.yml", format!("gateway:\n  management-port: {}\n", gateway - 1)),
    ]
}

fn text(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// Registers a customer, who buys one unit and pays.
async fn buy(shop: &Shop, product: i64, name: &str) {
    let shopper = Shopper::register(shop, name).await;
    shopper.put_into_cart(product, 1).await;
    let order = shopper.order_cart("prepaid").await;
    assert_eq!(order["status"], "confirmed");
    assert_eq!(shopper.pay(&order, "tok_visa").await.expect(201).json["status"], "succeeded");
    shopper.wait_for_status(&order, "paid").await;
}

/// Returns the lifetime of an item that is put into a cart now, in hours.
async fn item_lifetime_hours(shop: &Shop, product: i64, name: &str) -> i64 {
    let cart = Shopper::register(shop, name).await.put_into_cart(product, 1).await;
    let expiry: chrono::DateTime<chrono::Utc> = cart["items"][0]["expiryTime"].as_str().unwrap().parse().unwrap();
    let now = souk_values::Clock::now(&souk_values::SystemClock).millis();
    (expiry.timestamp_millis() - now + 1_800_000) / 3_600_000
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_starts_from_a_config_server_and_a_registry_alone_and_continues_without_both() {
    if !needs_engines() {
        return;
    }
    souk_kit::install_crypto();
    let (engines, folder) = (Engines::new(), tempfile::tempdir().unwrap());
    let (config, discovery, gateway) = (port_for("config-server"), port_for("discovery"), port_for("gateway"));
    let repository = Repository::new(folder.path().join("repository"), &files(&engines, folder.path(), gateway));
    let platform = BTreeMap::from([
        text("SOUK_SERVE__HOST", "127.0.0.1"),
        text("SOUK_BUS__URL", souk_testkit::engine::rabbitmq()),
        text("SOUK_BUS__PREFIX", engines.prefix()),
        text("SOUK_CONFIG_SERVER__GIT__URI", format!("file://{}", repository.0.display())),
        text("SOUK_CONFIG_SERVER__ENCRYPT__KEY", KEY),
        // Without credentials the others would not take auth from it.
        text("SOUK_DISCOVERY__SECURITY__USER", "souk"),
        text("SOUK_DISCOVERY__SECURITY__PASSWORD", "registry"),
    ]);
    let environment = BTreeMap::from([
        text("SOUK_CONFIG_URL", format!("http://127.0.0.1:{config}")),
        text("SOUK_DISCOVERY_URL", format!("http://souk:registry@127.0.0.1:{discovery}/eureka")),
    ]);
    let mut fleet = Fleet::empty(engines, folder, environment);
    fleet.start_configured(platform, gateway);
    let mut shop = Shop::of_fleet(fleet).await;
    // No service knows the others before it has fetched the registry.
    for service in ["auth", "product", "order", "cart", "payment", "notification"] {
        let client = shop.fleet().at(service);
        eventually("it knows all the others", || async {
            client.get("/metrics").await.expect(200).text.matches("eureka_client_instances{").count() >= 7
        })
        .await;
    }
    let buyer = Shopper::register(&shop, "bob").await;
    let product = shop.product("Kettle", 20).await;
    buy(&shop, product, "ada").await;

    // An instance that moves is found within one renewal interval by each service that calls it: the gateway, cart and
    // order. Each fetches the registry at moments of its own.
    shop.fleet().move_to_another_port("product");
    shop.fleet().wait_until_ready().await;
    let moved = Instant::now();
    let item = json!({"productId": product, "quantity": 1});
    let order = json!({"shippingAddress": crate::shopper::address(), "items": [&item]});
    eventually("the moved service is found by the gateway", || async {
        shop.client.get(&format!("/products/{product}")).await.status == 200
    })
    .await;
    eventually("it is found by cart", || async { buyer.client.post("/cart", item.clone()).await.status == 200 }).await;
    eventually("it is found by order", || async { buyer.place(order.clone()).await.status == 201 }).await;
    assert!(moved.elapsed() < RENEWAL, "{:?}", moved.elapsed());

    // A valid change is applied while the shop runs, an invalid one is not.
    assert_eq!(item_lifetime_hours(&shop, product, "cyd").await, 24);
    let cart = |hours: &str| format!("cart:\n  store-url: '{}'\n  active-ttl-hours: {hours}\n", shop.store_url("cart"));
    let (changed, wrong) = (cart("5"), cart("soon"));
    let announce = async |shop: &mut Shop| {
        let announced =
            shop.fleet().at("config-server").post("/monitor", json!({"path": "cart.yml"})).await.expect(200);
        assert_eq!(announced.json, json!(["cart"]));
    };
    repository.commit(&[("cart.yml", wrong)]);
    announce(&mut shop).await;
    wait_for_log(&mut shop, "cart", "is not applied").await;
    assert!(shop.fleet().log("cart", 0).contains("cart.active-ttl-hours"));
    repository.commit(&[("cart.yml", changed)]);
    announce(&mut shop).await;
    wait_for_log(&mut shop, "cart", "runs with the changed configuration").await;
    let log = shop.fleet().log("cart", 0);
    assert!(log.contains("cart.active-ttl-hours") && log.contains("the configuration has changed"), "{log}");
    assert_eq!(item_lifetime_hours(&shop, product, "dan").await, 5);

    // Keys that take effect at a restart are named, and not applied before.
    let file = repository.0.join("application.yml");
    let application = std::fs::read_to_string(&file).unwrap();
    let secret = application.lines().find(|line| line.contains("service-secret")).unwrap().to_owned();
    let another = format!("  service-secret: '{}'\n  name: Grocer", encrypted("another secret"));
    repository.commit(&[("application.yml", application.replace(&secret, &another))]);
    let announced =
        shop.fleet().at("config-server").post("/monitor", json!({"path": "application.yml"})).await.expect(200);
    assert_eq!(announced.json, json!(["*"]));
    wait_for_log(&mut shop, "order", "take effect when the process is restarted").await;
    let log = shop.fleet().log("order", 0);
    assert!(log.contains("shop.service-secret") && log.contains("runs with the changed configuration"), "{log}");
    assert!(!log.contains("another secret") && !log.contains("Grocer"), "a value is in the log");
    buy(&shop, product, "dot").await;

    // Without both, the services continue with the configuration and addresses that they have.
    shop.fleet().kill("config-server", 0);
    shop.fleet().kill("discovery", 0);
    buy(&shop, product, "eve").await;
    // Longer than a lease: an unreachable registry must not remove an address.
    tokio::time::sleep(Duration::from_secs(16)).await;
    buy(&shop, product, "fay").await;
    let (code, _, error) = shop.command(&["audit"]).await;
    assert_eq!(code, 1);
    assert!(error.contains(&format!("http://127.0.0.1:{config}")), "the unreachable server is named: {error}");

    // Both are restarted.
    shop.restart().await;
    eventually("all have registered again", || async {
        let known = Client::new(format!("http://127.0.0.1:{discovery}")).with_header("accept", "application/json");
        // souk:registry
        let known = known.with_header("authorization", "Basic c291azpyZWdpc3RyeQ==");
        applications(&known).await.len() == 7
    })
    .await;
    buy(&shop, product, "gus").await;
    shop.assert_clean().await;
}

async fn wait_for_log(shop: &mut Shop, service: &'static str, line: &str) {
    for _ in 0..500 {
        if shop.fleet().log(service, 0).contains(line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{service} never logged {line:?}: {}", shop.fleet().log(service, 0));
}

/// Returns the names of the applications that have an instance with status UP.
async fn applications(discovery: &Client) -> Vec<String> {
    let all = discovery.get("/eureka/apps/").await.expect(200).json;
    let all = all["applications"]["application"].as_array().cloned().unwrap_or_default();
    let is_up = |app: &&Value| app["instance"].as_array().unwrap().iter().any(|instance| instance["status"] == "UP");
    all.iter().filter(is_up).map(|app| app["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_shop_in_one_process_contains_both() {
    let shop = Shop::up(&["--empty"]).await;
    let discovery =
        Client::new(format!("http://127.0.0.1:{}", shop.port + 681)).with_header("accept", "application/json");
    eventually("all have registered", || async { applications(&discovery).await.len() == 8 }).await;
    let names = applications(&discovery).await;
    for name in ["AUTH", "PRODUCT", "ORDER", "CART", "PAYMENT", "NOTIFICATION", "GATEWAY", "CONFIG-SERVER"] {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
    let page = Client::new(format!("http://127.0.0.1:{}", shop.port + 681)).get("/").await.expect(200).text;
    assert!(page.contains("CONFIG-SERVER") && page.contains("<html"), "{page}");
    let config = Client::new(format!("http://127.0.0.1:{}", shop.port + 808));
    let order = config.get("/order/default").await.expect(200).json;
    let sources = order["propertySources"].as_array().unwrap();
    assert!(sources.iter().any(|source| source["source"]["order.pay-within-seconds"] == 1800), "{order}");
    for server in [&discovery, &config] {
        server.get("/health/ready").await.expect(200);
        server.get("/metrics").await.expect(200);
    }
}

#[tokio::test]
async fn an_instance_with_the_name_of_a_service_receives_no_requests() {
    let mut shop = Shop::up(&["--empty"]).await;
    let folder = shop.folder.path().join("config");
    std::fs::write(folder.join("application.yml"), "registration:\n  fetch-interval-seconds: 1\n").unwrap();
    assert_eq!(shop.interrupt().await, Some(0));
    shop.restart().await;
    let discovery = Client::new(format!("http://127.0.0.1:{}", shop.port + 681));
    let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = elsewhere.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while elsewhere.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    // The second is registered after the first, so a client that knows the second knows the first.
    for name in ["auth", "invoices"] {
        let instance = json!({"instance": {
            "instanceId": format!("elsewhere:{name}:{port}"), "hostName": "127.0.0.1", "ipAddr": "127.0.0.1",
            "app": name, "vipAddress": name, "port": {"$": port, "@enabled": "true"}, "status": "UP",
            "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"},
        }});
        discovery.post(&format!("/eureka/apps/{name}"), instance).await.expect(204);
    }
    let management = Client::new(format!("http://127.0.0.1:{}", shop.port - 1));
    eventually("the shop knows both", || async {
        management.get("/metrics").await.expect(200).text.contains("target=\"invoices\"")
    })
    .await;
    for _ in 0..20 {
        shop.admin_token().await;
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0, "the instance with auth's name received a request");
}

#[tokio::test]
async fn the_folders_files_win_their_secrets_are_decrypted_and_changes_are_applied() {
    let mut shop = Shop::up(&["--empty"]).await;
    let config = Client::new(format!("http://127.0.0.1:{}", shop.port + 808));
    let secret = config.with_header("content-type", "text/plain");
    let cipher = secret.send(reqwest::Method::POST, "/encrypt", Some("Grocer's".to_owned())).await.expect(200).text;
    let folder = shop.folder.path().join("config");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("application.yml"), format!("shop:\n  name: '{{cipher}}{cipher}'\n")).unwrap();
    std::fs::write(folder.join("cart.yml"), "cart:\n  active-ttl-hours: 7\n").unwrap();
    let product = shop.product("Kettle", 5).await;
    config.post("/monitor", json!({"path": ["application.yml", "cart.yml"]})).await.expect(200);
    eventually("it is applied", || async { shop.log().contains("runs with the changed configuration") }).await;
    eventually("the cart uses it", || async { item_lifetime_hours(&shop, product, &crate::shopper::key()).await == 7 })
        .await;
    let log = shop.log();
    assert!(log.contains("cart.active-ttl-hours") && log.contains("shop.name"), "{log}");
    assert!(!log.contains("Grocer"), "a value is in the log");

    // The next start reads the same, and a malformed file is named.
    assert_eq!(shop.interrupt().await, Some(0));
    shop.restart().await;
    assert_eq!(item_lifetime_hours(&shop, product, "ada").await, 7);
    let (code, shown, error) = shop.command(&["config", "show", "cart"]).await;
    assert_eq!(code, 0, "{error}");
    let line = shown.lines().find(|line| line.contains("cart.active-ttl-hours")).unwrap();
    assert!(line.contains('7') && line.contains("cart.yml"), "{line}");
    assert_eq!(shop.interrupt().await, Some(0));
    std::fs::write(folder.join("order.yml"), "order:\n  pay-within-seconds: [1\n").unwrap();
    let (code, _, error) = shop.command(&["audit"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("order.yml"), "{error}");
}

#[tokio::test]
async fn the_repositorys_own_configuration_is_valid_for_every_service_in_each_profile() {
    souk_kit::install_crypto();
    let (folder, port) = (tempfile::tempdir().unwrap(), port_for("config-server"));
    let _server = tokio::process::Command::new(BINARY)
        .args(["serve", "config-server", "--port", &port.to_string()])
        .env("SOUK_SERVE__HOST", "127.0.0.1")
        .env("SOUK_CONFIG_SERVER__NATIVE__SEARCH_LOCATIONS", concat!(env!("CARGO_MANIFEST_DIR"), "/../config-repo"))
        .env("SOUK_CONFIG_SERVER__ENCRYPT__KEY", "souk-example-key")
        .current_dir(folder.path())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let server = Client::new(format!("http://127.0.0.1:{port}"));
    eventually("it answers", || async {
        let response = server.try_send(reqwest::Method::GET, "/health/ready", None).await;
        response.is_ok_and(|response| response.status == 200)
    })
    .await;
    let services = ["auth", "product", "order", "cart", "payment", "notification", "gateway"];
    for (profile, service) in ["local", "prod"].into_iter().flat_map(|profile| services.map(|name| (profile, name))) {
        let shown = tokio::process::Command::new(BINARY)
            .args(["config", "show", service, "--distributed", "--profile", profile, "--json"])
            .env("SOUK_CONFIG_URL", format!("http://127.0.0.1:{port}"))
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.status.success(), "{service} {profile}: {text}{}", String::from_utf8_lossy(&shown.stderr));
        assert!(!text.contains("example-") && !text.contains("{cipher}"), "a secret is shown: {text}");
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["mistakes"], json!([]), "{service} {profile}");
    }
}
