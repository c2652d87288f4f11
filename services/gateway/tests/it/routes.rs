//! The predicates and filters of configured routes, and what operators see and change of them.

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::any,
};
use serde_json::{Value, json};
use souk_gateway::{GatewayConfig, RouteConfig, RouteMetadata};

use crate::rig::Rig;

fn route(id: &str, service: &str, predicates: &[&str], filters: &[&str]) -> RouteConfig {
    RouteConfig {
        id: id.to_owned(),
        uri: format!("lb://{service}"),
        predicates: predicates.iter().map(|text| (*text).into()).collect(),
        filters: filters.iter().map(|text| (*text).into()).collect(),
        metadata: RouteMetadata { public: vec!["* /**".to_owned()], ..RouteMetadata::default() },
        ..RouteConfig::default()
    }
}

/// Starts a service that returns what it receives.
async fn echo(rig: &Rig, name: &'static str) {
    let answer = move |headers: HeaderMap, request: Request| async move {
        let value = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let seen = json!({"service": name, "path": request.uri().to_string(), "host": value("host"),
            "tag": value("x-tag"), "cookie": value("cookie"), "method": request.method().as_str()});
        ([("x-powered-by", "echo")], Json(seen))
    };
    rig.world.fake_peer(name, Router::new().fallback(any(answer))).await;
}

async fn start(routes: Vec<RouteConfig>) -> Rig {
    let config = GatewayConfig {
        routes,
        default_filters: vec!["AddResponseHeader=X-Gateway,souk".into()],
        ..GatewayConfig::default()
    };
    let rig = Rig::with(config).await;
    echo(&rig, "order").await;
    echo(&rig, "product").await;
    rig
}

#[tokio::test]
async fn routes_are_chosen_by_host_header_and_query() {
    let rig = start(vec![
        route("beta", "product", &["Path=/x/**", "Header=X-Beta,on"], &[]),
        route("query", "product", &["Path=/x/**", "Query=beta"], &[]),
        route("host", "product", &["Host=beta.**"], &[]),
        route("rest", "order", &["Path=/x/**"], &[]),
    ])
    .await;
    let service = async |request: &str| {
        let answer = rig.raw(&format!("{request}\r\nConnection: close\r\n\r\n")).await;
        let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        body["service"].as_str().unwrap().to_owned()
    };
    assert_eq!(service("GET /x/1 HTTP/1.1\r\nHost: shop").await, "order");
    assert_eq!(service("GET /x/1 HTTP/1.1\r\nHost: shop\r\nX-Beta: on").await, "product");
    assert_eq!(service("GET /x/1 HTTP/1.1\r\nHost: shop\r\nX-Beta: off").await, "order");
    assert_eq!(service("GET /x/1?beta HTTP/1.1\r\nHost: shop").await, "product");
    assert_eq!(service("GET /anything HTTP/1.1\r\nHost: beta.shop:80").await, "product");
    assert_eq!(service("GET http://beta.shop/anything HTTP/1.1\r\nHost: shop").await, "product");
}

#[tokio::test]
async fn filters_change_the_request_and_the_response() {
    let rig = start(vec![
        route(
            "changed",
            "order",
            &["Path=/shops/{shop}/orders"],
            &[
                "SetPath=/orders",
                "AddRequestParameter=shop,{shop}",
                "SetRequestHeader=X-Tag,{shop}",
                "RemoveRequestHeader=Cookie",
                "PreserveHostHeader",
                "RemoveResponseHeader=X-Powered-By",
                "SetStatus=202",
            ],
        ),
        route("moved", "order", &["Path=/old"], &["RedirectTo=301,https://shop.example/new"]),
        route("small", "order", &["Path=/small"], &["RequestHeaderSize=100"]),
    ])
    .await;
    let answer = rig
        .raw(
            "GET /shops/7/orders?a=1 HTTP/1.1\r\nHost: shop.example\r\nCookie: a=b\r\nX-Tag: forged\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    assert!(answer.contains("x-gateway: souk\r\n") && !answer.contains("x-powered-by"), "{answer}");
    let seen: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(
        (&seen["path"], &seen["tag"], &seen["host"], &seen["cookie"]),
        (&json!("/orders?a=1&shop=7"), &json!("7"), &json!("shop.example"), &Value::Null)
    );
    let moved = rig.raw("GET /old HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(moved.starts_with("HTTP/1.1 301 ") && moved.contains("location: https://shop.example/new\r\n"), "{moved}");
    let head = |size: usize| {
        format!("GET /small HTTP/1.1\r\nHost: a\r\nX-A: {}\r\nConnection: close\r\n\r\n", "x".repeat(size))
    };
    assert!(rig.raw(&head(97)).await.starts_with("HTTP/1.1 200 "));
    crate::rig::is_rejected(&rig.raw(&head(98)).await, 431, "gateway.headers_too_large");
}

#[tokio::test]
async fn a_fallback_answers_for_a_target_that_fails() {
    let listed = json!({"name": "CircuitBreaker", "args":
        {"name": "reviews", "fallbackUri": "forward:/instead?of=it", "statusCodes": [503]}});
    let mut guarded = route("guarded", "reviews", &["Path=/reviews/**"], &[]);
    guarded.filters = vec![serde_json::from_value(listed).unwrap()];
    let own = route("own", "nowhere", &["Path=/own"], &["CircuitBreaker=own,forward:/health/live"]);
    let counted = route("counted", "reviews", &["Path=/counted"], &["CircuitBreaker=counted,,500"]);
    let instead = route("instead", "product", &["Path=/instead"], &[]);
    let rig = start(vec![guarded, own, counted, instead]).await;
    let fell_back = async || {
        let answer = rig.client.post("/reviews/1", json!({"stars": 5})).await.expect(200).json;
        assert_eq!((&answer["service"], &answer["path"]), (&json!("product"), &json!("/instead?of=it")), "{answer}");
        assert_eq!(answer["method"], "POST");
    };
    fell_back().await;
    let fail = |status: StatusCode| Router::new().fallback(any(async move || (status, "no").into_response()));
    rig.world.fake_peer("reviews", fail(StatusCode::SERVICE_UNAVAILABLE)).await;
    for _ in 0..12 {
        fell_back().await;
    }
    rig.client.get("/own").await.expect(200);
    rig.world.fake_peer("reviews", fail(StatusCode::INTERNAL_SERVER_ERROR)).await;
    for _ in 0..10 {
        assert_eq!(rig.client.get("/counted").await.status, 500, "without a fallback it is passed on");
    }
    rig.client.get("/counted").await.is_problem(503, "gateway.circuit_open");
    let breakers = rig.management.get("/actuator/circuitbreakers").await.expect(200).json;
    assert_eq!(breakers["circuitBreakers"]["reviews"]["state"], "OPEN");
    assert_eq!(breakers["circuitBreakers"]["own"]["failedCalls"], 0, "no instance is not a failure of one");
}

#[tokio::test]
async fn operators_read_the_routes_and_the_events_of_breakers_and_force_their_states() {
    let rig = start(vec![
        RouteConfig { order: 2, ..route("rest", "order", &["Path=/**", "Method=GET"], &["StripPrefix=0"]) },
        route("first", "product", &["Path=/first"], &[]),
    ])
    .await;
    let routes = rig.management.get("/actuator/gateway/routes").await.expect(200).json;
    assert_eq!((&routes[0]["route_id"], &routes[1]["route_id"]), (&json!("first"), &json!("rest")));
    assert_eq!(routes[1]["predicate"], "Path=/** && Method=GET");
    assert_eq!(routes[1]["filters"], json!(["[[StripPrefix=0], order = 1]"]));
    assert_eq!(rig.management.get("/actuator/gateway/routes/first").await.expect(200).json, routes[0]);
    rig.management.get("/actuator/gateway/routes/none").await.is_problem(404, "gateway.route_not_found");
    let definitions = rig.management.get("/actuator/gateway/routedefinitions").await.expect(200).json;
    assert_eq!(definitions[0]["predicates"][0], json!({"name": "Path", "args": {"_genkey_0": "/**"}}));
    assert!(rig.management.get("/actuator/gateway/routefilters").await.expect(200).json.get("SetPath").is_some());
    assert!(rig.management.get("/actuator/gateway/routepredicates").await.expect(200).json.get("Host").is_some());
    let public = rig.client.get("/actuator/gateway/routes").await.expect(200).json;
    assert_eq!(public["service"], "order", "on the public port it is a path like others");

    let update = async |name: &str, state: &str| {
        rig.management.post(&format!("/actuator/circuitbreakers/{name}"), json!({"updateState": state})).await
    };
    let forced = update("product", "FORCE_OPEN").await.expect(200).json;
    assert_eq!((&forced["circuitBreakerName"], &forced["currentState"]), (&json!("product"), &json!("FORCED_OPEN")));
    rig.client.get("/first").await.is_problem(503, "gateway.circuit_open");
    update("product", "CLOSE").await.expect(200);
    rig.client.get("/first").await.expect(200);
    update("none", "CLOSE").await.is_problem(404, "gateway.route_not_found");
    update("product", "HALF_OPEN").await.is_problem(400, "body.invalid");
    let names = async |path: &str| -> Vec<String> {
        let events = rig.management.get(path).await.expect(200).json;
        let events = events["circuitBreakerEvents"].as_array().unwrap();
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    };
    let all = names("/actuator/circuitbreakerevents/product").await;
    assert_eq!(all, ["STATE_TRANSITION", "STATE_TRANSITION", "SUCCESS"]);
    assert_eq!(names("/actuator/circuitbreakerevents/product/success").await, ["SUCCESS"]);
    assert!(names("/actuator/circuitbreakerevents").await.len() > 3, "those of order too");
    let one = rig.management.get("/actuator/circuitbreakerevents/product/STATE_TRANSITION").await.expect(200).json;
    assert_eq!(one["circuitBreakerEvents"][0]["stateTransition"], "CLOSED_TO_FORCED_OPEN");
}
