//! Running the shop: start, stop, import, and the operator's commands.

use std::time::Duration;

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::Shop;

#[tokio::test]
async fn a_new_shop_has_a_catalogue_documents_and_pictures() {
    let shop = Shop::up(&[]).await;
    let list = shop.client.get("/products?size=100").await.expect(200).json;
    assert_eq!(list["total"], 268);
    assert_eq!(shop.client.get("/products?groups=false").await.expect(200).json["total"], 296);
    let facts = shop.client.get("/shop").await.expect(200);
    assert_eq!((&facts.json["currency"], &facts.json["paymentProvider"]), (&"EUR".into(), &"sandbox".into()));
    assert_eq!((&facts.json["testClock"], &facts.json["sendsMail"]), (&false.into(), &false.into()));
    assert_eq!(facts.json["testCards"][0]["token"], "tok_visa");
    let categories = shop.client.get("/categories").await.expect(200).json;
    assert!(categories["items"].as_array().unwrap().len() >= 12);
    let product = &list["items"][0];
    let slug = product["slug"].as_str().unwrap();
    assert_eq!(
        shop.client.get(&format!("/products/by-slug/{slug}")).await.expect(200).json["productId"],
        product["productId"]
    );
    let root = souk_testkit::Client::new(format!("http://127.0.0.1:{}", shop.port));
    let picture = root.get(product["imageUrl"].as_str().unwrap()).await.expect(200);
    assert_eq!(picture.header("content-type"), "image/svg+xml");
    assert!(shop.client.get("/products?q=kettle").await.expect(200).json["total"].as_u64().unwrap() >= 1);
    assert!(root.get("/docs/").await.expect(200).text.contains("swagger"));
    shop.client.get("/openapi/gateway.json").await.expect(200);
    for service in ["auth", "product", "order", "cart", "payment", "notification"] {
        let document = shop.client.get(&format!("/openapi/{service}.json")).await.expect(200).json;
        assert_eq!(document["servers"][0]["url"], "/api", "{service}");
        assert!(!document["paths"].as_object().unwrap().keys().any(|path| path.starts_with("/internal")));
    }
    // The audit holds after the catalogue was loaded.
    let (code, report, _) = shop.command(&["audit", "--json"]).await;
    assert_eq!(code, 0, "{report}");
    shop.client.post("/test-clock", json!({"advanceSeconds": 1})).await.expect(404);
}

#[tokio::test]
async fn an_admin_sees_every_service_its_instances_and_its_breakers() {
    let shop = Shop::up(&["--empty"]).await;
    let admin = shop.admin().await;
    // Registers in the background.
    eventually("all services are registered", || async {
        let list = admin.get("/admin/services").await.expect(200).json;
        let names = ["auth", "product", "order", "cart", "payment", "notification", "gateway", "config-server"];
        let services = list["items"].as_array().unwrap();
        let is_up = |name: &&str| {
            let instances =
                services.iter().find(|service| service["name"] == *name).map(|service| &service["instances"]);
            instances.is_some_and(|instances| instances[0]["status"] == "UP")
        };
        list["registry"] == "UP" && names.iter().all(is_up)
    })
    .await;
    let list = admin.get("/admin/breakers").await.expect(200).json;
    assert_eq!(list["missing"], json!([]));
    let breakers: Vec<String> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {}", item["service"].as_str().unwrap(), item["name"].as_str().unwrap()))
        .collect();
    // All services of the process share one verifier.
    assert_eq!(breakers.iter().filter(|breaker| *breaker == "verifier auth").count(), 1, "{breakers:?}");
    for expected in [
        "gateway order",
        "order product",
        "order cart",
        "order payment",
        "cart product",
        "payment sandbox",
        "product pictures",
    ] {
        assert!(breakers.contains(&expected.to_owned()), "{expected} is not among {breakers:?}");
    }
}

#[tokio::test]
async fn a_picture_is_uploaded_and_seen_through_the_gateway() {
    let shop = Shop::up(&["--empty"]).await;
    let kettle = shop.product("Kettle", 3).await;
    let url = upload_picture(&shop, kettle).await;
    let root = souk_testkit::Client::new(format!("http://127.0.0.1:{}", shop.port));
    let picture = root.get(&url).await.expect(200);
    assert!(picture.header("content-type").starts_with("image/"));
    assert!(picture.header("cache-control").contains("immutable"));
}

/// Uploads a picture of a product, and returns its path.
pub async fn upload_picture(shop: &Shop, kettle: i64) -> String {
    let token = shop.admin_token().await;
    let product = shop.client.get(&format!("/products/{kettle}")).await.expect(200);
    // The smallest PNG there is: one grey dot.
    let png: &[u8] = &[
        137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13, 73, 72, 68, 82, 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0, 58, 126,
        155, 85, 0, 0, 0, 10, 73, 68, 65, 84, 120, 156, 99, 104, 0, 0, 0, 130, 0, 129, 119, 205, 114, 182, 0, 0, 0, 0,
        73, 69, 78, 68, 174, 66, 96, 130,
    ];
    let uploaded = reqwest::Client::new()
        .post(format!("http://127.0.0.1:{}/api/products/{kettle}/picture", shop.port))
        .bearer_auth(token)
        .header("content-type", "image/png")
        .header("if-match", product.header("etag"))
        .body(png)
        .send()
        .await
        .unwrap();
    assert_eq!(uploaded.status(), 200, "{}", uploaded.text().await.unwrap());
    let product: Value = uploaded.json().await.unwrap();
    product["imageUrl"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_folder_one_shop_and_ctrl_c_stops_it() {
    let mut shop = Shop::up(&["--empty"]).await;
    shop.product("Kettle", 3).await;
    let (code, _, error) = shop.command(&["up", "--port", &(shop.port + 20).to_string()]).await;
    assert_eq!(code, 1);
    assert!(error.contains("in use by another souk"), "{error}");
    // An open stream does not keep it from stopping.
    let admin = shop.admin().await;
    let stream = tokio::spawn(async move { admin.get("/notifications/stream").await });
    tokio::task::yield_now().await;
    assert_eq!(shop.interrupt().await, Some(0));
    stream.abort();
    assert!(!shop.folder.path().join("run.json").exists());
    shop.assert_clean().await;
    shop.restart().await;
    assert_eq!(shop.client.get("/products").await.expect(200).json["total"], 1);
}

#[tokio::test]
async fn importing_into_a_running_and_a_stopped_shop() {
    let mut shop = Shop::up(&["--empty"]).await;
    let file = shop.folder.path().join("products.csv");
    let csv = "Handle,Title,Body (HTML),Vendor,Type,Published,Variant SKU,Variant Inventory Qty,Variant Price\n\
               kettle,Kettle,<p>Boils water.</p>,Ferrum,Cookware,true,K-1,5,19.90\n\
               lamp,Lamp,<p>Gives light.</p>,Lumen,Lighting,true,L-1,x,24.00\n";
    std::fs::write(&file, csv).unwrap();
    let path = file.display().to_string();
    let (code, report, error) = shop.command(&["import", &path]).await;
    assert_eq!(code, 1, "{error}");
    assert!(report.contains("1 new, 0 updated, 0 unchanged, 1 rejected"), "{report}");
    assert!(report.contains("line 3:"), "{report}");
    std::fs::write(&file, csv.replace(",x,", ",2,")).unwrap();
    shop.interrupt().await;
    let (code, report, error) = shop.command(&["import", &path]).await;
    assert_eq!(code, 0, "{error}");
    assert!(report.contains("1 new, 0 updated, 1 unchanged, 0 rejected"), "{report}");
    let exported = shop.folder.path().join("exported.csv");
    let exported_path = exported.display().to_string();
    let (code, _, error) = shop.command(&["export", &exported_path]).await;
    assert_eq!(code, 0, "{error}");
    let of_stopped = std::fs::read_to_string(&exported).unwrap();
    assert!(of_stopped.starts_with("Title,URL handle,") && of_stopped.contains("K-1"), "{of_stopped}");
    shop.restart().await;
    let (code, _, error) = shop.command(&["export", &exported_path]).await;
    assert_eq!(code, 0, "{error}");
    assert_eq!(std::fs::read_to_string(&exported).unwrap(), of_stopped);
    let (code, report, error) = shop.command(&["import", &exported_path]).await;
    assert_eq!(code, 0, "{error}");
    assert!(report.contains("0 new, 0 updated, 2 unchanged, 0 rejected"), "{report}");
    assert_eq!(shop.client.get("/products").await.expect(200).json["total"], 2);
    let (code, _, error) = shop.command(&["import", "/no/such/file.csv"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("/no/such/file.csv"), "{error}");
}

#[tokio::test]
async fn operators_commands_report_the_problem() {
    let shop = Shop::up(&["--empty"]).await;
    let (code, list, _) = shop.command(&["dead-letters", "list"]).await;
    assert_eq!((code, list.trim()), (0, "No dead letters."));
    let unknown = "0194bd5b-6a00-7000-8000-000000000001";
    for act in ["show", "replay", "discard"] {
        let (code, _, error) = shop.command(&["dead-letters", act, unknown]).await;
        assert_eq!(code, 1);
        assert!(error.contains("no dead letter"), "{error}");
    }
    let (code, _, _) = shop.command(&["no-such-command"]).await;
    assert_eq!(code, 2);
    let nowhere = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(["audit", "--data", &nowhere.path().display().to_string()])
        .output()
        .await
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no shop"));
    let document =
        tokio::process::Command::new(env!("CARGO_BIN_EXE_souk")).args(["openapi", "order"]).output().await.unwrap();
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert!(document["paths"]["/orders"]["post"].is_object());
}

#[tokio::test]
async fn a_reader_that_ends_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.csv");
    std::fs::write(&file, "Handle,Title,Variant Price\nkettle,Kettle,44.90\n").unwrap();
    let file = file.display().to_string();
    let shop = Shop::up(&["--empty"]).await;
    for arguments in [
        vec!["audit"],
        vec!["doctor"],
        vec!["dead-letters", "list"],
        vec!["config", "show", "order"],
        vec!["import", &file],
    ] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_souk"));
        command.args(&arguments).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        shop.choose(&mut command);
        let mut child = tokio::process::Command::from(command).spawn().unwrap();
        // As `| head -0` does.
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!error.contains("panicked") && output.status.code() == Some(0), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn every_mistake_of_a_configuration_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_souk"))
        .args(["up", "--port", "29990", "--data", &folder.path().display().to_string()])
        .env("SOUK_ORDER__COLOUR", "red")
        .env("SOUK_ORDER__PAY_WITHIN_SECONDS", "soon")
        .output();
    let output = tokio::time::timeout(Duration::from_secs(20), output).await.unwrap().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("order.colour") && error.contains("order.pay-within-seconds"), "{error}");
}

#[tokio::test]
async fn every_service_shows_its_series() {
    let shop = Shop::up(&["--empty"]).await;
    shop.product("Kettle", 3).await;
    let scrape = |offset: i32| {
        let port = i32::from(shop.port) + offset;
        async move { reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.unwrap().text().await.unwrap() }
    };
    for (offset, series) in
        [(1, "http_server_request_duration_seconds"), (2, "outbox_pending"), (3, "outbox_pending"), (4, "carts_active")]
    {
        eventually("the series is there", || async { scrape(offset).await.contains(series) }).await;
        assert!(scrape(offset).await.contains("process_resident_memory_bytes"));
    }
    let all = scrape(-1).await;
    for service in ["auth", "product", "order", "cart", "payment", "notification"] {
        assert!(all.contains(&format!("service=\"{service}\"")), "{service}");
    }
}

#[tokio::test]
async fn a_first_start_that_fails_does_not_lose_the_admins_password() {
    let folder = tempfile::tempdir().unwrap();
    let templates = tempfile::tempdir().unwrap();
    std::fs::write(templates.path().join("welcome.txt"), "{% broken").unwrap();
    let port = crate::process::ports_of_a_shop();
    let up = |templates: &str| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_souk"));
        command
            .args(["up", "--empty", "--port", &port.to_string(), "--data", &folder.path().display().to_string()])
            .env("SOUK_NOTIFICATION__TEMPLATES_DIR", templates)
            .kill_on_drop(true)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        command
    };
    let failed = up(&templates.path().display().to_string()).output().await.unwrap();
    assert_eq!(failed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&failed.stderr).contains("welcome"), "{failed:?}");

    let running = up("").spawn().unwrap();
    let client = souk_testkit::Client::new(format!("http://127.0.0.1:{port}/api"));
    eventually("the shop is ready", || async {
        client.try_send(reqwest::Method::GET, "/health/ready", None).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    let pid = running.id().unwrap().to_string();
    assert!(tokio::process::Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let output = running.wait_with_output().await.unwrap().stdout;
    let output = String::from_utf8_lossy(&output).into_owned();
    assert!(output.contains("admin@souk.local   password "), "{output}");

    let mut again = up("").spawn().unwrap();
    eventually("the shop is ready", || async {
        client.try_send(reqwest::Method::GET, "/health/ready", None).await.is_ok_and(|answer| answer.status == 200)
    })
    .await;
    let password = output.split("password ").nth(1).unwrap().split_whitespace().next().unwrap();
    client.post("/auth/login", json!({"email": "admin@souk.local", "password": password})).await.expect(200);
    again.kill().await.unwrap();
    let output = again.wait_with_output().await.unwrap().stdout;
    assert!(!String::from_utf8_lossy(&output).contains("password "), "it is shown once");
}
