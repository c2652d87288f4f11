//! The audit finds violations: each test corrupts one store of a stopped shop.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::eventually;
use souk_values::{Clock, SystemClock};

use crate::{Shop, Shopper, load::Load};

/// Returns a stopped shop with one paid order.
async fn stopped_shop() -> Shop {
    stopped_shop_and_payment().await.0
}

/// Returns a stopped shop with one paid order, and the id of its payment.
async fn stopped_shop_and_payment() -> (Shop, Value) {
    let mut shop = Shop::up(&["--empty"]).await;
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    let payment = ada.pay(&order, "tok_visa").await.expect(201).json["paymentId"].clone();
    ada.wait_for_status(&order, "paid").await;
    shop.assert_clean().await;
    shop.interrupt().await;
    shop.assert_clean().await;
    (shop, payment)
}

/// Runs `sql` directly on the store `name`.
pub async fn tamper(shop: &Shop, name: &str, sql: &'static str) {
    let db = Db::open(&shop.store_url(name), Access::ReadWrite).await.unwrap();
    db.write(sql, |tx, sql| {
        Box::pin(async move {
            use sea_orm::ConnectionTrait;
            tx.execute_unprepared(sql).await?;
            Ok::<_, SqlError>(())
        })
    })
    .await
    .unwrap();
}

/// Runs the audit and returns the numbers of the violated invariants.
async fn violated(shop: &Shop) -> Vec<u64> {
    let (code, report, error) = shop.command(&["audit", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
    let lines = report["invariants"].as_array().unwrap();
    let violated: Vec<u64> =
        lines.iter().filter(|line| line["violations"] != 0).map(|line| line["invariant"].as_u64().unwrap()).collect();
    assert_eq!(code, i32::from(!violated.is_empty()), "{report:#}");
    violated
}

#[tokio::test]
async fn stock_that_its_ledger_does_not_explain() {
    let shop = stopped_shop().await;
    tamper(&shop, "product", "UPDATE product SET stock = stock + 1").await;
    assert_eq!(violated(&shop).await, [1]);
}

#[tokio::test]
async fn a_paid_order_without_its_units() {
    let shop = stopped_shop().await;
    tamper(&shop, "product", "DELETE FROM reservation").await;
    assert_eq!(violated(&shop).await, [3, 5, 9]);
}

#[tokio::test]
async fn a_capture_that_no_payment_knows_and_one_that_no_order_knows() {
    let shop = stopped_shop().await;
    tamper(&shop, "sandbox", "UPDATE sandbox_charge SET amount_minor = amount_minor + 1").await;
    assert_eq!(violated(&shop).await, [2]);
    tamper(&shop, "sandbox", "UPDATE sandbox_charge SET amount_minor = amount_minor - 1").await;
    tamper(&shop, "order", "DELETE FROM order_step; DELETE FROM recipient_word; DELETE FROM shop_order").await;
    assert_eq!(violated(&shop).await, [4, 5]);
}

#[tokio::test]
async fn money_kept_for_a_cancelled_order_is_not_excused_by_an_unrelated_event() {
    let shop = stopped_shop().await;
    // An unrelated event waits in an outbox; it does not explain the order's missing units and money.
    tamper(
        &shop,
        "product",
        "INSERT INTO outbox_event (event_id, event_type, created_at, envelope) VALUES \
         ('0194bd5b-6a00-7000-8000-000000000001', 'product.changed.v1', 0, \
          '{\"specversion\":\"1.0\",\"id\":\"0194bd5b-6a00-7000-8000-000000000001\",\"type\":\"product.changed.v1\",\
            \"source\":\"/souk/product\",\"subject\":\"1\",\"time\":\"2026-01-01T00:00:00Z\",\
            \"datacontenttype\":\"application/json\",\"aggregateversion\":1,\"data\":{}}')",
    )
    .await;
    assert_eq!(violated(&shop).await, [0_u64; 0], "an event in progress is no violation");
    tamper(&shop, "order", "UPDATE shop_order SET status = 'cancelled', cancelled_at = 1").await;
    assert_eq!(violated(&shop).await, [3, 4, 5]);
}

#[tokio::test]
async fn a_store_that_cannot_be_opened() {
    let shop = stopped_shop().await;
    if souk_testkit::on_engines() {
        tamper(&shop, "payment", "DROP TABLE payment").await;
    } else {
        spoil_file(&shop);
    }
    let (code, _, error) = shop.command(&["audit"]).await;
    assert_eq!(code, 1);
    assert!(error.contains("payment"), "{error}");
}

fn spoil_file(shop: &Shop) {
    for rest in ["payment.db-wal", "payment.db-shm"] {
        // SQLite would repair the file from them.
        if let Err(error) = std::fs::remove_file(shop.folder.path().join(rest)) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        }
    }
    std::fs::write(shop.folder.path().join("payment.db"), "this is no database, however long one looks at it").unwrap();
}

/// Returns the invariants of the discrepancies in `list`, `violations` or `pending`, of a report.
async fn listed_as(shop: &Shop, list: &str) -> Vec<u64> {
    let (_, report, error) = shop.command(&["audit", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{report}{error}"));
    let mut listed: Vec<u64> =
        report[list].as_array().unwrap().iter().map(|one| one["invariant"].as_u64().unwrap()).collect();
    listed.sort_unstable();
    listed.dedup();
    listed
}

#[tokio::test]
async fn a_paid_order_without_a_capture_of_exactly_its_total() {
    let shop = stopped_shop().await;
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor + 1").await;
    assert_eq!(violated(&shop).await, [8]);
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor - 1").await;
    // The capture is gone from the books of both sides.
    tamper(&shop, "payment", "UPDATE payment SET status = 'failed', captured_at = NULL").await;
    tamper(&shop, "sandbox", "DELETE FROM sandbox_charge").await;
    assert_eq!(violated(&shop).await, [8]);
    tamper(&shop, "payment", "DELETE FROM payment").await;
    assert_eq!(violated(&shop).await, [8]);
}

#[tokio::test]
async fn a_cancelled_order_whose_units_never_came_back() {
    let mut shop = Shop::up(&["--empty"]).await;
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    ada.client.post(&format!("/orders/{}/cancel", order["orderId"]), json!({})).await.expect(200);
    shop.assert_clean().await;
    shop.interrupt().await;
    shop.assert_clean().await;
    // Stock and ledger agree with each other; only the reservation says that the units were given back.
    tamper(&shop, "product", "DELETE FROM stock_movement WHERE kind = 'release'").await;
    tamper(&shop, "product", "UPDATE product SET stock = stock - 2").await;
    assert_eq!(violated(&shop).await, [9]);
}

#[tokio::test]
async fn an_order_without_a_decision_and_a_payment_without_an_outcome() {
    let shop = stopped_shop().await;
    tamper(
        &shop,
        "payment",
        "UPDATE payment SET status = 'processing', captured_at = NULL, claimed_at = claimed_at - 400000",
    )
    .await;
    // The stopped shop will query the provider when it is started.
    assert_eq!(violated(&shop).await, [0_u64; 0]);
    assert_eq!(listed_as(&shop, "pending").await, [2, 8, 10]);
    tamper(&shop, "payment", "DELETE FROM payment").await;
    tamper(&shop, "sandbox", "DELETE FROM sandbox_charge").await;
    tamper(
        &shop,
        "order",
        "UPDATE shop_order SET status = 'created', confirmed_at = NULL, paid_at = NULL, payment_id = NULL, \
         order_date = order_date - 200000",
    )
    .await;
    assert_eq!(violated(&shop).await, [0_u64; 0], "an order may be undecided for under five minutes");
    tamper(&shop, "order", "UPDATE shop_order SET order_date = order_date - 200000").await;
    assert_eq!(violated(&shop).await, [10]);
}

#[tokio::test]
async fn a_capture_in_the_providers_books_without_a_payment() {
    let shop = stopped_shop().await;
    tamper(
        &shop,
        "sandbox",
        "INSERT INTO sandbox_charge (payment_id, standing, amount_minor, currency, settled_at) \
         VALUES (17, 'captured', 100, 'EUR', 1)",
    )
    .await;
    assert_eq!(violated(&shop).await, [2]);
}

/// Stripe's list of intents, as a test changes it; `None` while Stripe fails.
type Listed = Arc<Mutex<Option<Vec<Value>>>>;

/// Starts a server that lists intents as Stripe does, and returns its address.
async fn list_intents(listed: Listed) -> String {
    async fn list(State(listed): State<Listed>, Query(query): Query<HashMap<String, String>>) -> Response {
        let since: i64 = query["created[gte]"].parse().unwrap();
        let days = SystemClock.now().minus(Duration::from_secs(u64::try_from(since).unwrap())).seconds() / 86_400;
        assert_eq!(days, 2, "two days are listed");
        match &*listed.lock().unwrap() {
            Some(intents) => Json(json!({"object": "list", "data": intents, "has_more": false})).into_response(),
            None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/v1/payment_intents", get(list)).with_state(listed);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn intent(payment: &Value, received: i64) -> Value {
    refunded_intent(payment, received, 0)
}

/// Returns an intent whose refunds, those in progress included, sum up to `refunded`.
fn refunded_intent(payment: &Value, received: i64, refunded: i64) -> Value {
    json!({
        "id": format!("pi_{payment}"), "object": "payment_intent", "currency": "eur", "amount_received": received,
        "latest_charge": {"id": "ch_1", "amount_refunded": refunded}, "metadata": {"payment_id": payment.to_string()},
    })
}

/// Makes a refund of each payment that the provider has accepted and not finished.
const REFUND_IN_PROGRESS: &str = "\
    INSERT INTO payment_refund (refund_id, payment_id, order_id, amount_minor, currency, status, due_at) \
    SELECT payment_id, payment_id, order_id, amount_minor, currency, 'processing', claimed_at FROM payment";

#[tokio::test]
async fn stripes_own_list_and_the_rows_of_its_account() {
    const TOTAL: i64 = 2 * 1_999;
    let (shop, payment) = stopped_shop_and_payment().await;
    let listed = Listed::default();
    let base_url = list_intents(Arc::clone(&listed)).await;
    let configuration = format!(
        "payment:\n  stripe-base-url: '{base_url}'\n  stripe-api-key: sk_test_key\n  stripe-account: acct_1\n  \
         stripe-webhook-secret: whsec_secret\n"
    );
    std::fs::write(shop.folder.path().join("config/payment.yml"), configuration).unwrap();
    // The payment was taken by Stripe, in the test mode that the key is of.
    tamper(&shop, "payment", "UPDATE payment SET provider = 'stripe', provider_account = 'acct_1/test'").await;
    tamper(&shop, "sandbox", "DELETE FROM sandbox_charge").await;
    let found_with = async |intents: Option<Vec<Value>>| {
        *listed.lock().unwrap() = intents;
        violated(&shop).await
    };
    let none = [0_u64; 0];
    assert_eq!(found_with(Some(vec![intent(&payment, TOTAL)])).await, none);
    assert_eq!(found_with(Some(vec![intent(&payment, TOTAL + 1)])).await, [2]);
    assert_eq!(found_with(Some(Vec::new())).await, [2], "a capture that only the row has");
    assert_eq!(found_with(Some(vec![intent(&payment, TOTAL), intent(&json!(17), 100)])).await, [2], "without a row");
    // Without the list, the report says so, and the rows are checked.
    assert_eq!(found_with(None).await, none);
    let (_, report, _) = shop.command(&["audit"]).await;
    assert!(report.contains("2   in part") && report.contains("the provider's own books were not read"), "{report}");
    assert_eq!(found_with(Some(vec![refunded_intent(&payment, TOTAL, 500)])).await, [2], "a refund without a row");
    // A bank may take days for a refund. Stripe counts it from the beginning, the row once it succeeded.
    tamper(&shop, "payment", REFUND_IN_PROGRESS).await;
    assert_eq!(found_with(Some(vec![refunded_intent(&payment, TOTAL, TOTAL)])).await, none);
    assert_eq!(listed_as(&shop, "pending").await, none);
    tamper(&shop, "order", "UPDATE shop_order SET status = 'cancelled', cancelled_at = 1").await;
    for intents in [Some(vec![refunded_intent(&payment, TOTAL, TOTAL)]), None] {
        assert_eq!(found_with(intents).await, none);
        assert_eq!(listed_as(&shop, "pending").await, [5], "its units alone are missing");
    }
    assert_eq!(found_with(Some(vec![intent(&payment, TOTAL)])).await, none);
    assert_eq!(listed_as(&shop, "pending").await, [3, 4, 5], "Stripe does not know of the refund yet");
    tamper(&shop, "order", "UPDATE shop_order SET status = 'paid', cancelled_at = NULL").await;
    tamper(&shop, "payment", "DELETE FROM payment_refund").await;
    // The shop has gone from the test mode to the live one, whose list cannot have the payment.
    tamper(&shop, "payment", "UPDATE payment SET provider_account = 'acct_1'").await;
    assert_eq!(found_with(Some(Vec::new())).await, none, "a payment at another account is not in this list");
}

/// On a broker, [`crate::faults`] has this test.
#[tokio::test]
async fn a_dead_letter_of_the_local_bus() {
    if souk_testkit::on_engines() {
        return;
    }
    let shop = stopped_shop().await;
    tamper(
        &shop,
        "bus",
        "INSERT INTO dead_letter (dead_letter_id, queue, attempts, error, died_at, envelope) VALUES \
         ('0194bd5b-6a00-7000-8000-000000000001', 'cart.orders', 8, 'no', 1, '{}')",
    )
    .await;
    assert_eq!(violated(&shop).await, [11]);
    tamper(&shop, "bus", "UPDATE dead_letter SET queue = 'order.outbox'").await;
    assert_eq!(violated(&shop).await, [11], "an event that the relay of order could not read");
}

#[tokio::test]
async fn a_running_shop_under_load_is_clean_in_every_reading() {
    let shop = Shop::start().await;
    let load = Load::start(&shop, 9).await;
    for _ in 0..5 {
        let before = load.orders();
        let (code, report, error) = shop.command(&["audit", "--json"]).await;
        assert_eq!(code, 0, "{report}{error}");
        eventually("the load goes on", || async { load.orders() > before }).await;
    }
    load.stop().await.assert_kept(&shop).await;
}

/// A violation of a running shop is one that every reading finds, and not before.
#[tokio::test]
async fn a_running_shop_with_a_violation() {
    let shop = Shop::start().await;
    let kettle = shop.product("Kettle", 10).await;
    let ada = Shopper::register(&shop, "ada").await;
    let order = ada.order(kettle, 2).await;
    ada.pay(&order, "tok_visa").await.expect(201);
    ada.wait_for_status(&order, "paid").await;
    shop.assert_clean().await;
    tamper(&shop, "order", "UPDATE shop_order SET total_minor = total_minor + 1").await;
    let (code, report, _) = shop.command(&["audit", "--settle", "1"]).await;
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("8   VIOLATED") && report.contains("violated 8: order"), "{report}");
}
