//! Lists, the summary, snapshots for other services, and metrics.

use serde_json::json;
use souk_kit::auth::Role;
use souk_peers::order::OrderSnapshot;
use souk_testkit::eventually;
use souk_values::{Clock as _, DayCalendar};

use crate::rig::Rig;

#[tokio::test]
async fn customers_list_their_own_orders_and_admins_all() {
    let mut rig = Rig::new().await;
    let first = rig.placed("prepaid").await;
    rig.advance(5);
    let second = rig.confirmed("prepaid").await;
    let user = rig.user;
    let other = rig.world.user();
    let mine = rig.client.get("/orders").await.expect(200).json;
    assert_eq!((&mine["total"], &mine["page"], &mine["size"]), (&json!(2), &json!(0), &json!(20)));
    assert_eq!(mine["items"][0]["orderId"].to_string(), second.to_string());
    let page = rig.client.get("/orders?page=1&size=1").await.json;
    assert_eq!((page["items"][0]["orderId"].to_string(), &page["total"]), (first.to_string(), &json!(2)));
    let newest = rig.client.get("/orders?size=1").await.json;
    let behind = format!("/orders?size=1&after={}", newest["next"].as_str().unwrap());
    let last = rig.client.get(&behind).await.expect(200).json;
    assert_eq!((last["items"][0]["orderId"].to_string(), &last["next"]), (first.to_string(), &json!(null)));
    rig.client.get("/orders?after=soon").await.is_problem(400, "query.invalid");
    rig.client.get("/orders?page=500&size=20").await.is_problem(400, "query.invalid");
    assert_eq!(rig.client.get("/orders?status=confirmed").await.json["total"], 1);
    assert_eq!(rig.client.get(&format!("/orders?userId={user}")).await.json["total"], 2);
    rig.client.get(&format!("/orders?userId={other}")).await.is_problem(403, "auth.forbidden");
    let stranger = rig.started.client.with_token(rig.world.customer(other));
    assert_eq!(
        stranger.get("/orders").await.json,
        json!({"items": [], "page": 0, "size": 20, "total": 0, "totalIsExact": true})
    );
    assert_eq!(rig.admin.get("/orders").await.json["total"], 2);
    assert_eq!(rig.admin.get(&format!("/orders?userId={other}")).await.json["total"], 0);
    assert_eq!(rig.admin.get(&format!("/orders?userId={user}&status=created")).await.json["total"], 1);
}

#[tokio::test]
async fn orders_are_listed_by_the_days_on_which_they_were_placed() {
    let mut rig = Rig::new().await;
    let day = |rig: &Rig| DayCalendar::default().day_of(rig.world.clock.now());
    let first_day = day(&rig);
    let first = rig.placed("prepaid").await;
    rig.advance(2 * 86_400);
    let second = rig.placed("prepaid").await;
    let last_day = day(&rig);
    let found = async |query: String| {
        let page = rig.admin.get(&format!("/orders?{query}")).await.expect(200).json;
        let ids = page["items"].as_array().unwrap().iter().map(|order| order["orderId"].to_string());
        assert_eq!(page["total"], page["items"].as_array().unwrap().len());
        ids.collect::<Vec<_>>()
    };
    let (first, second) = (first.to_string(), second.to_string());
    assert_eq!(found(format!("from={first_day}&to={last_day}")).await, [second.as_str(), first.as_str()]);
    assert_eq!(found(format!("from={last_day}")).await, [second.as_str()]);
    assert_eq!(found(format!("to={first_day}")).await, [first.as_str()]);
    assert_eq!(found(format!("from={}&to={}", first_day.plus(1), first_day.plus(1))).await, [""; 0]);
    assert_eq!(found(format!("from={last_day}&status=confirmed")).await, [""; 0]);
    for query in ["from=yesterday", "to=2026-02-30", "from=2026-01-31T00:00", "form=2026-01-31"] {
        rig.admin.get(&format!("/orders?{query}")).await.is_problem(400, "query.invalid");
    }
}

#[tokio::test]
async fn the_summary_counts_by_day() {
    let mut rig = Rig::new().await;
    rig.paid("prepaid").await;
    let cancelled = rig.placed("prepaid").await;
    rig.act(&rig.client, cancelled, "cancel").await.expect(200);
    rig.advance(2 * 86_400);
    rig.paid("onDelivery").await;
    rig.client.get("/orders/summary").await.is_problem(403, "auth.forbidden");
    let summary = rig.admin.get("/orders/summary").await.expect(200).json;
    let days = summary["days"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    let today = json!({"date": days[6]["date"], "created": 1, "confirmed": 1, "paid": 1, "cancelled": 0,
        "revenue": {"amount": 4_498, "currency": "EUR"}});
    assert_eq!(days[6], today);
    assert_eq!((&days[4]["created"], &days[4]["cancelled"]), (&json!(2), &json!(1)));
    assert_eq!(days[5]["created"], 0);
    assert_eq!(
        summary["total"],
        json!({"created": 3, "confirmed": 2, "paid": 2, "cancelled": 1, "revenue": {"amount": 8_996, "currency": "EUR"}})
    );
    assert_eq!(rig.admin.get("/orders/summary?days=1").await.json["total"]["created"], 1);
    for query in ["days=0", "days=367", "days=x", "weeks=1"] {
        rig.admin.get(&format!("/orders/summary?{query}")).await.is_problem(400, "query.invalid");
    }
}

#[tokio::test]
async fn other_services_read_the_whole_order() {
    let rig = Rig::new().await;
    let peer = rig.started.client.with_token(rig.world.token("payment", Role::Service));
    let now = |id| {
        let peer = peer.clone();
        async move {
            let answer = peer.get(&format!("/internal/orders/{id}")).await.expect(200);
            serde_json::from_value::<OrderSnapshot>(answer.json).unwrap()
        }
    };
    let created = now(rig.placed("prepaid").await).await;
    assert!(!created.is_confirmed && !created.is_paid && created.cancel_reason.is_none());
    let id = rig.paid("prepaid").await;
    let paid = now(id).await;
    assert!(paid.is_confirmed && paid.is_paid);
    assert_eq!((paid.order.version, paid.order.items.len()), (3, 2));
    assert!(paid.order.pay_by.is_some());
    rig.act(&rig.admin, id, "cancel").await.expect(200);
    let cancelled = now(id).await;
    assert!(!cancelled.is_confirmed && cancelled.cancel_reason.is_some());
    peer.get("/internal/orders/1").await.is_problem(404, "order.not_found");
    rig.client.get(&format!("/internal/orders/{id}")).await.is_problem(403, "auth.forbidden");
    rig.admin.get(&format!("/internal/orders/{id}")).await.is_problem(403, "auth.forbidden");
    peer.get("/orders").await.is_problem(403, "auth.forbidden");
}

#[tokio::test]
async fn every_series_is_exposed() {
    let mut rig = Rig::new().await;
    rig.paid("prepaid").await;
    let metrics = rig.started.client.get("/metrics").await.text;
    for series in [
        "orders_created_total{service=\"order\"}",
        "orders_confirmed_total{service=\"order\"}",
        "orders_paid_total{service=\"order\"}",
        "orders_cancelled_total{service=\"order\",reason=\"out_of_stock\"}",
        "order_revenue_minor_total{service=\"order\",currency=\"EUR\"}",
        "order_saga_seconds_count{service=\"order\",stage=\"confirmed\"}",
        "order_saga_seconds_count{service=\"order\",stage=\"paid\"}",
        "orders_stuck{service=\"order\"}",
    ] {
        assert!(metrics.contains(series), "{series} is missing in\n{metrics}");
    }
    rig.placed("prepaid").await;
    rig.advance(400);
    // The gauge belongs to the process, and other tests' services set it too; each turn counts again.
    eventually("the stuck order is counted", || async {
        rig.world.clock.advance(std::time::Duration::from_secs(31));
        rig.started.client.get("/metrics").await.text.contains("orders_stuck{service=\"order\"} 1")
    })
    .await;
}
