//! Contract of every store: the schedule of settling, and the accounts of payments.
#![expect(clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use souk_payment::{
    payment::RefundStatus,
    provider_account::{ProviderAccount, ProviderName},
    store::{
        DueBy, NeededAccount, OpenCounts, OpenRefund, Row,
        schedule::{FIRST_CHECK, NEVER},
    },
};
use souk_values::{Id, PaymentId, Timestamp};

use crate::{
    rig::PRICE,
    store_fixture::{StoreFixture, TestDatabase, euro, request_key},
};

async fn due_payments(fixture: &StoreFixture, due: DueBy, after: i64) -> Vec<PaymentId> {
    let due = fixture.store.due_payments(due, after).await.unwrap();
    due.iter().map(|due| due.payment_id).collect()
}

pub async fn due_rows_are_found_by_age_turn_and_position(database: TestDatabase) {
    let mut fixture = StoreFixture::at(database).await;
    let mut claimed: Vec<PaymentId> = Vec::new();
    for number in 0..3 {
        fixture.add_order().await;
        claimed.push(fixture.claim(&number.to_string()).await);
        fixture.database.clock.advance(Duration::from_secs(60));
    }
    let last = fixture.order_payments().await.payments[0].claimed_at;
    let now = fixture.database.now();
    let since = |open_since| DueBy { now, open_since };
    assert_eq!(due_payments(&fixture, since(last), 0).await, claimed, "exact to the millisecond");
    assert_eq!(due_payments(&fixture, since(last.minus(Duration::from_millis(1))), 0).await, claimed[..2]);
    assert_eq!(due_payments(&fixture, since(last), claimed[0].get()).await, claimed[1..]);
    let counts = fixture.store.open_counts(last).await.unwrap();
    assert_eq!(counts, OpenCounts { processing: 3, stuck: 2 });
    let due = &fixture.store.due_payments(since(last), claimed[1].get()).await.unwrap()[0];
    assert_eq!((due.claimed_at, due.next_query), (last, Timestamp::EPOCH));
    assert_eq!(due.account, Some(ProviderAccount::sandbox()));

    let next = now.plus(Duration::from_secs(5));
    assert!(fixture.store.take_turn(Row::Payment(claimed[0]), Timestamp::EPOCH, next).await.unwrap());
    assert_eq!(due_payments(&fixture, since(last), 0).await, claimed[1..]);
    assert_eq!(due_payments(&fixture, DueBy { now: next, open_since: last }, 0).await, claimed);
    let just_before = next.minus(Duration::from_millis(1));
    assert_eq!(due_payments(&fixture, DueBy { now: just_before, open_since: last }, 0).await, claimed[1..]);

    fixture.step(|read| fixture.captured(&read, claimed[2])).await;
    assert_eq!(due_payments(&fixture, since(last), 0).await, claimed[1..2]);
    let cancelled = fixture.step(|read| fixture.cancelled(&read)).await;
    let payment = &cancelled.payments[0];
    let refund = &payment.refunds[0];
    let due_refunds = async |open_since, after| {
        let due = DueBy { now: fixture.database.now(), open_since };
        fixture.store.due_refunds(RefundStatus::Processing, due, after).await.unwrap()
    };
    let found = due_refunds(refund.due_at, 0).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].refund, OpenRefund::new(payment, refund));
    assert_eq!((found[0].refund.amount, found[0].since), (euro(PRICE), refund.due_at));
    assert!(due_refunds(refund.due_at.minus(Duration::from_millis(1)), 0).await.is_empty());
    assert!(due_refunds(refund.due_at, refund.refund_id.get()).await.is_empty());
    assert!(
        fixture
            .store
            .take_turn(Row::Refund(refund.refund_id, payment.payment_id), found[0].next_query, NEVER)
            .await
            .unwrap()
    );
    assert!(due_refunds(refund.due_at, 0).await.is_empty());
}

pub async fn a_turn_is_taken_once(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    let next = fixture.database.now().plus(Duration::from_secs(60));
    let others = if fixture.database.separates_relays { 3 } else { 0 };
    let mut stores = vec![Arc::clone(&fixture.store)];
    for _ in 0..others {
        stores.push(fixture.database.open().await.store);
    }
    let turns =
        stores.iter().cycle().take(8).map(|store| store.take_turn(Row::Payment(payment), Timestamp::EPOCH, next));
    let taken = join_all(turns).await.into_iter().filter(|taken| *taken.as_ref().unwrap()).count();
    assert_eq!(taken, 1);
    // The turn is not a change of the payment: what was read before it can still be saved.
    let read = fixture.order_payments().await;
    assert!(fixture.store.take_turn(Row::Payment(payment), next, NEVER).await.unwrap());
    fixture.save(Some(read.clone()), fixture.captured(&read, payment)).await.unwrap();
}

pub async fn a_refund_that_succeeded_is_checked_a_day_later(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    fixture.step(|read| fixture.captured(&read, payment)).await;
    let due = fixture.step(|read| fixture.cancelled(&read)).await;
    let refund = due.payments[0].refunds[0].refund_id;
    let at = fixture.database.now();
    fixture.step(|read| read.record_refund(refund, at).unwrap().after).await;
    let checks = async |now| {
        let due = DueBy { now, open_since: now };
        fixture.store.due_refunds(RefundStatus::Succeeded, due, 0).await.unwrap()
    };
    assert!(checks(at.plus(FIRST_CHECK).minus(Duration::from_millis(1))).await.is_empty());
    let found = checks(at.plus(FIRST_CHECK)).await;
    assert_eq!((found.len(), found[0].since, found[0].next_query), (1, at, at.plus(FIRST_CHECK)));
    fixture.step(|read| read.record_refund_failure(refund, at).unwrap().after).await;
    assert!(checks(at.plus(FIRST_CHECK)).await.is_empty());
}

pub async fn the_accounts_that_open_rows_need_are_counted(database: TestDatabase) {
    let mut fixture = StoreFixture::at(database).await;
    assert!(fixture.store.needed_accounts().await.unwrap().is_empty());
    let live = ProviderAccount::stripe("acct_1", true);
    let legacy = ProviderAccount { provider: ProviderName::Stripe, account: None };
    for account in [&live, &live, &legacy, &ProviderAccount::sandbox()] {
        fixture.add_order().await;
        let read = fixture.order_payments().await;
        let (payer, now) = (read.order.user_id, fixture.database.now());
        let claimed = read.clone().claim(fixture.database.ids.next(), payer, request_key("k"), account.clone(), now);
        fixture.save(Some(read), claimed.unwrap()).await.unwrap();
        let stored = fixture.order_payments().await;
        assert_eq!(stored.payments[0].account.as_ref(), Some(account));
    }
    // The last one is captured, and its refund is due.
    let payment = fixture.order_payments().await.payments[0].payment_id;
    fixture.step(|read| fixture.captured(&read, payment)).await;
    let due = fixture.step(|read| fixture.cancelled(&read)).await;
    let needed =
        |account: &ProviderAccount, payments, refunds| NeededAccount { account: account.clone(), payments, refunds };
    let sandbox = needed(&ProviderAccount::sandbox(), 0, 1);
    let stripe = [needed(&legacy, 1, 0), needed(&live, 2, 0)];
    assert_eq!(fixture.store.needed_accounts().await.unwrap(), [&[sandbox], &stripe[..]].concat());
    let refund = due.payments[0].refunds[0].refund_id;
    fixture.step(|read| read.record_refund(refund, fixture.database.now()).unwrap().after).await;
    assert_eq!(fixture.store.needed_accounts().await.unwrap(), stripe);
}

pub async fn an_attempt_is_stored_with_its_answer(database: TestDatabase) {
    let (fixture, payment) = StoreFixture::with_a_claim(database).await;
    fixture.step(|read| fixture.captured(&read, payment)).await;
    let due = fixture.step(|read| fixture.cancelled(&read)).await;
    let refund = due.payments[0].refunds[0].clone();
    let answered_at = fixture.database.now();
    let answered = fixture.step(|read| read.record_refund_answer(refund.refund_id, 1, answered_at).unwrap()).await;
    assert_eq!(answered.payments[0].refunds[0].answered_at, Some(answered_at));
    assert_eq!(answered.payments[0].version, due.payments[0].version, "nothing that is visible outside changed");
    assert!(answered.clone().record_refund_answer(refund.refund_id, 1, answered_at).is_none(), "the first one counts");
    let soon = answered_at.plus(Duration::from_millis(59_999));
    assert!(answered.clone().begin_next_attempt(refund.refund_id, 1, soon).is_none());
    let later = answered_at.plus(Duration::from_secs(60));
    assert!(answered.begin_next_attempt(refund.refund_id, 2, later).is_none());
    let next = fixture.step(|read| read.begin_next_attempt(refund.refund_id, 1, later).unwrap()).await;
    assert_eq!((next.payments[0].refunds[0].attempt, next.payments[0].refunds[0].answered_at), (2, None));
}
