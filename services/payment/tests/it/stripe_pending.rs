//! Many refunds that stay pending at Stripe, next to checkouts.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use souk_payment::{
    order_payments::{KnownOrder, NextRefund, OrderPayments, OrderState},
    payment::{RefundStatus, RequestKey},
    store::{
        Change, DueBy, PaymentStore, StoreError,
        schedule::{CHECKED_FOR, FIRST_CHECK, NEVER},
    },
};
use souk_testkit::{CapturedLog, eventually};
use souk_values::{Clock, Id, PaymentId, Timestamp};

use crate::{
    rig::{PRICE, Rig, SETTLE, config, facts, start},
    stripe::{VISA, account, pay, shop, shop_with, store, use_stripe},
    stripe_fake::FakeStripe,
    stripe_refunding::statuses,
};

/// Number of pending refunds; `make settling` runs the test with 10,000.
fn count() -> usize {
    std::env::var("SOUK_TEST_REFUNDS").map_or(1_000, |count| count.parse().unwrap())
}

/// Saves `count` cancelled orders whose refunds Stripe has and does not finish.
async fn seed(rig: &Rig, stripe: &FakeStripe, count: usize) {
    let store = store(&rig.world).await;
    let now = rig.world.clock.now();
    let orders = (0..count).map(|number| {
        let store = store.clone();
        async move {
            // Of thousands of ids made in one second, two may be the same.
            loop {
                if let Some(refund) = seed_one(rig, &*store, number, now).await {
                    return refund;
                }
            }
        }
    });
    let refunds: Vec<Value> = stream::iter(orders).buffer_unordered(16).collect().await;
    stripe.state().refunds = refunds;
}

/// Saves one; returns its refund as Stripe has it, `None` when one of its ids is taken.
async fn seed_one(rig: &Rig, store: &dyn PaymentStore, number: usize, now: Timestamp) -> Option<Value> {
    let ids = &rig.world.deps.ids;
    let order = KnownOrder::new(&facts(&rig.world, rig.user, 2), OrderState::Confirmed);
    let next_refund = || NextRefund { refund_id: ids.next(), now };
    let known = OrderPayments::apply_order(None, &order, next_refund()).unwrap();
    let payment: PaymentId = ids.next();
    let key = RequestKey { key_hash: format!("seed{number}"), body_hash: "body".to_owned() };
    let claimed = known.claim(payment, order.user_id, key, account(), now).unwrap();
    let captured = claimed.record_capture(payment, now, next_refund()).unwrap().after;
    let cancelled = KnownOrder { version: 3, state: OrderState::Cancelled, ..order };
    let after = OrderPayments::apply_order(Some(captured), &cancelled, next_refund()).unwrap();
    let refund = after.payments[0].refunds[0].refund_id;
    match store.save(Change { before: None, after, events: Vec::new(), cause: None, now }).await {
        Ok(_) => {}
        Err(StoreError::Conflict) => return None,
        Err(error) => panic!("{error}"),
    }
    store.record_reference(payment, &format!("pi_{}", payment.get()), now).await.unwrap();
    Some(json!({
        "id": format!("re_{}", refund.get()), "object": "refund", "amount": PRICE, "created": now.seconds(),
        "metadata": {"refund_id": refund.to_string(), "payment_id": payment.to_string()},
        "payment_intent": format!("pi_{}", payment.get()), "status": "pending",
    }))
}

fn polls(stripe: &FakeStripe) -> usize {
    stripe.state().requests.iter().filter(|request| *request == "GET /v1/refunds").count()
}

/// Pays an order; returns the time that took.
async fn checkout(rig: &Rig) -> Duration {
    let started = Instant::now();
    assert_eq!(pay_as_new(rig).await["status"], "succeeded");
    started.elapsed()
}

async fn pay_as_new(rig: &Rig) -> Value {
    let order = rig.confirmed();
    rig.pay(order.order_id, &order.order_id.to_string(), VISA).await.expect(201).json
}

/// Limit of a checkout beside the queries, on a busy machine.
const CHECKOUT: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pending_refunds_neither_delay_a_checkout_nor_open_its_breaker() {
    // On a busy machine the fake server may take its time.
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 10_000).await;
    let count = count();
    seed(&rig, &stripe, count).await;
    checkout(&rig).await;

    // Stripe fails to list refunds. The breaker of settling opens after its first ten failures.
    stripe.state().broken_lists = Some((500, "0"));
    rig.world.clock.advance(SETTLE);
    eventually("the first refunds are queried", || async { polls(&stripe) >= 10 }).await;
    let during = checkout(&rig).await;
    assert!(during < CHECKOUT, "a checkout took {during:?}");
    let until_open = polls(&stripe);
    assert!(until_open < 100, "{until_open} queries although Stripe fails");

    // Stripe is well again; each refund is queried once in its turn, and a checkout goes between.
    stripe.state().broken_lists = None;
    stripe.state().requests.clear();
    rig.world.clock.advance(SETTLE);
    let first = polls_reach(&rig, &stripe, count / 4).await;
    let during = checkout(&rig).await;
    assert!(during < CHECKOUT, "a checkout took {during:?}");
    let second = polls_reach(&rig, &stripe, count).await;
    // A second query about a refund is due no sooner than half of its age later, which is a step of the clock at least.
    let most = count * (1 + first + second) + until_open;
    assert!(polls(&stripe) <= most, "{} queries about {count} refunds", polls(&stripe));
}

/// Waits for `least` queries. While there are none, because the machine is slow and the turns were taken late, time
/// passes in steps; returns their number.
async fn polls_reach(rig: &Rig, stripe: &FakeStripe, least: usize) -> usize {
    let started = Instant::now();
    let (mut steps, mut seen, mut since) = (0, 0, Instant::now());
    while polls(stripe) < least {
        assert!(started.elapsed() < Duration::from_secs(240), "{} of {least} queries", polls(stripe));
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = polls(stripe);
        if now != seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() > Duration::from_secs(3) {
            rig.world.clock.advance(SETTLE / 2);
            steps += 1;
            since = Instant::now();
        }
    }
    steps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_one_queries_each_refund_in_its_turn() {
    const COUNT: usize = 40;
    let (rig, stripe) = shop_with(|config| config.provider_time_limit_ms = 10_000).await;
    let mut config = config(&rig.world);
    use_stripe(&mut config, &stripe.base_url);
    config.provider_time_limit_ms = 10_000;
    let _another = start(&rig.world, config).await;
    seed(&rig, &stripe, COUNT).await;
    // Both replicas wake at once. A refund's next turn comes after as long again as it is open, or sooner.
    for (round, step) in (1..).zip([SETTLE, SETTLE, 2 * SETTLE, 4 * SETTLE]) {
        rig.world.clock.advance(step);
        eventually("each is queried", || async { polls(&stripe) >= round * COUNT }).await;
        let store = store(&rig.world).await;
        let now = rig.world.clock.now();
        eventually("no turn is left", || async { due_at(&*store, RefundStatus::Processing, now).await == 0 }).await;
    }
    assert_eq!(polls(&stripe), 4 * COUNT);
}

#[tokio::test]
async fn a_pause_that_stripe_requests_is_respected() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.state().refund_status = Some("pending");
    for amount in [100, 200] {
        rig.refund(&paid["paymentId"], &format!("r{amount}"), Some(amount)).await.expect(200);
    }
    assert_eq!(statuses(&rig).await, [RefundStatus::Processing; 2]);
    stripe.state().broken_lists = Some((429, "60"));
    rig.world.clock.advance(SETTLE);
    eventually("Stripe is queried", || async { polls(&stripe) > 0 }).await;
    rig.world.clock.advance(Duration::from_secs(50));
    // A checkout is not concerned, and shows that time passes.
    for number in 0..5 {
        let order = rig.confirmed();
        let paid = rig.pay(order.order_id, &format!("k{number}"), VISA).await.expect(201).json;
        assert_eq!(paid["status"], "succeeded");
    }
    let before = polls(&stripe);
    assert!(before <= 2, "{before} queries in the pause");
    stripe.state().broken_lists = None;
    for refund in &mut stripe.state().refunds {
        refund["status"] = json!("succeeded");
    }
    rig.world.clock.advance(SETTLE);
    eventually("both are settled", || async { statuses(&rig).await == [RefundStatus::Succeeded; 2] }).await;
}

/// Counts the refunds in `status` whose query is due at `now`.
async fn due_at(store: &dyn PaymentStore, status: RefundStatus, now: Timestamp) -> usize {
    store.due_refunds(status, DueBy { now, open_since: now }, 0).await.unwrap().len()
}

#[tokio::test]
async fn a_refund_that_is_due_in_a_pause_is_queried_soon_after_its_end() {
    const PAUSE: Duration = Duration::from_mins(10);
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    stripe.state().refund_status = Some("pending");
    rig.refund(&paid["paymentId"], "r", Some(100)).await.expect(200);
    stripe.state().broken_lists = Some((429, "600"));
    rig.world.clock.advance(SETTLE);
    let before = rig.world.clock.now();
    eventually("Stripe is queried", || async { polls(&stripe) > 0 }).await;
    let after = rig.world.clock.now();
    let store = store(&rig.world).await;
    let due_at = async |now| due_at(&*store, RefundStatus::Processing, now).await;
    assert_eq!(due_at(before.plus(SETTLE)).await, 1, "its next turn is in the pause");
    rig.world.clock.advance(SETTLE);
    eventually("the pause puts it off", || async { due_at(before.plus(PAUSE).minus(SETTLE)).await == 0 }).await;
    assert_eq!(due_at(after.plus(PAUSE + Duration::from_mins(1))).await, 1);
    assert_eq!(polls(&stripe), 1);
}

#[tokio::test]
async fn a_refund_that_is_older_than_a_month_is_not_checked() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    rig.refund(&paid["paymentId"], "r", None).await.expect(200);
    // As after a month without the service.
    rig.world.clock.advance(CHECKED_FOR + Duration::from_mins(1));
    let store = store(&rig.world).await;
    let due_at = async |now| due_at(&*store, RefundStatus::Succeeded, now).await;
    eventually("its turn is the last", || async { due_at(NEVER.minus(Duration::from_millis(1))).await == 0 }).await;
    // A later round begins once the queries of this one have ended.
    let order = rig.confirmed();
    rig.pay(order.order_id, "slow", "pm_card_slow").await.expect(201);
    rig.world.clock.advance(SETTLE);
    let is_intent = |request: &String| request.starts_with("GET /v1/payment_intents");
    eventually("a later round", || async { stripe.state().requests.iter().any(is_intent) }).await;
    assert_eq!(polls(&stripe), 0);
}

#[tokio::test]
async fn a_returned_refund_that_stripe_does_not_know_is_logged() {
    let log = CapturedLog::start(tracing::Level::ERROR);
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    rig.refund(&paid["paymentId"], "r", None).await.expect(200);
    stripe.state().refunds.clear();
    rig.world.clock.advance(FIRST_CHECK);
    eventually("it is logged", || async { log.count("does not know a refund") == 1 }).await;
    assert_eq!(rig.payment(&paid["paymentId"]).await["status"], "refunded");
}

#[tokio::test]
async fn money_that_comes_back_is_found_without_a_webhook_and_can_be_refunded_again() {
    let (rig, stripe) = shop().await;
    let paid = pay(&rig, VISA).await;
    let refunded = rig.refund(&paid["paymentId"], "r1", None).await.expect(200).json;
    assert_eq!(refunded["status"], "refunded");
    stripe.state().refunds[0]["status"] = json!("failed");
    rig.world.clock.advance(Duration::from_secs(86_400));
    eventually("the failure is found", || async { rig.payment(&paid["paymentId"]).await["status"] == "succeeded" })
        .await;
    assert_eq!(rig.payment(&paid["paymentId"]).await["refundedAmount"]["amount"], 0);
    let again = rig.refund(&paid["paymentId"], "r2", None).await.expect(200).json;
    assert_eq!((&again["status"], &again["refundedAmount"]["amount"]), (&json!("refunded"), &json!(PRICE)));
    // Checked for 30 days, and then not any more.
    for _ in 0..40 {
        rig.world.clock.advance(Duration::from_secs(86_400));
        checkout(&rig).await;
    }
    let checks = polls(&stripe);
    assert!((3..20).contains(&checks), "{checks} checks in a month");
}
