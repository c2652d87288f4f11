//! The summary of payments by day.

use std::time::Duration;

use souk_testkit::World;
use souk_values::Clock;

use crate::rig::{PRICE, Rig};

#[tokio::test]
async fn payments_and_refunds_are_summed_by_day() {
    let mut world = World::new().await;
    world.deps.shop.time_zone = "Pacific/Kiritimati".parse().unwrap();
    let rig = Rig::within(world, |_| {}).await;
    let first = rig.confirmed();
    let paid = rig.pay(first.order_id, "a", "tok_visa").await.expect(201).json;
    rig.world.clock.advance(Duration::from_secs(86_400));
    rig.refund(&paid["paymentId"], "r", Some(500)).await.expect(200);
    let second = rig.confirmed();
    rig.pay(second.order_id, "b", "tok_declined").await.expect(201);
    rig.pay(second.order_id, "c", "tok_visa").await.expect(201);
    let summary = rig.admin().get("/payments/summary").await.expect(200).json;
    assert_eq!(summary["timeZone"], "Pacific/Kiritimati");
    let days = summary["days"].as_array().unwrap();
    let today = rig.world.deps.shop.time_zone.day_of(rig.world.clock.now());
    assert_eq!(days[6]["date"], serde_json::json!(today));
    assert_eq!(days.len(), 7);
    assert_eq!(days[5]["succeeded"], 1);
    assert_eq!((&days[6]["succeeded"], &days[6]["failed"], &days[6]["refunds"]), (&1.into(), &1.into(), &1.into()));
    assert_eq!(days[6]["refundedAmount"]["amount"], 500);
    assert_eq!(summary["total"]["capturedAmount"]["amount"], 2 * PRICE);
    assert_eq!(summary["failures"]["card_declined"], 1);
    assert!(days.is_sorted_by_key(|day| day["date"].as_str().unwrap().to_owned()));
    assert_eq!(rig.admin().get("/payments/summary?days=1").await.expect(200).json["total"]["succeeded"], 1);
    for query in ["days=0", "days=91", "days=x", "weeks=1"] {
        rig.admin().get(&format!("/payments/summary?{query}")).await.is_problem(400, "query.invalid");
    }
    rig.client().get("/payments/summary").await.is_problem(403, "auth.forbidden");
}
