//! Contract of every store: one claim per order, one use per key, and no lost change.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use futures::future::join_all;
use souk_bus::Cause;
use souk_payment::{
    order_payments::{KnownOrder, OrderPayments},
    payment::{FailureCode, Payment, Status},
    store::{Change, PaymentStore, Saved, StoreError},
};
use souk_values::OrderId;

use crate::{
    rig::PRICE,
    store_fixture::{StoreFixture, TestDatabase, claim_of, new_cause, new_order, request_key},
};

fn due(order_payments: &OrderPayments) -> Vec<i64> {
    let refunds = order_payments.payments.iter().flat_map(|payment| &payment.refunds);
    refunds.map(|refund| refund.amount.minor).collect()
}

pub async fn whichever_of_capture_and_cancellation_commits_second_makes_the_refund_due(database: TestDatabase) {
    let mut fixture = StoreFixture::at(database).await;
    for capture_first in [true, false] {
        fixture.add_order().await;
        let payment = fixture.claim("k").await;
        // Both read before either one writes.
        let read = fixture.order_payments().await;
        let captured = fixture.captured(&read, payment);
        let cancelled = fixture.cancelled(&read);
        assert!(due(&captured).is_empty() && due(&cancelled).is_empty(), "neither sees the other");
        let (first, second) = if capture_first { (captured, cancelled) } else { (cancelled, captured) };
        fixture.save(Some(read.clone()), first).await.unwrap();
        assert!(matches!(fixture.save(Some(read), second).await, Err(StoreError::Conflict)));
        // The second is decided again, on what the first saved.
        let after = fixture
            .step(|read| if capture_first { fixture.cancelled(&read) } else { fixture.captured(&read, payment) })
            .await;
        assert!(after.order.is_cancelled());
        assert_eq!(after.payment(payment).unwrap().status(), Status::Succeeded);
        assert_eq!(due(&after), [PRICE], "capture first: {capture_first}");
    }
}

pub async fn a_claim_and_a_cancellation_see_each_other(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let read = fixture.order_payments().await;
    let claim = |read: OrderPayments| claim_of(read, fixture.database.ids.next(), "k", fixture.database.now());
    let claimed = claim(read.clone()).unwrap();
    fixture.save(Some(read.clone()), fixture.cancelled(&read)).await.unwrap();
    assert!(matches!(fixture.save(Some(read), claimed).await, Err(StoreError::Conflict)));
    let after = fixture.order_payments().await;
    assert!(after.payments.is_empty(), "nothing of the refused change is stored");
    assert!(claim(after).is_err(), "the order is cancelled");
}

pub async fn the_store_itself_refuses_a_second_claim(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    for capture in [false, true] {
        if capture {
            fixture.step(|read| fixture.captured(&read, payment)).await;
        }
        // A defective decision that ignores the claim: the index refuses it.
        let read = fixture.order_payments().await;
        let mut defective = read.clone();
        let second = Payment {
            payment_id: fixture.database.ids.next(),
            key: request_key("2"),
            refunds: Vec::new(),
            ..defective.payments[0].clone()
        };
        defective.payments.push(second);
        assert!(matches!(fixture.save(Some(read.clone()), defective).await, Err(StoreError::Conflict)));
        assert_eq!(fixture.order_payments().await, read, "nothing of it is stored");
    }
}

pub async fn the_store_itself_refuses_a_second_use_of_a_key(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let other = KnownOrder { order_id: fixture.database.ids.next(), ..fixture.order.clone() };
    let known = OrderPayments::apply_order(None, &other, fixture.next_refund()).unwrap();
    let now = fixture.database.now();
    let same_key = claim_of(known, fixture.database.ids.next(), "k", now).unwrap();
    assert!(matches!(fixture.save(None, same_key).await, Err(StoreError::Conflict)));
    assert!(fixture.store.order_payments(other.order_id).await.unwrap().is_none(), "nothing of it is stored");

    fixture.step(|read| fixture.captured(&read, payment)).await;
    fixture.step(|read| fixture.refund_requested(&read, payment, "r", 1).0).await;
    let read = fixture.order_payments().await;
    let again = fixture.refund_requested(&read, payment, "r", 2).0;
    assert!(matches!(fixture.save(Some(read), again).await, Err(StoreError::Conflict)));
    // Automatic refunds have no key, so they do not conflict with each other.
    let cancelled = fixture.step(|read| fixture.cancelled(&read)).await;
    assert_eq!(due(&cancelled), [1, PRICE - 1]);
    let (second, paid) = {
        let mut second = fixture;
        second.add_order().await;
        let paid = second.claim("other").await;
        (second, paid)
    };
    second.step(|read| second.captured(&read, paid)).await;
    assert_eq!(due(&second.step(|read| second.cancelled(&read)).await), [PRICE]);
}

pub async fn a_failed_attempt_releases_the_claim(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    for attempt in 0..3 {
        let payment = fixture.claim(&attempt.to_string()).await;
        fixture.step(|read| read.record_failure(payment, FailureCode::CardDeclined).unwrap().after).await;
    }
    let payment = fixture.claim("last").await;
    fixture.step(|read| fixture.captured(&read, payment)).await;
    let statuses: Vec<_> = fixture.order_payments().await.payments.iter().map(Payment::status).collect();
    assert_eq!(statuses, [Status::Failed, Status::Failed, Status::Failed, Status::Succeeded]);
}

/// Claims until the claim is saved or refused; returns true when it is saved.
async fn try_to_claim(store: Arc<dyn PaymentStore>, fixture: &StoreFixture, key: &str) -> bool {
    let order = fixture.order.order_id;
    loop {
        let read = store.order_payments(order).await.unwrap().unwrap();
        let now = fixture.database.now();
        let Ok(claimed) = claim_of(read.clone(), fixture.database.ids.next(), key, now) else {
            return false;
        };
        match store.save(fixture.change(Some(read), claimed)).await {
            Ok(saved) => {
                assert_eq!(saved, Saved::Done);
                return true;
            }
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn of_concurrent_claims_on_two_stores_one_is_saved(database: TestDatabase) {
    let mut fixture = StoreFixture::at(database).await;
    let stores = [Arc::clone(&fixture.store), fixture.database.open().await.store];
    for round in 0..5 {
        fixture.add_order().await;
        let claims = (0..16).map(|number| {
            let store = Arc::clone(&stores[number % 2]);
            let fixture = &fixture;
            async move { try_to_claim(store, fixture, &format!("{round}.{number}")).await }
        });
        let held = join_all(claims).await.into_iter().filter(|holds| *holds).count();
        assert_eq!(held, 1);
        assert_eq!(fixture.order_payments().await.payments.len(), 1);
    }
}

async fn increment_version(store: &dyn PaymentStore, order_id: OrderId, fixture: &StoreFixture) {
    loop {
        let read = store.order_payments(order_id).await.unwrap().unwrap();
        let order = KnownOrder { version: read.order.version + 1, ..read.order.clone() };
        let after = OrderPayments::apply_order(Some(read.clone()), &order, fixture.next_refund()).unwrap();
        match store.save(fixture.change(Some(read), after)).await {
            Ok(_) => return,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn concurrent_changes_on_two_stores_are_all_saved(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let stores = [Arc::clone(&fixture.store), fixture.database.open().await.store];
    let before = fixture.order_payments().await;
    let changes = (0..24).map(|number| {
        let store = Arc::clone(&stores[number % 2]);
        let fixture = &fixture;
        async move { increment_version(&*store, fixture.order.order_id, fixture).await }
    });
    join_all(changes).await;
    let after = fixture.order_payments().await;
    assert_eq!(after.order.version, before.order.version + 24, "no change is lost");
    assert_eq!(after.row_version, before.row_version + 24);
}

pub async fn an_event_is_applied_once_on_two_stores(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let other = fixture.database.open().await.store;
    let read = fixture.order_payments().await;
    let cancelled = fixture.cancelled(&read);
    let cause = new_cause();
    let change = Change { cause: Some(cause), ..fixture.change(Some(read), cancelled) };
    let (first, second) = futures::join!(fixture.store.save(change.clone()), other.save(change.clone()));
    let done = [&first, &second].into_iter().filter(|saved| matches!(saved, Ok(Saved::Done))).count();
    assert_eq!(done, 1, "{first:?} {second:?}");
    assert_eq!(other.save(change.clone()).await.unwrap(), Saved::Duplicate, "even with a stale version");
    // The same event in another queue is another cause.
    let other_queue = Change { cause: Some(Cause { queue: "else", ..cause }), ..change };
    assert!(matches!(other.save(other_queue).await, Err(StoreError::Conflict)));
    assert_eq!(fixture.order_payments().await.row_version, 2);
}

pub async fn an_order_is_inserted_once(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let other = fixture.database.open().await.store;
    let order = new_order(&fixture.database);
    let known = OrderPayments::apply_order(None, &order, fixture.next_refund()).unwrap();
    let change = || fixture.change(None, known.clone());
    let (first, second) = futures::join!(fixture.store.save(change()), other.save(change()));
    let saved = [&first, &second].into_iter().filter(|saved| matches!(saved, Ok(Saved::Done))).count();
    let refused = [&first, &second].into_iter().filter(|saved| matches!(saved, Err(StoreError::Conflict))).count();
    assert_eq!((saved, refused), (1, 1), "{first:?} {second:?}");
    assert_eq!(fixture.store.order_payments(order.order_id).await.unwrap().unwrap().row_version, 1);
}
