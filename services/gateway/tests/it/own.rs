//! Requests that the gateway answers itself.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, Uri},
    response::IntoResponse,
    routing::get,
};
use serde_json::json;
use souk_gateway::{GatewayConfig, TestClock};
use souk_kit::{Problem, discovery::Registry};
use souk_testkit::World;
use souk_values::{Clock, Secret, Timestamp};

use crate::rig::Rig;

fn service(document: serde_json::Value, status: StatusCode) -> Router {
    Router::new()
        .route("/openapi.json", get(move || async { Json(document) }))
        .route("/health/ready", get(move || async move { status }))
}

#[tokio::test]
async fn the_dead_letters_of_all_services_are_read_from_one_that_answers() {
    let rig = Rig::new().await;
    let admin = rig.client.with_token(rig.world.admin());
    rig.client.get("/api/admin/dead-letters").await.is_problem(401, "auth.token_missing");
    rig.customer().get("/api/admin/dead-letters").await.is_problem(403, "auth.forbidden");
    admin.get("/api/admin/dead-letters").await.is_problem(503, "gateway.no_instance");
    let busy = || async {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "bus.unavailable", "The broker is away.").into_response()
    };
    rig.world.fake_peer("auth", Router::new().route("/admin/auth/dead-letters", get(busy))).await;
    admin.get("/api/admin/dead-letters").await.is_problem(503, "bus.unavailable");
    let list = |uri: Uri, headers: HeaderMap| async move {
        assert!(headers.contains_key("authorization"), "the service checks the admin's own token");
        Json(json!({"items": [], "page": 0, "size": 20, "total": 0, "query": uri.query()}))
    };
    rig.world.fake_peer("order", Router::new().route("/admin/order/dead-letters", get(list))).await;
    let listed = admin.get("/api/admin/dead-letters?page=2&size=5").await.expect(200).json;
    assert_eq!(listed["query"], "allServices=true&page=2&size=5");
    admin.get("/api/admin/dead-letters?size=0").await.is_problem(400, "query.invalid");
}

#[tokio::test]
async fn the_docs_list_every_service_with_its_paths_at_the_gateway() {
    let rig = Rig::new().await;
    let document = json!({"openapi": "3.1.0", "info": {"title": "order", "version": "1"}, "servers": [{"url": "/"}],
        "paths": {"/orders": {"get": {}}, "/internal/orders/{orderId}": {"get": {}}}});
    rig.world.fake_peer("order", service(document, StatusCode::OK)).await;
    let page = rig.client.get("/docs/").await.expect(200);
    assert!(page.text.contains("swagger-ui") && !page.text.contains("https://"), "{}", page.text);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    rig.client.get("/docs").await.expect(200);
    let listed = rig.client.get("/docs/swagger-initializer.js").await.expect(200).text;
    for name in ["order", "product", "gateway"] {
        assert!(listed.contains(&format!("/api/openapi/{name}.json")), "{listed}");
    }
    let document = rig.client.get("/api/openapi/order.json").await.expect(200).json;
    assert_eq!(document["servers"], json!([{"url": "/api"}]));
    assert_eq!(document["paths"], json!({"/orders": {"get": {}}}));
    let own = rig.client.get("/api/openapi/gateway.json").await.expect(200).json;
    assert!(own["paths"]["/api/test-clock"]["post"].is_object(), "{own}");
    rig.client.get("/api/openapi/product.json").await.is_problem(503, "gateway.document_unavailable");
    for name in ["nothing.json", "order", "order.yaml", ".json"] {
        rig.client.get(&format!("/api/openapi/{name}")).await.is_problem(404, "gateway.document_not_found");
    }
}

#[tokio::test]
async fn the_shop_is_ready_when_every_service_and_the_catalogue_are() {
    let rig = Rig::new().await;
    rig.shop_is_ready.send_replace(false);
    let none = json!({});
    rig.world.fake_peer("order", service(none.clone(), StatusCode::OK)).await;
    let status = |name: &str, answer: &serde_json::Value| {
        let services = answer["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == name).unwrap()["status"].clone()
    };
    let answer = rig.client.get("/api/health/ready").await.expect(503).json;
    assert_eq!((status("order", &answer), status("product", &answer)), (json!("UP"), json!("DOWN")));
    rig.world.fake_peer("product", service(none.clone(), StatusCode::SERVICE_UNAVAILABLE)).await;
    assert_eq!(status("product", &rig.client.get("/api/health/ready").await.expect(503).json), "DOWN");
    rig.world.fake_peer("product", service(none, StatusCode::OK)).await;
    let answer = rig.client.get("/api/health/ready").await.expect(503).json;
    assert_eq!((&answer["status"], &answer["catalogue"]), (&json!("DOWN"), &json!("DOWN")));
    rig.shop_is_ready.send_replace(true);
    assert_eq!(rig.client.get("/api/health/ready").await.expect(200).json["status"], "UP");
    let admin = rig.client.with_token(rig.world.admin());
    let services = admin.get("/api/admin/services").await.expect(200).json;
    assert_eq!((&services["total"], &services["items"][0]["name"]), (&json!(2), &json!("order")));
    assert_eq!((&services["registry"], &services["items"][0]["instances"]), (&json!("NONE"), &json!([])));
}

#[tokio::test]
async fn services_are_listed_with_the_instances_that_the_registry_has() {
    let world = World::new().await;
    let instance = |app: &str, id: &str, status: &str| {
        json!({"app": app, "instanceId": id, "hostName": "h", "ipAddr": "10.0.0.5", "status": status, "vipAddress": app,
            "port": {"$": 8083, "@enabled": "true"},
            "leaseInfo": {"registrationTimestamp": 1_750_000_000_000_i64, "lastRenewalTimestamp": 0}})
    };
    let apps = json!({"applications": {"versions__delta": "1", "apps__hashcode": "", "application": [
        {"name": "ORDER", "instance": [instance("ORDER", "b", "UP"), instance("ORDER", "a", "STARTING")]},
        {"name": "REPORTS", "instance": [instance("REPORTS", "r", "UP")]},
    ]}});
    let registry = Router::new().route("/eureka/apps/", get(move || async { Json(apps) }));
    let base = world.fake_peer("registry", registry).await;
    let registry = Registry::new(&Secret::new(format!("{base}/eureka")), world.clock.clone()).unwrap();
    let rig = Rig::within(world, GatewayConfig::default(), |extras| extras.registry = Some(registry)).await;
    let admin = rig.client.with_token(rig.world.admin());
    let list = admin.get("/api/admin/services").await.expect(200).json;
    assert_eq!((&list["registry"], &list["total"]), (&json!("UP"), &json!(3)));
    let [order, product, reports] = list["items"].as_array().unwrap().as_slice() else { panic!("{list}") };
    assert_eq!((&order["name"], &order["status"]), (&json!("order"), &json!("DOWN")));
    let a = json!({"instanceId": "a", "url": "http://10.0.0.5:8083", "status": "STARTING",
        "registeredAt": "2025-06-15T15:06:40.000Z", "renewedAt": null});
    assert_eq!((&order["instances"][0], &order["instances"][1]["status"]), (&a, &json!("UP")));
    assert_eq!(product["instances"], json!([]));
    assert_eq!((&reports["name"], &reports["status"]), (&json!("reports"), &json!(null)));
}

#[tokio::test]
async fn a_registry_that_is_away_does_not_hide_the_services() {
    let world = World::new().await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let registry = Registry::new(&Secret::new(format!("http://{closed}/eureka")), world.clock.clone()).unwrap();
    let rig = Rig::within(world, GatewayConfig::default(), |extras| extras.registry = Some(registry)).await;
    let list = rig.client.with_token(rig.world.admin()).get("/api/admin/services").await.expect(200).json;
    assert_eq!((&list["registry"], &list["total"]), (&json!("DOWN"), &json!(2)));
}

#[tokio::test]
async fn liveness_and_readiness_of_the_gateway_do_not_depend_on_the_services() {
    let rig = Rig::new().await;
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(rig.client.get(path).await.expect(200).json["status"], "UP");
        assert_eq!(rig.management.get(path).await.expect(200).json["status"], "UP");
    }
    assert_eq!(rig.management.get("/actuator/health").await.expect(200).json["status"], "UP");
    assert_eq!(rig.management.get("/info").await.expect(200).json["service"], "gateway");
}

#[tokio::test]
async fn operators_endpoints_are_not_on_the_public_port() {
    let rig = Rig::new().await;
    for path in ["/actuator/circuitbreakers", "/actuator/health", "/metrics", "/info", "/openapi.json"] {
        assert_ne!(rig.client.get(path).await.status, 200, "{path}");
    }
    rig.management.get("/api/products").await.is_problem(404, "gateway.route_not_found");
}

#[tokio::test]
async fn an_admin_moves_the_clock_of_a_shop_under_test() {
    let world = World::new().await;
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = {
        let kept = kept.clone();
        Arc::new(move |offset: Duration| {
            kept.lock().unwrap().push(offset.as_secs());
            Ok(())
        })
    };
    let clock = TestClock { clock: world.clock.clone(), keep };
    let rig = Rig::within(world, GatewayConfig::default(), |extras| extras.test_clock = Some(clock)).await;
    let admin = rig.client.with_token(rig.world.admin());
    let before = rig.world.clock.now();
    let answer = admin.post("/api/test-clock", json!({"advanceSeconds": 60})).await.expect(200).json;
    assert_eq!(answer["offsetSeconds"], 60);
    assert!(rig.world.clock.now().since(before) >= Duration::from_secs(60));
    assert_eq!(
        admin.post("/api/test-clock", json!({"advanceSeconds": 40})).await.expect(200).json["offsetSeconds"],
        100
    );
    assert_eq!(*kept.lock().unwrap(), [60, 100]);
    for (body, status, code) in [
        (json!({"advanceSeconds": 0}), 422, "body.not_allowed"),
        (json!({"advanceSeconds": 400_000_000_u64}), 422, "body.not_allowed"),
        (json!({"advanceSeconds": -1}), 400, "body.invalid"),
        (json!({"advanceSeconds": "1"}), 400, "body.invalid"),
        (json!({"advanceSeconds": 1, "x": 1}), 400, "body.invalid"),
        (json!({}), 400, "body.invalid"),
    ] {
        admin.post("/api/test-clock", body).await.is_problem(status, code);
    }
    rig.customer().post("/api/test-clock", json!({"advanceSeconds": 1})).await.is_problem(403, "auth.forbidden");
    rig.client.post("/api/test-clock", json!({"advanceSeconds": 1})).await.is_problem(401, "auth.token_missing");
    assert_eq!(*kept.lock().unwrap(), [60, 100], "a refused request moved the clock");
}

#[tokio::test]
async fn an_offset_that_cannot_be_stored_does_not_move_the_clock() {
    let world = World::new().await;
    let keep = Arc::new(|_: Duration| Err(std::io::Error::other("the disk is full")));
    let clock = TestClock { clock: world.clock.clone(), keep };
    let rig = Rig::within(world, GatewayConfig::default(), |extras| extras.test_clock = Some(clock)).await;
    let admin = rig.client.with_token(rig.world.admin());
    admin.post("/api/test-clock", json!({"advanceSeconds": 60})).await.is_problem(500, "internal");
    assert_eq!(*rig.world.clock.shifts().unwrap().borrow(), 0);
}

#[tokio::test]
async fn without_a_test_clock_its_route_does_not_exist() {
    let rig = Rig::new().await;
    let admin = rig.client.with_token(rig.world.admin());
    admin.post("/api/test-clock", json!({"advanceSeconds": 1})).await.is_problem(404, "gateway.route_not_found");
}

#[tokio::test]
async fn a_build_without_a_web_shop_serves_a_welcome_page() {
    let rig = Rig::new().await;
    let page = rig.client.get("/").await.expect(200);
    assert!(page.text.contains("Souk") && page.text.contains("/docs/") && page.text.contains("curl"));
    assert!(!page.text.contains("{{"), "{}", page.text);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for external in ["src=", "@import", "<link", "url("] {
        assert!(!page.text.contains(external), "{external}");
    }
    rig.client.get("/orders").await.is_problem(404, "gateway.route_not_found");
}

#[tokio::test]
async fn the_name_of_the_shop_is_escaped() {
    let mut world = World::new().await;
    world.deps.shop.name = "<script>alert(1)</script>".to_owned();
    let rig = Rig::within(world, GatewayConfig::default(), |_| {}).await;
    assert!(!rig.client.get("/").await.text.contains("<script"));
}

#[tokio::test]
async fn requests_are_measured_by_route() {
    let rig = Rig::new().await;
    rig.world.fake_peer("product", Router::new().route("/products/7", get(|| async { "hi" }))).await;
    rig.client.get("/api/products/7").await.expect(200);
    rig.client.get("/api/products/8").await.expect(404);
    let metrics = rig.management.get("/metrics").await.expect(200).text;
    for part in [
        "http_server_request_duration_seconds_count{service=\"gateway\",http_request_method=\"GET\",http_route=\"product\",http_response_status_code=\"200\"}",
        "spring_cloud_gateway_requests_seconds_count{service=\"gateway\",routeId=\"product\",routeUri=\"lb://product\",outcome=\"CLIENT_ERROR\",status=\"NOT_FOUND\",httpStatusCode=\"404\",httpMethod=\"GET\"}",
        "spring_cloud_gateway_routes_count{service=\"gateway\"}",
        "http_server_active_requests{service=\"gateway\"}",
        "resilience4j_circuitbreaker_state{service=\"gateway\",name=\"product\",state=\"closed\"} 1",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.contains(part), "{part} is not in\n{metrics}");
    }
    let of_timer = "spring_cloud_gateway_requests_seconds_bucket{service=\"gateway\",routeId=\"product\",routeUri=\"lb://product\",outcome=\"CLIENT_ERROR\",status=\"NOT_FOUND\",httpStatusCode=\"404\",httpMethod=\"GET\"";
    let found = metrics.lines().filter(|line| line.starts_with(of_timer));
    assert_eq!(found.count(), 2, "a timer has one bucket and the total:\n{metrics}");
}

#[tokio::test]
async fn visits_are_counted_in_a_funnel() {
    let rig = Rig::new().await;
    for visit in [
        json!({"page": "/", "source": "search"}),
        json!({"page": "/"}),
        json!({"page": "/products/kettle", "step": "product"}),
        json!({"page": "/cart", "step": "cart", "source": "ad"}),
    ] {
        rig.client.post("/api/visits", visit).await.expect(204);
    }
    for signal in ["sec-gpc", "dnt"] {
        let of = |value| rig.client.with_header(signal, value);
        of("1").post("/api/visits", json!({"page": "/", "source": "social"})).await.expect(204);
        of("0").post("/api/visits", json!({"page": "/checkout", "step": "checkout"})).await.expect(204);
    }
    for (body, status, code) in [
        (json!({"page": ""}), 422, "body.not_allowed"),
        (json!({"page": "x".repeat(501)}), 422, "body.not_allowed"),
        (json!({}), 400, "body.invalid"),
        (json!({"page": "/", "source": "my own series"}), 400, "body.invalid"),
        (json!({"page": "/", "step": "leap"}), 400, "body.invalid"),
        (json!({"page": "/", "who": "ada"}), 400, "body.invalid"),
    ] {
        rig.client.post("/api/visits", body).await.is_problem(status, code);
    }
    rig.client.get("/api/admin/funnel").await.is_problem(401, "auth.token_missing");
    rig.customer().get("/api/admin/funnel").await.is_problem(403, "auth.forbidden");
    let admin = rig.client.with_token(rig.world.admin());
    let funnel = admin.get("/api/admin/funnel?days=1").await.expect(200).json;
    let counts: Vec<u64> =
        funnel["steps"].as_array().unwrap().iter().map(|step| step["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [2, 1, 1, 2, 0]);
    assert_eq!(funnel["timeZone"], "UTC");
    assert_eq!(funnel["sources"], json!({"direct": 1, "search": 1}));
    for days in ["0", "91", "x"] {
        admin.get(&format!("/api/admin/funnel?days={days}")).await.is_problem(400, "query.invalid");
    }
    let metrics = rig.management.get("/metrics").await.expect(200).text;
    assert!(metrics.contains("storefront_visits_total{service=\"gateway\",source=\"search\"}"), "{metrics}");
    assert!(metrics.contains("funnel_steps_total{service=\"gateway\",step=\"cart\"}"));
}

#[tokio::test]
async fn the_funnel_counts_days_of_the_shops_time_zone() {
    let mut world = World::new().await;
    world.deps.shop.time_zone = "Asia/Kolkata".parse().unwrap();
    let rig = Rig::within(world, GatewayConfig::default(), |_| {}).await;
    // The clock of a test only goes forward. Midnight in Kolkata is at 18:30 in UTC.
    for time in ["2040-01-31T18:29:30Z", "2040-01-31T18:30:01Z"] {
        let time: Timestamp = time.parse().unwrap();
        rig.world.clock.advance(time.since(rig.world.clock.now()));
        rig.client.post("/api/visits", json!({"page": "/"})).await.expect(204);
    }
    let admin = rig.client.with_token(rig.world.admin());
    for (days, visits) in [(1, 1), (2, 2)] {
        let funnel = admin.get(&format!("/api/admin/funnel?days={days}")).await.expect(200).json;
        assert_eq!((&funnel["timeZone"], &funnel["steps"][0]["count"]), (&json!("Asia/Kolkata"), &json!(visits)));
    }
}

#[tokio::test]
async fn the_management_port_answers_no_web_page() {
    let rig = Rig::new().await;
    for (name, value) in [("origin", "https://evil.example"), ("host", "evil.example"), ("x-forwarded-for", "10.0.0.9")]
    {
        let page = rig.management.with_header(name, value);
        page.get("/metrics").await.is_problem(403, "request.not_local");
        page.get("/health/ready").await.expect(200);
    }
}

#[tokio::test]
async fn the_facts_of_the_shop_are_public_and_survive_a_service_that_is_away() {
    let mut world = World::new().await;
    world.deps.shop.name = "Grünkern".to_owned();
    let rig = Rig::within(world, GatewayConfig::default(), |_| {}).await;
    let alone = rig.client.get("/api/shop").await.expect(200);
    assert_eq!((&alone.json["name"], &alone.json["currency"]), (&json!("Grünkern"), &json!("EUR")));
    assert_eq!((&alone.json["paymentProvider"], &alone.json["sendsMail"]), (&json!(null), &json!(null)));
    assert_eq!((&alone.json["testCards"], &alone.json["testClock"]), (&json!([]), &json!(false)));
    assert_eq!(alone.header("cache-control"), "no-store");
    let info = |facts: serde_json::Value| {
        let info = json!({"service": "x", "version": "1", "facts": facts});
        Router::new().route("/info", get(move || async { Json(info) }))
    };
    let card = json!({"token": "tok_visa", "description": "Pays."});
    rig.world.fake_peer("payment", info(json!({"provider": "sandbox", "testCards": [card]}))).await;
    rig.world.fake_peer("notification", info(json!({"sendsMail": true}))).await;
    let whole = rig.client.get("/api/shop").await.expect(200);
    assert_eq!((&whole.json["paymentProvider"], &whole.json["testCards"]), (&json!("sandbox"), &json!([card])));
    assert_eq!((&whole.json["sendsMail"], whole.header("cache-control")), (&json!(true), "public, max-age=60"));
    assert_eq!((&whole.json["timeZone"], &whole.json["languages"]), (&json!("UTC"), &json!(["en", "de"])));
}
