//! Capture against cancellation over HTTP, all at once; and every act in every order.

use std::time::Duration;

use futures::future::join_all;
use proptest::prelude::*;
use souk_payment::{
    account::{Account, Decision, Fact, Fresh, OrderNews, OrderState},
    payment::{AskedBy, FailureCode, RefundStatus, RequestKey, Status},
};
use souk_testkit::{World, eventually};
use souk_values::{Clock, Currency, IdGen, Money, OrderId, ShiftedClock, UserId};

use crate::rig::{Rig, at, cancelled, euro, facts};

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

fn key(text: &str) -> RequestKey {
    RequestKey { key_hash: text.to_owned(), body_hash: "body".to_owned() }
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
    let world = World::new().await;
    let fresh = || Fresh { refund_id: world.deps.ids.next(), now: world.clock.now() };
    let order = OrderNews::new(&facts(&world, world.user(), 2), OrderState::Confirmed);
    let known = Account::learn(None, &order, fresh()).unwrap();
    let news = OrderNews { version: 3, state: OrderState::Cancelled, ..order.clone() };
    let closed = Account::learn(Some(known), &news, fresh()).unwrap();
    assert!(Account::learn(Some(closed.clone()), &order, fresh()).is_none());
    let higher = OrderNews::new(&at(&facts(&world, world.user(), 2), 9), OrderState::Confirmed);
    let after = Account::learn(Some(closed), &higher, fresh()).unwrap();
    assert!(after.order.is_closed(), "over is over");
}
