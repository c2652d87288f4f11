//! Registration, and queries of the registry.

use serde_json::{Value, json};

use crate::{
    EurekaClient,
    Language::{JavaScript, Python},
    ServerProcess, entry, needs_clients,
};

#[tokio::test]
async fn each_client_registers_and_sees_the_other() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    let mut script = EurekaClient::start(JavaScript, &server, entry("basket")).await;
    for client in [&mut python, &mut script] {
        for app in ["orders", "basket"] {
            let seen = client.wait_for(app, &["UP"]).await.remove(0);
            assert_eq!(seen["id"], format!("{app}.example:{app}:9001"), "{seen:#}");
            assert_eq!(seen["app"], app.to_uppercase());
            assert_eq!(seen["host"], format!("{app}.example"));
            assert_eq!((&seen["ip"], &seen["port"]), (&json!("127.0.0.1"), &json!(9001)));
            assert_eq!((&seen["vip"], &seen["secureVip"]), (&json!(app), &json!(format!("{app}-secure"))));
            assert_eq!(seen["homePage"], format!("http://{app}.example:9001/"));
            assert_eq!(seen["metadata"]["team"], "checkout");
            assert_eq!(seen["dataCenter"], "MyOwn");
            assert_eq!((&seen["overridden"], &seen["duration"]), (&json!("UNKNOWN"), &json!(90)));
            assert!(seen["registered"].as_i64().unwrap() > 1_700_000_000_000, "{seen:#}");
        }
        // Metadata that the Python client adds itself.
        assert_eq!(client.instances("orders").await[0]["metadata"]["management.port"], "9001");
    }
    // JavaScript registers with a boolean; each client reads the string that the server returns in its own way.
    assert_eq!(python.instances("basket").await[0]["portEnabled"], true);
    assert_eq!(script.instances("basket").await[0]["portEnabled"], "true");
    // The Python client chooses an instance to call.
    let url = python.script.call("chosen", json!({"app": "basket", "path": "/lines"})).await;
    assert_eq!(url, "http://basket.example:9001/lines");
    assert_eq!(python.errors().await, [""; 0]);
}

#[tokio::test]
async fn both_prefixes_serve_both_clients() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    // Without a path the Python client uses /eureka; a path in the URL is used as it is.
    let mut python = EurekaClient::with_servers(Python, &[server.url("")], entry("orders")).await;
    let mut older = EurekaClient::with_servers(Python, &[server.url("/eureka/v2/")], entry("prices")).await;
    let mut script = EurekaClient::with_servers(JavaScript, &[server.url("/eureka/v2")], entry("basket")).await;
    for client in [&mut python, &mut older, &mut script] {
        for app in ["orders", "prices", "basket"] {
            client.wait_for(app, &["UP"]).await;
        }
    }
    assert_eq!(python.requests("POST /eureka/apps/ORDERS").await, 1);
    assert_eq!(older.requests("POST /eureka/v2/apps/PRICES").await, 1);
    assert_eq!(script.requests("POST /eureka/v2/apps/basket").await, 1);
}

#[tokio::test]
async fn instances_are_found_by_virtual_address() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut books = entry("books");
    books["vip"] = json!("books,books-eu");
    let mut python = EurekaClient::start(Python, &server, books).await;
    let mut script = EurekaClient::start(JavaScript, &server, entry("basket")).await;
    let base = server.url("/eureka");

    for (act, vip, found) in [
        ("vip", "books", "BOOKS"),
        ("vip", "books-eu", "BOOKS"),
        ("vip", "basket", "BASKET"),
        ("secure_vip", "books-eu-secure", "BOOKS"),
        ("secure_vip", "basket-secure", "BASKET"),
    ] {
        let answer = python.script.call(act, json!({"url": base, "vip": vip})).await;
        assert_eq!(answer.as_array().unwrap().len(), 1, "{act} {vip}: {answer:#}");
        assert_eq!(answer[0]["app"], found, "{act} {vip}");
    }
    for act in ["vip", "secure_vip"] {
        assert_eq!(python.script.call(act, json!({"url": base, "vip": "nobody"})).await, json!([]), "{act}");
    }
    script.wait_for("books", &["UP"]).await;
    for (vip, count) in [("books", 1), ("books-eu", 1), ("basket", 1), ("nobody", 0)] {
        let found = script.script.call("seen_by_vip", json!({"vip": vip})).await;
        assert_eq!(found.as_array().unwrap().len(), count, "{vip}: {found:#}");
    }
}

#[tokio::test]
async fn one_application_and_one_instance_can_be_queried() {
    if !needs_clients() {
        return;
    }
    let server = ServerProcess::discovery(&[]).await;
    let mut python = EurekaClient::start(Python, &server, entry("orders")).await;
    let script = EurekaClient::start(JavaScript, &server, entry("basket")).await;
    let base = server.url("/eureka");
    let id = "basket.example:basket:9001";

    let all = python.script.call("applications", json!({"url": base})).await;
    assert_eq!((&all["hash"], all["instances"].as_array().unwrap().len()), (&json!("UP_2_"), 2), "{all:#}");
    let application = python.script.call("application", json!({"url": base, "app": "basket"})).await;
    assert_eq!((&application["name"], &application["instances"][0]["id"]), (&json!("BASKET"), &json!(id)));
    for (act, args) in [
        ("app_instance", json!({"url": base, "app": "basket", "id": id})),
        ("instance", json!({"url": base, "id": id})),
    ] {
        assert_eq!(python.script.call(act, args).await["host"], "basket.example", "{act}");
    }
    script.stop().await;
    for (act, args) in [
        ("application", json!({"url": base, "app": "basket"})),
        ("app_instance", json!({"url": base, "app": "basket", "id": id})),
        ("instance", json!({"url": base, "id": id})),
        ("cancel", json!({"url": base, "app": "basket", "id": id})),
    ] {
        let error = python.script.try_call(act, args).await.unwrap_err();
        assert!(error.contains("404"), "{act}: {error}");
    }
}

#[tokio::test]
async fn credentials_are_required_where_they_are_configured() {
    if !needs_clients() {
        return;
    }
    let credentials = [("SOUK_DISCOVERY__SECURITY__USER", "shop"), ("SOUK_DISCOVERY__SECURITY__PASSWORD", "pass-word")];
    let server = ServerProcess::discovery(&credentials).await;
    let (right, wrong) = (server.url_of("shop:pass-word", "/eureka"), server.url_of("shop:password", "/eureka"));

    let mut python = EurekaClient::with_servers(Python, std::slice::from_ref(&right), entry("orders")).await;
    let mut script = EurekaClient::with_servers(JavaScript, &[right], entry("basket")).await;
    python.wait_for("basket", &["UP"]).await;
    script.wait_for("orders", &["UP"]).await;

    for url in [wrong, server.url("/eureka")] {
        // It starts nevertheless, and retries with each heartbeat.
        let mut python = EurekaClient::idle(Python);
        python.try_start(&url, entry("stranger")).await.unwrap();
        let errors = python.errors().await.join("\n");
        assert!(errors.contains("EUREKA_ERROR_REGISTER"), "{errors}");
        python.script.has_logged("401").await;
        let error = EurekaClient::idle(JavaScript).try_start(&url, entry("stranger")).await.unwrap_err();
        assert!(error.contains("401"), "{error}");
    }
    let seen = python.script.call("applications", json!({"url": server.url_of("shop:pass-word", "/eureka")})).await;
    let apps: Vec<&Value> = seen["instances"].as_array().unwrap().iter().map(|one| &one["app"]).collect();
    assert!(apps.len() == 2 && !apps.contains(&&json!("STRANGER")), "{apps:?}");
}
