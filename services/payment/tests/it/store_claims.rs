//! Contract of every store: one claim an order, one use of a key, and nobody's change is lost.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use futures::future::join_all;
use souk_payment::{
    account::{Account, OrderNews},
    payment::{FailureCode, Payment, Status},
    store::{Change, PaymentStore, Saved, StoreError},
};
use souk_values::OrderId;

use crate::{
    rig::PRICE,
    store_desk::{Desk, Place, an_order, request, some_cause},
};

fn due(account: &Account) -> Vec<i64> {
    let refunds = account.payments.iter().flat_map(|payment| &payment.refunds);
    refunds.map(|refund| refund.amount.minor).collect()
}

pub async fn whichever_of_capture_and_cancellation_commits_second_makes_the_refund_due(place: Place) {
    let mut desk = Desk::at(place).await;
    for capture_first in [true, false] {
        desk.order = an_order(&desk.place);
        desk.save(None, Account::learn(None, &desk.order, desk.fresh()).unwrap()).await.unwrap();
        let payment = desk.claim("k").await;
        // Both read before either writes.
        let read = desk.account().await;
        let (captured, closed) = (desk.captured(&read, payment), desk.closed(&read));
        assert!(due(&captured).is_empty() && due(&closed).is_empty(), "neither sees the other");
        let (first, second) = if capture_first { (captured, closed) } else { (closed, captured) };
        desk.save(Some(read.clone()), first).await.unwrap();
        assert!(matches!(desk.save(Some(read), second).await, Err(StoreError::Conflict)));
        // The second decides anew, on what it sees now.
        let account =
            desk.step(|read| if capture_first { desk.closed(&read) } else { desk.captured(&read, payment) }).await;
        assert!(account.order.is_closed());
        assert_eq!(account.payment(payment).unwrap().status(), Status::Succeeded);
        assert_eq!(due(&account), [PRICE], "capture first: {capture_first}");
    }
}

pub async fn a_claim_and_a_cancellation_see_each_other(place: Place) {
    let desk = Desk::at(place).await;
    let read = desk.account().await;
    let claim =
        |account: Account| account.claim(desk.place.ids.next(), desk.order.user_id, request("k"), desk.place.now());
    let claimed = claim(read.clone()).unwrap();
    desk.save(Some(read.clone()), desk.closed(&read)).await.unwrap();
    assert!(matches!(desk.save(Some(read), claimed).await, Err(StoreError::Conflict)));
    let account = desk.account().await;
    assert!(account.payments.is_empty(), "nothing of the refused change is stored");
    assert!(claim(account).is_err(), "the order is over");
}

pub async fn the_store_itself_refuses_a_second_claim(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    for capture in [false, true] {
        if capture {
            desk.step(|read| desk.captured(&read, payment)).await;
        }
        // A decision that forgot to look: the index still holds.
        let read = desk.account().await;
        let mut forgetful = read.clone();
        let second = Payment {
            payment_id: desk.place.ids.next(),
            key: request("2"),
            refunds: Vec::new(),
            ..forgetful.payments[0].clone()
        };
        forgetful.payments.push(second);
        assert!(matches!(desk.save(Some(read.clone()), forgetful).await, Err(StoreError::Conflict)));
        assert_eq!(desk.account().await, read, "nothing of it is stored");
    }
}

pub async fn the_store_itself_refuses_a_second_use_of_a_key(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let other = OrderNews { order_id: desk.place.ids.next(), ..desk.order.clone() };
    let known = Account::learn(None, &other, desk.fresh()).unwrap();
    let now = desk.place.now();
    let same_key = known.claim(desk.place.ids.next(), other.user_id, request("k"), now).unwrap();
    assert!(matches!(desk.save(None, same_key).await, Err(StoreError::Conflict)));
    assert!(desk.store.account(other.order_id).await.unwrap().is_none(), "nothing of it is stored");

    desk.step(|read| desk.captured(&read, payment)).await;
    desk.step(|read| desk.asked_back(&read, payment, "r", 1).0).await;
    let read = desk.account().await;
    let again = desk.asked_back(&read, payment, "r", 2).0;
    assert!(matches!(desk.save(Some(read), again).await, Err(StoreError::Conflict)));
    // Refunds that nobody asked for have no key, and do not stand in each other's way.
    let closed = desk.step(|read| desk.closed(&read)).await;
    assert_eq!(due(&closed), [1, PRICE - 1]);
    let (second, paid) = {
        let mut second = desk;
        second.order = an_order(&second.place);
        second.save(None, Account::learn(None, &second.order, second.fresh()).unwrap()).await.unwrap();
        let paid = second.claim("other").await;
        (second, paid)
    };
    second.step(|read| second.captured(&read, paid)).await;
    assert_eq!(due(&second.step(|read| second.closed(&read)).await), [PRICE]);
}

pub async fn an_attempt_that_failed_gives_the_claim_back(place: Place) {
    let desk = Desk::at(place).await;
    for attempt in 0..3 {
        let payment = desk.claim(&attempt.to_string()).await;
        desk.step(|read| read.refused(payment, FailureCode::CardDeclined).unwrap().account).await;
    }
    let payment = desk.claim("last").await;
    desk.step(|read| desk.captured(&read, payment)).await;
    let statuses: Vec<_> = desk.account().await.payments.iter().map(Payment::status).collect();
    assert_eq!(statuses, [Status::Failed, Status::Failed, Status::Failed, Status::Succeeded]);
}

/// Claims until it holds or is refused; answers whether it holds.
async fn try_to_claim(store: Arc<dyn PaymentStore>, desk: &Desk, key: &str) -> bool {
    let (order, payer) = (desk.order.order_id, desk.order.user_id);
    loop {
        let read = store.account(order).await.unwrap().unwrap();
        let now = desk.place.now();
        let Ok(claimed) = read.clone().claim(desk.place.ids.next(), payer, request(key), now) else { return false };
        match store.save(desk.change(Some(read), claimed)).await {
            Ok(saved) => {
                assert_eq!(saved, Saved::Done);
                return true;
            }
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn of_many_claims_on_two_stores_at_once_one_holds(place: Place) {
    let mut desk = Desk::at(place).await;
    let stores = [Arc::clone(&desk.store), desk.place.open().await.store];
    for round in 0..5 {
        desk.order = an_order(&desk.place);
        desk.save(None, Account::learn(None, &desk.order, desk.fresh()).unwrap()).await.unwrap();
        let claims = (0..16).map(|number| {
            let (store, desk) = (Arc::clone(&stores[number % 2]), &desk);
            async move { try_to_claim(store, desk, &format!("{round}.{number}")).await }
        });
        let held = join_all(claims).await.into_iter().filter(|holds| *holds).count();
        assert_eq!(held, 1);
        assert_eq!(desk.account().await.payments.len(), 1);
    }
}

async fn grow(store: &dyn PaymentStore, order: OrderId, desk: &Desk) {
    loop {
        let read = store.account(order).await.unwrap().unwrap();
        let news = OrderNews { version: read.order.version + 1, ..read.order.clone() };
        let after = Account::learn(Some(read.clone()), &news, desk.fresh()).unwrap();
        match store.save(desk.change(Some(read), after)).await {
            Ok(_) => return,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

pub async fn changes_on_two_stores_at_once_are_all_there(place: Place) {
    let desk = Desk::at(place).await;
    let stores = [Arc::clone(&desk.store), desk.place.open().await.store];
    let before = desk.account().await;
    let changes = (0..24).map(|number| {
        let (store, desk) = (Arc::clone(&stores[number % 2]), &desk);
        async move { grow(&*store, desk.order.order_id, desk).await }
    });
    join_all(changes).await;
    let after = desk.account().await;
    assert_eq!(after.order.version, before.order.version + 24, "nobody's change is lost");
    assert_eq!(after.row_version, before.row_version + 24);
}

pub async fn an_event_has_its_effect_once_on_two_stores(place: Place) {
    let desk = Desk::at(place).await;
    let other = desk.place.open().await.store;
    let read = desk.account().await;
    let closed = desk.closed(&read);
    let cause = some_cause();
    let change = Change { cause: Some(cause), ..desk.change(Some(read), closed) };
    let (first, second) = futures::join!(desk.store.save(change.clone()), other.save(change.clone()));
    let done = [&first, &second].into_iter().filter(|saved| matches!(saved, Ok(Saved::Done))).count();
    assert_eq!(done, 1, "{first:?} {second:?}");
    assert_eq!(other.save(change.clone()).await.unwrap(), Saved::Duplicate, "even with a stale version");
    // The same event of another queue is another effect.
    let other_queue = Change { cause: Some(souk_payment::store::Cause { queue: "else", ..cause }), ..change };
    assert!(matches!(other.save(other_queue).await, Err(StoreError::Conflict)));
    assert_eq!(desk.account().await.row_version, 2);
}

pub async fn an_order_is_made_known_once(place: Place) {
    let desk = Desk::at(place).await;
    let other = desk.place.open().await.store;
    let order = an_order(&desk.place);
    let known = Account::learn(None, &order, desk.fresh()).unwrap();
    let change = || desk.change(None, known.clone());
    let (first, second) = futures::join!(desk.store.save(change()), other.save(change()));
    let saved = [&first, &second].into_iter().filter(|saved| matches!(saved, Ok(Saved::Done))).count();
    let refused = [&first, &second].into_iter().filter(|saved| matches!(saved, Err(StoreError::Conflict))).count();
    assert_eq!((saved, refused), (1, 1), "{first:?} {second:?}");
    assert_eq!(desk.store.account(order.order_id).await.unwrap().unwrap().row_version, 1);
}
