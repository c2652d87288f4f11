//! Contract of every store: outbox and inbox, references, opening and migrating.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures::future::join_all;
use souk_bus::inbox::REMEMBERED;
use souk_events::Envelope;
use souk_payment::store::{self, Change, Saved, StoreError};
use souk_testkit::eventually;
use souk_values::PaymentId;
use uuid::Uuid;

use crate::store_desk::{Desk, Place, some_cause};

/// A desk whose store has `count` events to tell; answers them.
async fn with_events(place: Place, count: usize) -> (Desk, Vec<Envelope>) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    let mut events: Vec<_> = (0..count).map(|_| desk.event(&captured)).collect();
    events.sort_by_key(|event| event.id);
    let change = Change { events: events.clone(), ..desk.change(Some(read), captured) };
    desk.store.save(change).await.unwrap();
    (desk, events)
}

fn ids(events: &[Envelope]) -> Vec<Uuid> {
    events.iter().map(|event| event.id).collect()
}

pub async fn events_are_written_with_what_makes_them_true(place: Place) {
    let (desk, events) = with_events(place, 2).await;
    assert_eq!(ids(&desk.store.unpublished().await.unwrap()), ids(&events));
    let backlog = desk.outbox.backlog().await.unwrap();
    assert_eq!((backlog.pending, backlog.oldest), (2, Some(events[0].time)));
    // A refused change tells nothing, nor does a repeated one.
    let read = desk.account().await;
    let stale = souk_payment::account::Account { row_version: 1, ..read.clone() };
    let told = |before, cause| Change {
        events: vec![desk.event(&read)],
        cause,
        ..desk.change(Some(before), desk.closed(&read))
    };
    assert!(matches!(desk.store.save(told(stale.clone(), None)).await, Err(StoreError::Conflict)));
    let cause = Some(some_cause());
    assert_eq!(desk.store.save(told(read.clone(), cause)).await.unwrap(), Saved::Done);
    assert_eq!(desk.store.save(told(desk.account().await, cause)).await.unwrap(), Saved::Duplicate);
    // A refused change does not remember its cause either: it may come again.
    let cause = Some(some_cause());
    assert!(matches!(desk.store.save(told(stale, cause)).await, Err(StoreError::Conflict)));
    assert_eq!(desk.outbox.backlog().await.unwrap().pending, 3);
    assert_eq!(desk.store.save(told(desk.account().await, cause)).await.unwrap(), Saved::Done);
    assert_eq!(desk.outbox.backlog().await.unwrap().pending, 4);
}

pub async fn what_is_confirmed_is_gone_and_the_rest_comes_again(place: Place) {
    let (desk, events) = with_events(place, 5).await;
    let claim = desk.outbox.claim(3).await.unwrap();
    assert_eq!(ids(claim.envelopes()), ids(&events[..3]), "the oldest, in the order they were written");
    claim.confirm(&ids(&events[..2])).await.unwrap();
    let rest = || async {
        // Given back as soon as the claim is gone; on some engines a moment later.
        let claim = desk.outbox.claim(10).await.unwrap();
        ids(claim.envelopes()) == ids(&events[2..])
    };
    eventually("what was not confirmed comes again", rest).await;
    // Dropped without a word.
    drop(desk.outbox.claim(10).await.unwrap());
    eventually("what was dropped comes again", rest).await;
    desk.outbox.claim(10).await.unwrap().confirm(&[]).await.unwrap();
    eventually("what nobody confirmed comes again", rest).await;
    eventually("all is confirmed", || async {
        let claim = desk.outbox.claim(10).await.unwrap();
        let claimed = ids(claim.envelopes());
        claim.confirm(&claimed).await.unwrap();
        desk.outbox.backlog().await.unwrap().pending == 0
    })
    .await;
    assert!(desk.outbox.claim(10).await.unwrap().envelopes().is_empty());
    assert_eq!(desk.outbox.backlog().await.unwrap().oldest, None);
}

pub async fn two_relays_hold_different_events(place: Place) {
    if !place.separates_relays {
        return;
    }
    let (desk, events) = with_events(place, 40).await;
    let other = desk.place.open().await;
    let (first, second) = futures::join!(desk.outbox.claim(15), other.outbox.claim(15));
    let (first, second) = (first.unwrap(), second.unwrap());
    let held: HashSet<Uuid> = first.envelopes().iter().chain(second.envelopes()).map(|event| event.id).collect();
    assert_eq!(held.len(), first.envelopes().len() + second.envelopes().len(), "nobody holds another's");
    let third = desk.outbox.claim(100).await.unwrap();
    assert_eq!(third.envelopes().len() + held.len(), 40, "what nobody holds is there for the next");
    first.confirm(&ids(&desk.store.unpublished().await.unwrap())[..0]).await.unwrap();
    drop((second, third));
    eventually("all is given back", || async {
        let claim = other.outbox.claim(100).await.unwrap();
        claim.envelopes().len() == events.len()
    })
    .await;
}

pub async fn who_waits_is_woken_by_a_commit(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let outbox = Arc::clone(&desk.outbox);
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    let change = Change { events: vec![desk.event(&captured)], ..desk.change(Some(read), captured) };
    desk.store.save(change).await.unwrap();
    // A commit while nobody waits is not missed.
    tokio::time::timeout(Duration::from_secs(10), outbox.written()).await.unwrap();
}

pub async fn old_events_are_forgotten(place: Place) {
    let desk = Desk::at(place).await;
    let causes: Vec<_> = (0..3).map(|_| some_cause()).collect();
    for cause in &causes {
        let read = desk.account().await;
        let news = souk_payment::account::OrderNews { version: read.order.version + 1, ..read.order.clone() };
        let after = souk_payment::account::Account::learn(Some(read.clone()), &news, desk.fresh()).unwrap();
        let change = Change { cause: Some(*cause), ..desk.change(Some(read), after) };
        assert_eq!(desk.store.save(change).await.unwrap(), Saved::Done);
        desk.place.clock.advance(Duration::from_secs(60));
    }
    let first_gone = desk.place.now().plus(REMEMBERED).minus(Duration::from_secs(150));
    assert_eq!(desk.store.forget_old(first_gone).await.unwrap(), 1);
    assert_eq!(desk.store.forget_old(first_gone).await.unwrap(), 0);
    let read = desk.account().await;
    let again = |cause| Change { cause: Some(cause), ..desk.change(Some(read.clone()), read.clone()) };
    assert_eq!(desk.store.save(again(causes[1])).await.unwrap(), Saved::Duplicate);
    assert_eq!(desk.store.forget_old(first_gone.plus(Duration::from_hours(1))).await.unwrap(), 2);
    assert_eq!(desk.store.save(again(causes[0])).await.unwrap(), Saved::Done);
}

pub async fn the_first_reference_of_a_payment_stays(place: Place) {
    let desk = Desk::at(place).await;
    let (payment, now): (PaymentId, _) = (desk.place.ids.next(), desk.place.now());
    assert_eq!(desk.store.reference(payment).await.unwrap(), None);
    let other = desk.place.open().await.store;
    let noting = (0..12).map(|number| {
        let store = if number % 2 == 0 { &desk.store } else { &other };
        async move { store.note_reference(payment, &format!("pi_{number}"), now).await.unwrap() }
    });
    let kept = join_all(noting).await;
    let stays = desk.store.reference(payment).await.unwrap().unwrap();
    assert!(kept.iter().all(|kept| *kept == stays), "{kept:?}, kept {stays}");
    assert_eq!(other.note_reference(payment, "pi_late", now).await.unwrap(), stays);
    let long = "x".repeat(255);
    assert_eq!(desk.store.note_reference(desk.place.ids.next(), &long, now).await.unwrap(), long);
}

pub async fn several_processes_open_an_empty_store_at_once(place: Place) {
    // A file belongs to one process, and is not made by asking.
    let is_file = place.url.starts_with("sqlite:");
    let pending = souk_payment::pending_migrations(&place.url).await;
    assert!(if is_file { pending.is_err() } else { !pending.unwrap().is_empty() });
    let opened = join_all((0..if is_file { 1 } else { 4 }).map(|_| place.open())).await;
    for opened in &opened {
        assert_eq!(opened.outbox.backlog().await.unwrap().pending, 0);
        opened.store.ping().await.unwrap();
    }
    assert!(souk_payment::pending_migrations(&place.url).await.unwrap().is_empty());
    assert!(souk_payment::migrate(&place.url).await.unwrap().is_empty(), "all of it is applied");
}

pub async fn opening_for_reading_changes_nothing(place: Place) {
    assert!(!souk_payment::migrate(&place.url).await.unwrap().is_empty());
    let store = store::open_to_read(&place.url).await.unwrap();
    assert!(store.everything().await.unwrap().0.is_empty());
    assert!(store.unpublished().await.unwrap().is_empty());
    store.ping().await.unwrap();
}
