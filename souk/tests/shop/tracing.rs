//! The trace of one order, as a collector receives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use prost::Message;
use souk_kit::trace_export::messages::{AnyValueKind, ExportTraceServiceRequest, ExportedSpan};
use souk_testkit::eventually;
use tokio::net::TcpListener;

use crate::{Shop, Shopper};

/// The span of a browser, which the shop does not export.
const CLICK: &str = "00f067aa0ba902b7";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Spans with the names of their services.
type Spans = Arc<Mutex<Vec<(String, ExportedSpan)>>>;

/// Starts a collector. Returns its URL and what it receives.
async fn collector() -> (String, Spans) {
    let spans = Spans::default();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let routes = Router::new().route("/v1/traces", post(receive)).with_state(spans.clone());
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, spans)
}

async fn receive(State(spans): State<Spans>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let name = attributes.into_iter().find(|attribute| attribute.key == "service.name").unwrap();
        let Some(AnyValueKind::Text(name)) = name.value.unwrap().value else { panic!("a name is a text") };
        let of_scopes = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.lock().unwrap().extend(of_scopes.map(|span| (name.clone(), span)));
    }
}

/// Returns the spans of the trace, by id.
fn trace(spans: &Spans) -> BTreeMap<String, (String, ExportedSpan)> {
    let all = spans.lock().unwrap();
    let of_trace = all.iter().filter(|(_, span)| hex::encode(&span.trace_id) == TRACE);
    of_trace.map(|(service, span)| (hex::encode(&span.span_id), (service.clone(), span.clone()))).collect()
}

#[tokio::test]
async fn one_trace_has_an_order_from_the_click_to_the_mail() {
    let (url, spans) = collector().await;
    let shop = Shop::with_variable("SOUK_TELEMETRY__OTLP_URL", url).await;
    let kettle = shop.product("Kettle", 5).await;
    let mut ada = Shopper::register(&shop, "ada").await;
    ada.put_into_cart(kettle, 2).await;
    // The flags say that it is not sampled: the gateway decides that itself.
    ada.client = ada.client.with_header("traceparent", format!("00-{TRACE}-{CLICK}-00"));
    let order = ada.order_cart("prepaid").await;
    assert_eq!(order["status"], "confirmed");
    ada.pay(&order, "tok_visa").await.expect(201);
    ada.wait_for_status(&order, "paid").await;

    let has = |service: &str, name: &str| trace(&spans).values().any(|(of, span)| of == service && span.name == name);
    for (service, name) in [
        ("gateway", "POST order"),
        ("order", "POST /orders"),
        ("cart", "GET /internal/carts/{userId}/lines"),
        ("product", "POST /internal/products/quote"),
        ("product", "process order.created.v1"),
        ("order", "process stock.reserved.v1"),
        ("payment", "process order.confirmed.v1"),
        ("payment", "POST /payments"),
        ("order", "process payment.succeeded.v1"),
        ("product", "process order.paid.v1"),
        ("cart", "process order.paid.v1"),
        ("notification", "process order.paid.v1"),
    ] {
        let spans_so_far =
            || trace(&spans).values().map(|(of, span)| format!("{of}: {}", span.name)).collect::<BTreeSet<_>>();
        let seen = tokio::time::timeout(std::time::Duration::from_secs(20), async {
            while !has(service, name) {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        });
        assert!(seen.await.is_ok(), "{service} has no span '{name}' in {:#?}", spans_so_far());
    }

    // Each span is caused by another of the trace, or by the click.
    eventually("all causes are exported", || async {
        let trace = trace(&spans);
        trace.values().all(|(_, span)| {
            let parent = hex::encode(&span.parent_span_id);
            parent == CLICK || trace.contains_key(&parent)
        })
    })
    .await;
    let trace = trace(&spans);
    let causes = |service: &str, name: &str| -> Vec<String> {
        let mut span = &trace.values().find(|(of, span)| of == service && span.name == name).unwrap().1;
        let mut services = vec![service.to_owned()];
        while let Some((cause, parent)) = trace.get(&hex::encode(&span.parent_span_id)) {
            services.push(cause.clone());
            span = parent;
        }
        services
    };
    assert_eq!(causes("product", "process order.created.v1"), ["product", "order", "gateway"]);
    assert_eq!(causes("order", "process stock.reserved.v1"), ["order", "product", "order", "gateway"]);
    assert_eq!(
        causes("notification", "process order.paid.v1"),
        ["notification", "order", "payment", "gateway"],
        "the mail is caused by the payment"
    );
    for (_, span) in trace.values() {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano && span.start_time_unix_nano > 0);
    }
    shop.assert_clean().await;
}
