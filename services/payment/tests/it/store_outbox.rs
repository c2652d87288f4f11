//! Contract of every store: outbox and inbox, references, opening and migrating.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::future::join_all;
use souk_bus::inbox::RETENTION;
use souk_events::Envelope;
use souk_kit::Service;
use souk_payment::{
    Payment,
    order_payments::{KnownOrder, OrderPayments},
    store::{self, Change, Saved, StoreError},
};
use souk_testkit::eventually;
use souk_values::PaymentId;
use uuid::Uuid;

use crate::store_fixture::{StoreFixture, TestDatabase, new_cause};

/// Creates a fixture with `count` unpublished events; returns them too.
async fn with_events(database: TestDatabase, count: usize) -> (StoreFixture, Vec<Envelope>) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let read = fixture.order_payments().await;
    let captured = fixture.captured(&read, payment);
    let mut events: Vec<_> = (0..count).map(|_| fixture.event(&captured)).collect();
    events.sort_by_key(|event| event.id);
    let change = Change { events: events.clone(), ..fixture.change(Some(read), captured) };
    fixture.store.save(change).await.unwrap();
    (fixture, events)
}

fn ids(events: &[Envelope]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

pub async fn events_are_written_with_their_change(database: TestDatabase) {
    let (fixture, events) = with_events(database, 2).await;
    assert_eq!(ids(&fixture.store.unpublished().await.unwrap()), ids(&events));
    let backlog = fixture.outbox.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.oldest), (2, Some(events[0].time)));
    // A conflicting change publishes nothing, nor does a duplicate.
    let read = fixture.order_payments().await;
    let stale = OrderPayments { row_version: 1, ..read.clone() };
    let change = |before, cause| Change {
        events: vec![fixture.event(&read)],
        cause,
        ..fixture.change(Some(before), fixture.cancelled(&read))
    };
    assert!(matches!(fixture.store.save(change(stale.clone(), None)).await, Err(StoreError::Conflict)));
    let cause = Some(new_cause());
    assert_eq!(fixture.store.save(change(read.clone(), cause)).await.unwrap(), Saved::Done);
    assert_eq!(fixture.store.save(change(fixture.order_payments().await, cause)).await.unwrap(), Saved::Duplicate);
    // A conflicting change does not record its cause either: the event may be applied later.
    let cause = Some(new_cause());
    assert!(matches!(fixture.store.save(change(stale, cause)).await, Err(StoreError::Conflict)));
    assert_eq!(fixture.outbox.backlog().await.unwrap().pending, 3);
    assert_eq!(fixture.store.save(change(fixture.order_payments().await, cause)).await.unwrap(), Saved::Done);
    assert_eq!(fixture.outbox.backlog().await.unwrap().pending, 4);
}

pub async fn confirmed_events_are_deleted_and_the_rest_is_claimed_again(database: TestDatabase) {
    let (fixture, events) = with_events(database, 5).await;
    let claim = fixture.outbox.claim(3).await.unwrap();
    assert_eq!(ids(claim.envelopes()), ids(&events[..3]), "the oldest, in the order of writing");
    claim.confirm(&ids(&events[..2])).await.unwrap();
    let rest = || async {
        // Released when the claim is dropped; on some engines a moment later.
        let claim = fixture.outbox.claim(10).await.unwrap();
        ids(claim.envelopes()) == ids(&events[2..])
    };
    eventually("unconfirmed events are claimed again", rest).await;
    // Dropped without a confirmation.
    drop(fixture.outbox.claim(10).await.unwrap());
    eventually("dropped events are claimed again", rest).await;
    fixture.outbox.claim(10).await.unwrap().confirm(&[]).await.unwrap();
    eventually("events of an empty confirmation are claimed again", rest).await;
    eventually("all is confirmed", || async {
        let claim = fixture.outbox.claim(10).await.unwrap();
        let claimed = ids(claim.envelopes());
        claim.confirm(&claimed).await.unwrap();
        fixture.outbox.backlog().await.unwrap().pending == 0
    })
    .await;
    assert!(fixture.outbox.claim(10).await.unwrap().envelopes().is_empty());
    assert_eq!(fixture.outbox.backlog().await.unwrap().oldest, None);
}

pub async fn two_relays_hold_different_events(database: TestDatabase) {
    if !database.separates_relays {
        return;
    }
    let (fixture, events) = with_events(database, 40).await;
    let other = fixture.database.open().await;
    let (first, second) = futures::join!(fixture.outbox.claim(15), other.outbox.claim(15));
    let first = first.unwrap();
    let second = second.unwrap();
    let held: HashSet<Uuid> = first.envelopes().iter().chain(second.envelopes()).map(|event| event.id).collect();
    assert_eq!(held.len(), first.envelopes().len() + second.envelopes().len(), "no event is claimed twice");
    let third = fixture.outbox.claim(100).await.unwrap();
    assert_eq!(third.envelopes().len() + held.len(), 40, "the next claim takes all of the rest");
    first.confirm(&ids(&fixture.store.unpublished().await.unwrap())[..0]).await.unwrap();
    drop((second, third));
    eventually("all events are released", || async {
        let claim = other.outbox.claim(100).await.unwrap();
        claim.envelopes().len() == events.len()
    })
    .await;
}

pub async fn a_commit_wakes_the_relay(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let outbox = Arc::clone(&fixture.outbox);
    let read = fixture.order_payments().await;
    let captured = fixture.captured(&read, payment);
    let change = Change { events: vec![fixture.event(&captured)], ..fixture.change(Some(read), captured) };
    fixture.store.save(change).await.unwrap();
    // A commit before the wait is not missed.
    tokio::time::timeout(Duration::from_secs(10), outbox.written()).await.unwrap();
}

pub async fn expired_inbox_events_are_purged(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let causes: Vec<_> = (0..3).map(|_| new_cause()).collect();
    for cause in &causes {
        let read = fixture.order_payments().await;
        let order = KnownOrder { version: read.order.version + 1, ..read.order.clone() };
        let after = OrderPayments::apply_order(Some(read.clone()), &order, fixture.next_refund()).unwrap();
        let change = Change { cause: Some(*cause), ..fixture.change(Some(read), after) };
        assert_eq!(fixture.store.save(change).await.unwrap(), Saved::Done);
        fixture.database.clock.advance(Duration::from_secs(60));
    }
    let first_expired = fixture.database.now().plus(RETENTION).minus(Duration::from_secs(150));
    assert_eq!(fixture.store.purge_inbox(first_expired).await.unwrap(), 1);
    assert_eq!(fixture.store.purge_inbox(first_expired).await.unwrap(), 0);
    let read = fixture.order_payments().await;
    let again = |cause| Change { cause: Some(cause), ..fixture.change(Some(read.clone()), read.clone()) };
    assert_eq!(fixture.store.save(again(causes[1])).await.unwrap(), Saved::Duplicate);
    assert_eq!(fixture.store.purge_inbox(first_expired.plus(Duration::from_hours(1))).await.unwrap(), 2);
    assert_eq!(fixture.store.save(again(causes[0])).await.unwrap(), Saved::Done);
}

pub async fn a_job_is_claimed_once_by_all_replicas(database: TestDatabase) {
    let claims_for_all = database.url.starts_with("mssql:");
    let (first, now) = (database.open().await.store, database.now());
    let second = if database.url.starts_with("sqlite:") { Arc::clone(&first) } else { database.open().await.store };
    for period in 0..3 {
        let at = now.plus(Duration::from_secs(period * 60));
        let claims = (0..8).map(|number| {
            let store = if number % 2 == 0 { &first } else { &second };
            store.claim_job("purge", at, Duration::from_secs(60))
        });
        let claims: Vec<bool> = join_all(claims).await.into_iter().map(Result::unwrap).collect();
        let claimed = claims.iter().filter(|claimed| **claimed).count();
        assert_eq!(claimed, if claims_for_all { 8 } else { 1 });
    }
}

pub async fn the_first_reference_of_a_payment_is_kept(database: TestDatabase) {
    let fixture = StoreFixture::at(database).await;
    let payment: PaymentId = fixture.database.ids.next();
    let now = fixture.database.now();
    assert_eq!(fixture.store.reference(payment).await.unwrap(), None);
    let other = fixture.database.open().await.store;
    let recording = (0..12).map(|number| {
        let store = if number % 2 == 0 { &fixture.store } else { &other };
        async move { store.record_reference(payment, &format!("pi_{number}"), now).await.unwrap() }
    });
    let returned = join_all(recording).await;
    let stored = fixture.store.reference(payment).await.unwrap().unwrap();
    assert!(returned.iter().all(|returned| *returned == stored), "{returned:?}, stored {stored}");
    assert_eq!(other.record_reference(payment, "pi_late", now).await.unwrap(), stored);
    let long = "x".repeat(255);
    assert_eq!(fixture.store.record_reference(fixture.database.ids.next(), &long, now).await.unwrap(), long);
}

pub async fn several_processes_open_an_empty_store_concurrently(database: TestDatabase) {
    // A file belongs to one process, and a query does not create it.
    let is_file = database.url.starts_with("sqlite:");
    let pending = Payment::pending_migrations(&database.url).await;
    assert!(if is_file { pending.is_err() } else { !pending.unwrap().is_empty() });
    let opened = join_all((0..if is_file { 1 } else { 4 }).map(|_| database.open())).await;
    for opened in &opened {
        assert_eq!(opened.outbox.backlog().await.unwrap().pending, 0);
        opened.store.ping().await.unwrap();
    }
    assert!(Payment::pending_migrations(&database.url).await.unwrap().is_empty());
    assert!(Payment::migrate(&database.url).await.unwrap().is_empty(), "every migration is applied");
}

pub async fn opening_for_reading_changes_nothing(database: TestDatabase) {
    assert!(!Payment::migrate(&database.url).await.unwrap().is_empty());
    let store = store::open_to_read(&database.url).await.unwrap();
    assert!(store.audit_snapshot().await.unwrap().0.is_empty());
    assert!(store.unpublished().await.unwrap().is_empty());
    store.ping().await.unwrap();
}
