//! Capture against cancellation, in both orders, through the store's acts; and all of it at once.

use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::*;
use souk_payment::{
    account::{Account, Decision, Fact, Fresh, OrderNews, OrderState},
    payment::{AskedBy, FailureCode, Outcome, Payment, RefundStatus, RequestKey, Status},
    store::{Change, PaymentStore, Saved, SqlStore, StoreError},
};
use souk_sql::Access;
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, PaymentId, ShiftedClock, UserId};

use crate::rig::{PRICE, Rig, at, cancelled, config, euro, facts};

struct Desk {
    world: World,
    store: SqlStore,
    order: OrderNews,
}

impl Desk {
    /// A store with one order and a payment of it that is claimed.
    async fn with_a_claim() -> (Self, PaymentId) {
        let world = World::new().await;
        let store = SqlStore::open(&config(&world).store_url, Access::ReadWrite).await.unwrap();
        let order = OrderNews::new(&facts(&world, world.user(), 2), OrderState::Confirmed);
        let desk = Self { world, store, order };
        let known = Account::learn(None, &desk.order, desk.fresh()).unwrap();
        let payment = desk.world.deps.ids.next();
        let claimed = known.claim(payment, desk.order.user_id, key("k"), desk.world.clock.now()).unwrap();
        desk.save(None, claimed).await.unwrap();
        (desk, payment)
    }

    fn fresh(&self) -> Fresh {
        Fresh { refund_id: self.world.deps.ids.next(), now: self.world.clock.now() }
    }

    async fn account(&self) -> Account {
        self.store.account(self.order.order_id).await.unwrap().unwrap()
    }

    async fn save(&self, before: Option<Account>, after: Account) -> Result<Saved, StoreError> {
        let now = self.world.clock.now();
        self.store.save(Change { before, after, events: Vec::new(), cause: None, now }).await
    }

    fn closed(&self, known: &Account) -> Account {
        let news = OrderNews { version: 3, state: OrderState::Cancelled, ..self.order.clone() };
        Account::learn(Some(known.clone()), &news, self.fresh()).unwrap()
    }

    fn captured(&self, known: &Account, payment: PaymentId) -> Account {
        known.clone().captured(payment, self.world.clock.now(), self.fresh()).unwrap().account
    }
}

fn key(text: &str) -> RequestKey {
    RequestKey { key_hash: text.to_owned(), body_hash: "body".to_owned() }
}

fn due(account: &Account) -> Vec<i64> {
    let refunds = account.payments.iter().flat_map(|payment| &payment.refunds);
    refunds.map(|refund| refund.amount.minor).collect()
}

#[tokio::test]
async fn whichever_of_capture_and_cancellation_commits_second_makes_the_refund_due() {
    for capture_first in [true, false] {
        let (desk, payment) = Desk::with_a_claim().await;
        // Both read before either writes.
        let read = desk.account().await;
        let (captured, closed) = (desk.captured(&read, payment), desk.closed(&read));
        assert!(due(&captured).is_empty() && due(&closed).is_empty(), "neither sees the other");
        let (first, second) = if capture_first { (captured, closed) } else { (closed, captured) };
        desk.save(Some(read.clone()), first).await.unwrap();
        assert!(matches!(desk.save(Some(read), second).await, Err(StoreError::Conflict)));
        // The second decides anew, on what it sees now.
        let read = desk.account().await;
        let anew = if capture_first { desk.closed(&read) } else { desk.captured(&read, payment) };
        desk.save(Some(read), anew).await.unwrap();
        let account = desk.account().await;
        assert!(account.order.is_closed());
        assert_eq!(account.payment(payment).unwrap().status(), Status::Succeeded);
        assert_eq!(due(&account), [PRICE], "capture first: {capture_first}");
    }
}

#[tokio::test]
async fn a_claim_and_a_cancellation_see_each_other() {
    let (desk, payment) = Desk::with_a_claim().await;
    let read = desk.account().await;
    let failed = read.clone().refused(payment, FailureCode::CardDeclined).unwrap().account;
    desk.save(Some(read), failed).await.unwrap();
    let read = desk.account().await;
    let now = desk.world.clock.now();
    let claim = |account: Account| account.claim(desk.world.deps.ids.next(), desk.order.user_id, key("2"), now);
    let claimed = claim(read.clone()).unwrap();
    desk.save(Some(read.clone()), desk.closed(&read)).await.unwrap();
    assert!(matches!(desk.save(Some(read), claimed).await, Err(StoreError::Conflict)));
    assert!(claim(desk.account().await).is_err(), "the order is over");
}

#[tokio::test]
async fn the_store_itself_refuses_a_second_claim_and_a_second_use_of_a_key() {
    let (desk, _) = Desk::with_a_claim().await;
    let read = desk.account().await;
    // A decision that forgot to look: the index still holds.
    let mut forgetful = read.clone();
    let second = Payment { payment_id: desk.world.deps.ids.next(), key: key("2"), ..forgetful.payments[0].clone() };
    forgetful.payments.push(second);
    assert!(matches!(desk.save(Some(read), forgetful).await, Err(StoreError::Conflict)));
    let other = OrderNews { order_id: desk.world.deps.ids.next(), ..desk.order.clone() };
    let known = Account::learn(None, &other, desk.fresh()).unwrap();
    let now = desk.world.clock.now();
    let same_key = known.claim(desk.world.deps.ids.next(), other.user_id, key("k"), now).unwrap();
    assert!(matches!(desk.save(None, same_key).await, Err(StoreError::Conflict)));
    assert!(desk.store.account(other.order_id).await.unwrap().is_none(), "nothing of it is stored");
    assert_eq!(desk.account().await.payments.len(), 1);
}

#[tokio::test]
async fn an_account_is_stored_and_read_back_whole() {
    let (desk, payment) = Desk::with_a_claim().await;
    let read = desk.account().await;
    let late = read.clone().refused(payment, FailureCode::InsufficientFunds).unwrap().account;
    desk.save(Some(read), late).await.unwrap();
    let read = desk.account().await;
    let captured = desk.captured(&read, payment);
    assert!(matches!(captured.payments[0].outcome, Outcome::CapturedLate { .. }));
    desk.save(Some(read), captured.clone()).await.unwrap();
    let stored = desk.account().await;
    assert_eq!(stored, Account { row_version: 3, ..captured });
}

#[tokio::test]
async fn paying_and_cancelling_at_once_never_keeps_the_money_of_a_cancelled_order() {
    let rig = Rig::new().await;
    let orders: Vec<_> = (0..30).map(|_| rig.confirmed()).collect();
    join_all(orders.iter().enumerate().map(|(number, order)| {
        let rig = &rig;
        async move {
            let cancel = cancelled(&rig.world, order, 3);
            let key = number.to_string();
            let pay = rig.pay(order.order_id, &key, "tok_visa");
            let cancel = async { rig.world.deps.transport.publish(&[cancel]).await.unwrap() };
            let (answer, _) = if number % 2 == 0 {
                futures::join!(pay, cancel)
            } else {
                let (told, answer) = futures::join!(cancel, pay);
                (answer, told)
            };
            assert!(matches!(answer.status.as_u16(), 201 | 409), "{}", answer.text);
        }
    }))
    .await;
    eventually("all that was captured is returned", || async {
        let facts = rig.facts().await;
        let is_returned = |order: OrderId| {
            let of_order = facts.ledger.iter().filter(|entry| entry.order_id == Some(order));
            let captures = of_order.clone().filter(|entry| entry.key == entry.payment_id).count();
            captures <= 1 && of_order.count() == 2 * captures
        };
        facts.payments.iter().all(|payment| payment.status != Status::Processing && payment.status != Status::Succeeded)
            && orders.iter().all(|order| is_returned(order.order_id))
    })
    .await;
    for order in &orders {
        rig.order_does_not_answer_for(order.order_id);
        let refused = rig.pay(order.order_id, &format!("late{}", order.order_id), "tok_visa").await;
        assert_eq!(refused.status.as_u16(), 409, "{}", refused.text);
    }
}

#[derive(Debug, Clone)]
enum Act {
    Claim,
    Capture(usize),
    Refuse(usize),
    Cancel,
    AskAll(usize),
    Ask(usize, i64),
    Return(usize),
    RefuseRefund(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        Just(Act::Claim),
        (0_usize..4).prop_map(Act::Capture),
        (0_usize..4).prop_map(Act::Refuse),
        Just(Act::Cancel),
        (0_usize..4).prop_map(Act::AskAll),
        ((0_usize..4), -5_i64..1_200).prop_map(|(payment, minor)| Act::Ask(payment, minor)),
        (0_usize..12).prop_map(Act::Return),
        (0_usize..12).prop_map(Act::RefuseRefund),
    ];
    proptest::collection::vec(act, 0..40)
}

fn run(account: Account, act: &Act, ids: &IdGen, clock: &ShiftedClock) -> (Account, Vec<Fact>) {
    let now = clock.now();
    let fresh = Fresh { refund_id: ids.next(), now };
    let payment = |number: usize| account.payments.get(number).map(|payment| payment.payment_id);
    let refunds: Vec<_> = account.payments.iter().flat_map(|payment| &payment.refunds).collect();
    let refund = |number: usize| refunds.get(number).map(|refund| refund.refund_id);
    let asked = AskedBy { admin: account.order.user_id, key: key(&ids.token(8)) };
    let plain = |after: Option<Account>| after.map(|account| Decision { account, facts: Vec::new() });
    let known = account.clone();
    let decision = match act {
        Act::Claim => plain(known.claim(ids.next(), account.order.user_id, key(&ids.token(8)), now).ok()),
        Act::Capture(number) => payment(*number).and_then(|id| known.captured(id, now, fresh)),
        Act::Refuse(number) => payment(*number).and_then(|id| known.refused(id, FailureCode::CardDeclined)),
        Act::Cancel => {
            let version = known.order.version + 1;
            let news = OrderNews { state: OrderState::Cancelled, version, ..known.order.clone() };
            plain(Account::learn(Some(known), &news, fresh))
        }
        Act::AskAll(number) => plain(payment(*number).and_then(|id| known.ask_refund(id, None, asked, fresh).ok())),
        Act::Ask(number, minor) => {
            plain(payment(*number).and_then(|id| known.ask_refund(id, Some(euro(*minor)), asked, fresh).ok()))
        }
        Act::Return(number) => refund(*number).and_then(|id| known.returned(id, now)),
        Act::RefuseRefund(number) => refund(*number).and_then(|id| known.refund_refused(id, now)),
    };
    decision.map_or((account, Vec::new()), |decision| (decision.account, decision.facts))
}

proptest! {
    #[test]
    fn refunds_never_exceed_the_capture_and_an_order_has_one_claim(acts in acts()) {
        let clock = ShiftedClock::new(Duration::ZERO);
        let ids = IdGen::new(clock.clone());
        let user: UserId = ids.next();
        let order = OrderNews {
            order_id: ids.next(),
            user_id: user,
            amount: Money::new(1_000, Currency::EUR),
            terms: souk_events::PaymentTerms::OnDelivery,
            state: OrderState::Confirmed,
            pay_by: None,
            version: 2,
        };
        let mut account = Account { order, payments: Vec::new(), row_version: 1 };
        let mut told = Vec::new();
        for act in &acts {
            let (after, facts) = run(account, act, &ids, &clock);
            account = after;
            told.extend(facts);
            prop_assert!(account.payments.iter().filter(|payment| payment.holds_claim()).count() <= 1);
            for payment in &account.payments {
                let promised: i64 = payment.refunds.iter()
                    .filter(|refund| refund.status != RefundStatus::Failed)
                    .map(|refund| refund.amount.minor).sum();
                prop_assert!(payment.refunds.iter().all(|refund| refund.amount.minor > 0));
                let captured = if payment.captured_at().is_some() { payment.amount.minor } else { 0 };
                prop_assert!(promised <= captured, "{promised} of {captured}");
                prop_assert_eq!(payment.refundable().minor, captured - promised);
            }
            if account.order.is_closed() {
                let kept = account.payments.iter().filter(|payment| {
                    payment.refundable().minor > 0
                        && payment.refunds.iter().all(|refund| refund.status != RefundStatus::Failed)
                });
                prop_assert_eq!(kept.count(), 0, "all that a cancelled order captured is due back");
            }
        }
        let succeeded = told.iter().filter(|fact| matches!(fact, Fact::Succeeded(_))).count();
        prop_assert!(succeeded <= 1);
        let refunded: i64 = told.iter().filter_map(|fact| match fact {
            Fact::Refunded(refunded) => Some(refunded.amount.minor),
            Fact::Succeeded(_) | Fact::Failed(_) => None,
        }).sum();
        let shown = account.payments.iter().map(|payment| payment.refunded().minor).sum::<i64>();
        prop_assert_eq!(refunded, shown);
    }
}

#[tokio::test]
async fn a_lower_version_never_reopens_an_order() {
    let (desk, _) = Desk::with_a_claim().await;
    let read = desk.account().await;
    let closed = desk.closed(&read);
    assert!(Account::learn(Some(closed.clone()), &desk.order, desk.fresh()).is_none());
    let world = &desk.world;
    let higher = OrderNews::new(&at(&facts(world, world.user(), 2), 9), OrderState::Confirmed);
    let after = Account::learn(Some(closed), &higher, desk.fresh()).unwrap();
    assert!(after.order.is_closed(), "over is over");
}
