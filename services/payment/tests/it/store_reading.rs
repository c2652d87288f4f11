//! Contract of every store: what was saved is read back, found, listed and counted.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use souk_payment::{
    account::Account,
    payment::{FailureCode, Outcome, RefundStatus, Status},
    store::{Filter, OpenPayment, OpenRefund, Standing, day_of, start_of},
};
use souk_values::{Id, PageRequest, PaymentId, Timestamp};

use crate::{
    rig::PRICE,
    store_desk::{Desk, Place, admin, an_order, euro, request},
};

pub async fn an_account_is_stored_and_read_back_whole(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let read = desk.account().await;
    assert_eq!(read.order, desk.order);
    assert_eq!((read.row_version, read.payments.len()), (2, 1));
    assert_eq!(read.payments[0].key, request("k"));
    let captured = desk.captured(&read, payment);
    desk.save(Some(read), captured.clone()).await.unwrap();
    assert_eq!(desk.account().await, Account { row_version: 3, ..captured });
    let read = desk.account().await;
    let (asked, refund) = desk.asked_back(&read, payment, "r", 500);
    desk.save(Some(read), asked.clone()).await.unwrap();
    assert_eq!(desk.account().await, Account { row_version: 4, ..asked.clone() });
    let returned = asked.returned(refund, desk.place.now()).unwrap().account;
    desk.save(Some(desk.account().await), returned.clone()).await.unwrap();
    let stored = desk.account().await;
    assert_eq!(stored, Account { row_version: 5, ..returned });
    assert_eq!(stored.payments[0].refunds[0].status, RefundStatus::Succeeded);
    assert!(desk.store.account(desk.place.ids.next()).await.unwrap().is_none());
}

pub async fn a_captured_failure_is_read_back_as_such(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    desk.step(|read| read.refused(payment, FailureCode::InsufficientFunds).unwrap().account).await;
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    assert!(matches!(captured.payments[0].outcome, Outcome::CapturedLate { .. }));
    desk.save(Some(read), captured.clone()).await.unwrap();
    assert_eq!(desk.account().await, Account { row_version: 4, ..captured });
    // It does not hold the claim.
    desk.claim("again").await;
}

pub async fn keys_find_what_they_made(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let (store, payer) = (&desk.store, desk.order.user_id);
    assert_eq!(store.order_of(payment).await.unwrap(), Some(desk.order.order_id));
    assert_eq!(store.order_of(desk.place.ids.next()).await.unwrap(), None);
    let hit = store.payment_under(payer, "k").await.unwrap().unwrap();
    assert_eq!((hit.payment_id, hit.order_id, hit.body_hash.as_str()), (payment, desk.order.order_id, "body"));
    // Keys are told apart by every letter, and by who used them.
    assert!(store.payment_under(payer, "K").await.unwrap().is_none());
    assert!(store.payment_under(admin(), "k").await.unwrap().is_none());
    desk.step(|read| desk.captured(&read, payment)).await;
    desk.step(|read| desk.asked_back(&read, payment, "r", 1).0).await;
    let hit = store.refund_under(admin(), "r").await.unwrap().unwrap();
    assert_eq!((hit.payment_id, hit.body_hash.as_str()), (payment, "body"));
    assert!(store.refund_under(admin(), "R").await.unwrap().is_none());
    assert!(store.refund_under(payer, "r").await.unwrap().is_none());
}

pub async fn what_is_open_is_found_by_age_and_place(place: Place) {
    let mut desk = Desk::at(place).await;
    let mut claimed: Vec<PaymentId> = Vec::new();
    for number in 0..3 {
        desk.order = an_order(&desk.place);
        desk.save(None, Account::learn(None, &desk.order, desk.fresh()).unwrap()).await.unwrap();
        claimed.push(desk.claim(&number.to_string()).await);
        desk.place.clock.advance(Duration::from_secs(60));
    }
    let last = desk.account().await.payments[0].claimed_at;
    let open = async |before: Timestamp, after: i64| -> Vec<PaymentId> {
        let open = desk.store.open_payments(before, after).await.unwrap();
        open.iter().map(|OpenPayment { payment_id, .. }| *payment_id).collect()
    };
    assert_eq!(open(last, 0).await, claimed, "to the millisecond");
    assert_eq!(open(Timestamp::from_millis(last.millis() - 1), 0).await, claimed[..2]);
    assert_eq!(open(last, claimed[0].get()).await, claimed[1..]);
    let standing = desk.store.standing(last).await.unwrap();
    assert_eq!(standing, Standing { processing: 3, stuck: 2 });

    desk.step(|read| desk.captured(&read, claimed[2])).await;
    assert_eq!(open(last, 0).await, claimed[..2]);
    let closed = desk.step(|read| desk.closed(&read)).await;
    let refund = &closed.payments[0].refunds[0];
    let due = OpenRefund {
        order_id: desk.order.order_id,
        payment_id: claimed[2],
        refund_id: refund.refund_id,
        amount: euro(PRICE),
    };
    assert_eq!(desk.store.open_refunds(refund.due_at, 0).await.unwrap(), [due]);
    let earlier = Timestamp::from_millis(refund.due_at.millis() - 1);
    assert!(desk.store.open_refunds(earlier, 0).await.unwrap().is_empty());
    assert!(desk.store.open_refunds(refund.due_at, refund.refund_id.get()).await.unwrap().is_empty());
}

pub async fn lists_are_filtered_paged_and_newest_first(place: Place) {
    let mut desk = Desk::at(place).await;
    let payer = desk.order.user_id;
    let mut made = Vec::new();
    for number in 0..3 {
        let payment = desk.claim(&number.to_string()).await;
        made.insert(0, payment);
        if number < 2 {
            desk.step(|read| read.refused(payment, FailureCode::CardDeclined).unwrap().account).await;
        }
    }
    desk.step(|read| desk.captured(&read, made[0])).await;
    desk.step(|read| desk.asked_back(&read, made[0], "r", 7).0).await;
    let first_order = desk.order.order_id;
    desk.order = an_order(&desk.place);
    desk.save(None, Account::learn(None, &desk.order, desk.fresh()).unwrap()).await.unwrap();
    let others = desk.claim("other").await;

    let list = async |filter: Filter, page: u32, size: u32| {
        let page = desk.store.list(filter, PageRequest { page, size }).await.unwrap();
        (page.items.iter().map(|payment| payment.payment_id).collect::<Vec<_>>(), page.total)
    };
    let all: Vec<_> = std::iter::once(others).chain(made.clone()).collect();
    assert_eq!(list(Filter::default(), 0, 10).await, (all.clone(), 4));
    assert_eq!(list(Filter::default(), 1, 3).await, (all[3..].to_vec(), 4));
    assert_eq!(list(Filter::default(), 9, 3).await, (Vec::new(), 4));
    let of_payer = Filter { user_id: Some(payer), order_id: None };
    assert_eq!(list(of_payer, 0, 2).await, (made[..2].to_vec(), 3));
    let of_order = Filter { user_id: None, order_id: Some(desk.order.order_id) };
    assert_eq!(list(of_order, 0, 2).await, (vec![others], 1));
    let of_neither = Filter { user_id: Some(payer), order_id: Some(desk.order.order_id) };
    assert_eq!(list(of_neither, 0, 2).await, (Vec::new(), 0));
    let of_both = Filter { user_id: Some(payer), order_id: Some(first_order) };
    let listed = desk.store.list(of_both, PageRequest { page: 0, size: 1 }).await.unwrap();
    let account = desk.store.account(first_order).await.unwrap().unwrap();
    assert_eq!(listed.items, [account.payment(made[0]).unwrap().clone()], "with its refunds");
}

pub async fn days_are_tallied(place: Place) {
    let (mut desk, first) = Desk::with_a_claim(place).await;
    let day = day_of(desk.account().await.payments[0].claimed_at);
    desk.step(|read| read.refused(first, FailureCode::CardDeclined).unwrap().account).await;
    let second = desk.claim("2").await;
    desk.step(|read| desk.captured(&read, second)).await;
    desk.place.clock.advance(Duration::from_secs(86_400));
    let account = desk.step(|read| desk.closed(&read)).await;
    let refund = account.payment(second).unwrap().refunds[0].refund_id;
    desk.step(|read| read.returned(refund, desk.place.now()).unwrap().account).await;
    desk.order = an_order(&desk.place);
    desk.save(None, Account::learn(None, &desk.order, desk.fresh()).unwrap()).await.unwrap();
    desk.claim("3").await;

    let tallies = desk.store.tallies(day).await.unwrap();
    let mut payments: Vec<_> = tallies
        .payments
        .iter()
        .map(|tally| (tally.day - day, tally.status.as_str(), tally.failure, tally.amount, tally.count))
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
    let refunds: Vec<_> = tallies.refunds.iter().map(|tally| (tally.day - day, tally.amount, tally.count)).collect();
    assert_eq!(refunds, [(1, price, 1)]);
    let later = desk.store.tallies(day_of(start_of(day + 1))).await.unwrap();
    assert_eq!((later.payments.len(), later.refunds.len()), (1, 1));
}

pub async fn everything_is_there_for_the_audit(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    let mut change = desk.change(Some(read), captured.clone());
    change.events = vec![desk.event(&captured)];
    desk.store.save(change).await.unwrap();
    desk.step(|read| desk.asked_back(&read, payment, "r", 5).0).await;
    let (payments, pending) = desk.store.everything().await.unwrap();
    assert_eq!((payments, pending), (desk.account().await.payments, 1));

    let facts = Box::pin(souk_payment::audit::read(&desk.place.url, None)).await.unwrap();
    assert_eq!((facts.payments.len(), facts.outbox_pending), (1, 1));
    assert!(facts.payments[0].captured && facts.payments[0].refunds.len() == 1);
    let told = souk_payment::audit::unpublished(&desk.place.url).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].event_type, "payment.succeeded.v1");
}

pub async fn a_long_text_is_kept_whole(place: Place) {
    let (desk, payment) = Desk::with_a_claim(place).await;
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    let mut event = desk.event(&captured);
    // Longer than what some engines keep beside the row, and beyond ASCII.
    let words = "Grüße, 世界 🛍 ".repeat(8_000);
    event.data = serde_json::json!({ "words": words });
    let mut change = desk.change(Some(read), captured);
    change.events = vec![event.clone()];
    desk.store.save(change).await.unwrap();
    let told = desk.store.unpublished().await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].data, event.data);
}
