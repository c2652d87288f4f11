//! Contract of every store: saved payments are read back, found, listed and counted.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use souk_payment::{
    order_payments::OrderPayments,
    payment::{FailureCode, Outcome, RefundStatus, Status},
    store::Filter,
};
use souk_values::{DayCalendar, PageRequest};

use crate::{
    rig::PRICE,
    store_fixture::{StoreFixture, TestDatabase, admin, euro, request_key},
};

pub async fn order_payments_are_stored_and_read_back_unchanged(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let read = fixture.order_payments().await;
    assert_eq!(read.order, fixture.order);
    assert_eq!((read.row_version, read.payments.len()), (2, 1));
    assert_eq!(read.payments[0].key, request_key("k"));
    let captured = fixture.captured(&read, payment);
    fixture.save(Some(read), captured.clone()).await.unwrap();
    assert_eq!(fixture.order_payments().await, OrderPayments { row_version: 3, ..captured });
    let read = fixture.order_payments().await;
    let (requested, refund) = fixture.refund_requested(&read, payment, "r", 500);
    fixture.save(Some(read), requested.clone()).await.unwrap();
    assert_eq!(fixture.order_payments().await, OrderPayments { row_version: 4, ..requested.clone() });
    let returned = requested.record_refund(refund, fixture.database.now()).unwrap().after;
    fixture.save(Some(fixture.order_payments().await), returned.clone()).await.unwrap();
    let stored = fixture.order_payments().await;
    assert_eq!(stored, OrderPayments { row_version: 5, ..returned });
    assert_eq!(stored.payments[0].refunds[0].status, RefundStatus::Succeeded);
    assert!(fixture.store.order_payments(fixture.database.ids.next()).await.unwrap().is_none());
}

pub async fn a_capture_after_a_failure_is_read_back_as_such(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    fixture.step(|read| read.record_failure(payment, FailureCode::InsufficientFunds).unwrap().after).await;
    let read = fixture.order_payments().await;
    let captured = fixture.captured(&read, payment);
    assert!(matches!(captured.payments[0].outcome, Outcome::CapturedAfterFailure { .. }));
    fixture.save(Some(read), captured.clone()).await.unwrap();
    assert_eq!(fixture.order_payments().await, OrderPayments { row_version: 4, ..captured });
    // It does not hold the claim.
    fixture.claim("again").await;
}

pub async fn keys_find_the_payments_they_made(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let store = &fixture.store;
    let payer = fixture.order.user_id;
    assert_eq!(store.order_of(payment).await.unwrap(), Some(fixture.order.order_id));
    assert_eq!(store.order_of(fixture.database.ids.next()).await.unwrap(), None);
    let found = store.payment_by_key(payer, "k").await.unwrap().unwrap();
    assert_eq!((found.payment_id, found.order_id, found.body_hash.as_str()), (payment, fixture.order.order_id, "body"));
    // Keys are case-sensitive, and each user has their own.
    assert!(store.payment_by_key(payer, "K").await.unwrap().is_none());
    assert!(store.payment_by_key(admin(), "k").await.unwrap().is_none());
    fixture.step(|read| fixture.captured(&read, payment)).await;
    fixture.step(|read| fixture.refund_requested(&read, payment, "r", 1).0).await;
    let found = store.refund_by_key(admin(), "r").await.unwrap().unwrap();
    assert_eq!((found.payment_id, found.body_hash.as_str()), (payment, "body"));
    assert!(store.refund_by_key(admin(), "R").await.unwrap().is_none());
    assert!(store.refund_by_key(payer, "r").await.unwrap().is_none());
}

pub async fn lists_are_filtered_paged_and_newest_first(database: TestDatabase) {
    let mut fixture = StoreFixture::at(database).await;
    let payer = fixture.order.user_id;
    let mut made = Vec::new();
    for number in 0..3 {
        let payment = fixture.claim(&number.to_string()).await;
        made.insert(0, payment);
        if number < 2 {
            fixture.step(|read| read.record_failure(payment, FailureCode::CardDeclined).unwrap().after).await;
        }
    }
    fixture.step(|read| fixture.captured(&read, made[0])).await;
    fixture.step(|read| fixture.refund_requested(&read, made[0], "r", 7).0).await;
    let first_order = fixture.order.order_id;
    fixture.add_order().await;
    let others = fixture.claim("other").await;

    let list = async |filter: Filter, page: u32, size: u32| {
        let page = fixture.store.list(filter, PageRequest::numbered(page, size)).await.unwrap();
        (page.items.iter().map(|payment| payment.payment_id).collect::<Vec<_>>(), page.total)
    };
    let all: Vec<_> = std::iter::once(others).chain(made.clone()).collect();
    assert_eq!(list(Filter::default(), 0, 10).await, (all.clone(), 4));
    assert_eq!(list(Filter::default(), 1, 3).await, (all[3..].to_vec(), 4));
    assert_eq!(list(Filter::default(), 9, 3).await, (Vec::new(), 4));
    let of_payer = Filter { user_id: Some(payer), order_id: None };
    assert_eq!(list(of_payer, 0, 2).await, (made[..2].to_vec(), 3));
    let of_order = Filter { user_id: None, order_id: Some(fixture.order.order_id) };
    assert_eq!(list(of_order, 0, 2).await, (vec![others], 1));
    let of_neither = Filter { user_id: Some(payer), order_id: Some(fixture.order.order_id) };
    assert_eq!(list(of_neither, 0, 2).await, (Vec::new(), 0));
    let of_both = Filter { user_id: Some(payer), order_id: Some(first_order) };
    let listed = fixture.store.list(of_both, PageRequest::numbered(0, 1)).await.unwrap();
    let read = fixture.store.order_payments(first_order).await.unwrap().unwrap();
    assert_eq!(listed.items, [read.payment(made[0]).unwrap().clone()], "with its refunds");
}

pub async fn days_are_tallied(database: TestDatabase) {
    let (mut fixture, first) = StoreFixture::with_a_claim(database).await;
    // Kiritimati is 14 hours ahead: its days begin at 10:00 in UTC.
    let calendar: DayCalendar = "Pacific/Kiritimati".parse().unwrap();
    let day = calendar.day_of(fixture.order_payments().await.payments[0].claimed_at);
    fixture.step(|read| read.record_failure(first, FailureCode::CardDeclined).unwrap().after).await;
    let second = fixture.claim("2").await;
    fixture.step(|read| fixture.captured(&read, second)).await;
    fixture.database.clock.advance(Duration::from_secs(86_400));
    let read = fixture.step(|read| fixture.cancelled(&read)).await;
    let refund = read.payment(second).unwrap().refunds[0].refund_id;
    fixture.step(|read| read.record_refund(refund, fixture.database.now()).unwrap().after).await;
    fixture.add_order().await;
    fixture.claim("3").await;

    let periods = calendar.offset_periods(calendar.start(day)..calendar.bounds(day.plus(1)).end);
    assert_eq!(periods.len(), 1);
    let tallies = fixture.store.tallies(&periods[0]).await.unwrap();
    let mut payments: Vec<_> = tallies
        .payments
        .iter()
        .map(|tally| {
            (tally.day.number() - day.number(), tally.status.as_str(), tally.failure, tally.amount, tally.count)
        })
        .collect();
    payments.sort_by_key(|tally| (tally.0, tally.1));
    let price = euro(PRICE);
    assert_eq!(
        payments,
        [
            (0, Status::Failed.as_str(), Some(FailureCode::CardDeclined), price, 1),
            (0, Status::Refunded.as_str(), None, price, 1),
            (1, Status::Processing.as_str(), None, price, 1),
        ]
    );
    let refunds: Vec<_> =
        tallies.refunds.iter().map(|tally| (tally.day.number() - day.number(), tally.amount, tally.count)).collect();
    assert_eq!(refunds, [(1, price, 1)]);
    let later = calendar.bounds(day.plus(1));
    let later = fixture.store.tallies(&calendar.offset_periods(later)[0]).await.unwrap();
    assert_eq!((later.payments.len(), later.refunds.len()), (1, 1));
}

pub async fn the_audit_snapshot_is_complete(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let read = fixture.order_payments().await;
    let captured = fixture.captured(&read, payment);
    let mut change = fixture.change(Some(read), captured.clone());
    change.events = vec![fixture.event(&captured)];
    fixture.store.save(change).await.unwrap();
    fixture.step(|read| fixture.refund_requested(&read, payment, "r", 5).0).await;
    let (payments, pending) = fixture.store.audit_snapshot().await.unwrap();
    assert_eq!((payments, pending), (fixture.order_payments().await.payments, 1));

    let facts = Box::pin(souk_payment::audit::read(&fixture.database.url, None)).await.unwrap();
    assert_eq!((facts.payments.len(), facts.outbox_pending), (1, 1));
    assert!(facts.payments[0].captured && facts.payments[0].refunds.len() == 1);
    let published = souk_payment::audit::unpublished(&fixture.database.url, 10_000).await.unwrap();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].event_type, "payment.succeeded.v1");
}

pub async fn a_long_text_is_stored_unchanged(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let read = fixture.order_payments().await;
    let captured = fixture.captured(&read, payment);
    let mut event = fixture.event(&captured);
    // Longer than what some engines store within the row, and not ASCII.
    let words = "Grüße, 世界 🛍 ".repeat(8_000);
    event.data = souk_events::Payload::of(&serde_json::json!({ "words": words })).unwrap();
    let mut change = fixture.change(Some(read), captured);
    change.events = vec![event.clone()];
    fixture.store.save(change).await.unwrap();
    let published = fixture.store.unpublished().await.unwrap();
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].data, event.data);
}
