//! Checks [`apply`] against a table of every state and every input.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use souk_events::{CancelReason, OrderLine, PaymentTerms, RefusedLine, ShippingAddress};
use souk_values::{Currency, Id, Money, OrderId, OrderItemId, PaymentId, ProductId, Timestamp, UserId};

use super::{
    Deadlines, Order, OrderStatus, StepDetail,
    transition::{Change, Input, OrderEvent, Refusal, apply},
};

/// Expected outcomes. `-`: no change; `409`: refused; `noted`: a step without a new status or event; a status:
/// the step of that name leads to it; `step/status`: that step, while another milestone stays the latest.
const TABLE: &str = "
state                     reserved  rejected  paid           failed refund    part  bounced customer  admin     lapse     undecided ship         deliver
prepaid:created           confirmed cancelled -              noted  cancelled noted noted   cancelled cancelled -         cancelled 409          409
prepaid:confirmed         -         -         paid           noted  cancelled noted noted   cancelled cancelled cancelled -         409          409
prepaid:paid              -         -         -              noted  cancelled noted noted   409       cancelled -         -         shipped      409
prepaid:shipped           -         -         -              noted  noted     noted noted   409       409       -         -         409          delivered
prepaid:delivered         -         -         -              noted  noted     noted noted   409       409       -         -         409          409
prepaid:cancelled         -         -         -              noted  noted     noted noted   409       409       -         -         409          409
prepaid:paid,cancelled    -         -         -              noted  noted     noted noted   409       409       -         -         409          409
onDelivery:created        confirmed cancelled -              noted  cancelled noted noted   cancelled cancelled -         cancelled 409          409
onDelivery:confirmed      -         -         paid           noted  cancelled noted noted   cancelled cancelled -         -         shipped      409
onDelivery:paid           -         -         -              noted  cancelled noted noted   409       cancelled -         -         shipped/paid 409
onDelivery:shipped        -         -         paid           noted  noted     noted noted   409       409       -         -         409          delivered
onDelivery:paid,shipped   -         -         -              noted  noted     noted noted   409       409       -         -         409          delivered
onDelivery:shipped,paid   -         -         -              noted  noted     noted noted   409       409       -         -         409          delivered
onDelivery:delivered      -         -         paid/delivered noted  noted     noted noted   409       409       -         -         409          409
onDelivery:paid,delivered -         -         -              noted  noted     noted noted   409       409       -         -         409          409
onDelivery:delivered,paid -         -         -              noted  noted     noted noted   409       409       -         -         409          409
onDelivery:cancelled      -         -         -              noted  noted     noted noted   409       409       -         -         409          409
";

const TOTAL: i64 = 5_000;
const PAY_WITHIN: Duration = Duration::from_secs(1_800);
const DECIDE_WITHIN: Duration = Duration::from_secs(900);

fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000 + second * 1_000)
}

fn placed(payment_terms: PaymentTerms) -> Order {
    let price = Money::new(TOTAL / 2, Currency::EUR);
    let line = OrderLine {
        order_item_id: OrderItemId::new(1).unwrap(),
        product_id: ProductId::new(7).unwrap(),
        name: "Linen shirt".into(),
        quantity: 2,
        price,
        cart_item_id: None,
    };
    Order {
        order_id: OrderId::new(1).unwrap(),
        user_id: UserId::new(2).unwrap(),
        order_date: at(0),
        total_amount: Money::new(TOTAL, Currency::EUR),
        lines: vec![line],
        shipping_address: ShippingAddress {
            name: "Ada".into(),
            line1: "1 Long Street".into(),
            line2: None,
            city: "Berlin".into(),
            postal_code: Some("10115".into()),
            country: "DE".into(),
            phone: None,
        },
        payment_terms,
        pay_by: None,
        payment_id: None,
        cancel_reason: None,
        refused_lines: Vec::new(),
        confirmed_at: None,
        paid_at: None,
        shipped_at: None,
        delivered_at: None,
        cancelled_at: None,
        refunded_at: None,
        version: 1,
    }
}

fn refunded(payment: i64, in_full: bool, had_failed: bool) -> Input {
    Input::Refunded {
        payment_id: PaymentId::new(payment).unwrap(),
        amount: Money::new(if in_full { TOTAL } else { 1 }, Currency::EUR),
        in_full,
        had_failed,
        came_back: false,
        at: at(90),
    }
}

fn refund_failed(payment: i64) -> Input {
    let amount = Money::new(TOTAL, Currency::EUR);
    Input::RefundFailed { payment_id: PaymentId::new(payment).unwrap(), amount, at: at(95) }
}

fn paid(amount: i64) -> Input {
    Input::Paid { payment_id: PaymentId::new(9).unwrap(), amount: Money::new(amount, Currency::EUR), at: at(20) }
}

fn input(name: &str) -> Input {
    let refused = RefusedLine { product_id: ProductId::new(7).unwrap(), requested: 2, available: 1 };
    match name {
        "reserved" => Input::StockReserved { pay_within: PAY_WITHIN },
        "rejected" => Input::StockRejected { lines: vec![refused] },
        "paid" => paid(TOTAL),
        "failed" => {
            Input::PaymentFailed { payment_id: PaymentId::new(8).unwrap(), failure_code: "card_declined".into() }
        }
        "refund" => refunded(9, true, false),
        "part" => refunded(9, false, false),
        "bounced" => refund_failed(9),
        "customer" => Input::CancelByCustomer,
        "admin" => Input::CancelByAdmin,
        "lapse" => Input::LapseUnpaid,
        "undecided" => Input::LapseUndecided { decide_within: DECIDE_WITHIN },
        "ship" => Input::Ship { carrier: "DHL".into(), tracking_number: "1".into() },
        "deliver" => Input::Deliver,
        other => panic!("no input {other}"),
    }
}

/// Builds the order that a row's name describes, by applying inputs.
fn state(name: &str) -> Order {
    let (terms, milestones) = name.split_once(':').unwrap();
    let terms = if terms == "prepaid" { PaymentTerms::Prepaid } else { PaymentTerms::OnDelivery };
    let ways: &[&str] = match (terms, milestones) {
        (_, "created") => &[],
        (_, "confirmed") => &["reserved"],
        (_, "cancelled") => &["reserved", "customer"],
        (_, "paid") => &["reserved", "paid"],
        (_, "paid,cancelled") => &["reserved", "paid", "admin"],
        (PaymentTerms::Prepaid, "shipped") | (_, "paid,shipped") => &["reserved", "paid", "ship"],
        (PaymentTerms::Prepaid, "delivered") | (_, "paid,delivered") => &["reserved", "paid", "ship", "deliver"],
        (PaymentTerms::OnDelivery, "shipped") => &["reserved", "ship"],
        (PaymentTerms::OnDelivery, "shipped,paid") => &["reserved", "ship", "paid"],
        (PaymentTerms::OnDelivery, "delivered") => &["reserved", "ship", "deliver"],
        (PaymentTerms::OnDelivery, "delivered,paid") => &["reserved", "ship", "deliver", "paid"],
        other => panic!("no state {other:?}"),
    };
    ways.iter().fold(placed(terms), |order, name| apply(&order, &input(name), at(10)).unwrap().order)
}

fn event_name(event: Option<&OrderEvent>) -> &'static str {
    match event {
        None => "nothing",
        Some(OrderEvent::Confirmed(_)) => "confirmed",
        Some(OrderEvent::Cancelled(_)) => "cancelled",
        Some(OrderEvent::Paid(_)) => "paid",
        Some(OrderEvent::Shipped(_)) => "shipped",
        Some(OrderEvent::Delivered(_)) => "delivered",
    }
}

fn cell(before: &Order, outcome: &Result<Change, Refusal>) -> String {
    match outcome {
        Err(Refusal::NothingToDo) => "-".into(),
        Err(Refusal::AmountMismatch) => "amount".into(),
        Err(Refusal::NotCancellable | Refusal::NotShippable | Refusal::NotDeliverable) => "409".into(),
        Ok(change) => {
            let step = change.step.as_str();
            let status = change.order.status().as_str();
            assert_eq!(change.order.version, before.version + 1);
            if change.event.is_none() {
                assert_eq!(change.order.status(), before.status());
                return "noted".into();
            }
            assert_eq!(event_name(change.event.as_ref()), step);
            if step == status { step.into() } else { format!("{step}/{status}") }
        }
    }
}

#[test]
fn every_state_and_input_matches_the_table() {
    let mut lines = TABLE.trim().lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let inputs = lines.next().unwrap();
    let mut cells = 0;
    for row in lines {
        assert_eq!(row.len(), inputs.len(), "{row:?}");
        let before = state(row[0]);
        for (name, expected) in inputs.iter().zip(&row).skip(1) {
            let outcome = apply(&before, &input(name), at(5_000));
            assert_eq!(cell(&before, &outcome), *expected, "{} met {name}", row[0]);
            cells += 1;
        }
    }
    assert_eq!(cells, 17 * 13);
}

#[test]
fn a_confirmed_prepaid_order_gets_a_payment_deadline_and_lapses_no_sooner() {
    let order = apply(&placed(PaymentTerms::Prepaid), &input("reserved"), at(10)).unwrap().order;
    let pay_by = at(10).plus(PAY_WITHIN);
    assert_eq!(order.pay_by, Some(pay_by));
    let early = pay_by.minus(Duration::from_millis(1));
    assert_eq!(apply(&order, &Input::LapseUnpaid, early), Err(Refusal::NothingToDo));
    let lapsed = apply(&order, &Input::LapseUnpaid, pay_by).unwrap().order;
    assert_eq!(lapsed.cancel_reason, Some(CancelReason::Unpaid));
    let on_delivery = apply(&placed(PaymentTerms::OnDelivery), &input("reserved"), at(10)).unwrap().order;
    assert_eq!(on_delivery.pay_by, None);
}

#[test]
fn an_order_is_undecided_no_sooner_than_its_deadline() {
    let order = placed(PaymentTerms::Prepaid);
    let decide_by = at(0).plus(DECIDE_WITHIN);
    let undecided = Input::LapseUndecided { decide_within: DECIDE_WITHIN };
    assert_eq!(apply(&order, &undecided, decide_by.minus(Duration::from_millis(1))), Err(Refusal::NothingToDo));
    let change = apply(&order, &undecided, decide_by).unwrap();
    assert_eq!(change.order.cancel_reason, Some(CancelReason::Undecided));
    let Some(OrderEvent::Cancelled(event)) = change.event else { panic!("no event is published") };
    assert_eq!(event.reason, CancelReason::Undecided);
}

#[test]
fn an_order_is_due_while_it_waits_for_an_answer_or_for_money() {
    let deadlines = Deadlines { decide_within: DECIDE_WITHIN, lapse_after: Duration::from_secs(30) };
    let due = |name: &str| state(name).due_at(deadlines);
    for terms in ["prepaid", "onDelivery"] {
        assert_eq!(due(&format!("{terms}:created")), Some(at(900)));
    }
    assert_eq!(due("prepaid:confirmed"), Some(at(10).plus(PAY_WITHIN).plus(Duration::from_secs(30))));
    for name in ["onDelivery:confirmed", "prepaid:paid", "prepaid:shipped", "prepaid:delivered", "prepaid:cancelled"] {
        assert_eq!(due(name), None, "{name}");
    }
}

#[test]
fn a_capture_of_another_amount_pays_nothing() {
    for state_name in ["prepaid:confirmed", "onDelivery:shipped"] {
        assert_eq!(apply(&state(state_name), &paid(TOTAL - 1), at(30)), Err(Refusal::AmountMismatch));
    }
    assert_eq!(apply(&state("prepaid:cancelled"), &paid(1), at(30)), Err(Refusal::NothingToDo));
}

#[test]
fn only_a_full_refund_of_its_own_payment_cancels_an_order() {
    let refund = |order: &str, payment, had_failed| {
        let change = apply(&state(order), &refunded(payment, true, had_failed), at(40)).unwrap();
        (change.order.status(), change.order.refunded_at.is_some())
    };
    assert_eq!(refund("prepaid:paid", 9, false), (OrderStatus::Cancelled, true));
    assert_eq!(refund("prepaid:paid", 8, false), (OrderStatus::Paid, false));
    assert_eq!(refund("prepaid:confirmed", 8, true), (OrderStatus::Confirmed, false));
    // The refund overtook the event of its capture.
    assert_eq!(refund("prepaid:confirmed", 9, false), (OrderStatus::Cancelled, true));
    assert_eq!(refund("prepaid:cancelled", 9, false), (OrderStatus::Cancelled, true));
    assert_eq!(refund("prepaid:shipped", 9, false), (OrderStatus::Shipped, true));
    let change = apply(&state("prepaid:paid"), &input("refund"), at(40)).unwrap();
    assert_eq!(change.order.cancel_reason, Some(CancelReason::Refunded));
}

#[test]
fn an_order_is_refunded_until_its_refund_fails() {
    let refunded_at = |order: Order| order.refunded_at;
    let refunded = apply(&state("prepaid:shipped"), &input("refund"), at(40)).unwrap().order;
    let after = |input: &Input| refunded_at(apply(&refunded, input, at(50)).unwrap().order);
    assert_eq!(after(&refund_failed(9)), None);
    assert_eq!(after(&refund_failed(8)), Some(at(90)), "that was of another payment");
    // The failure overtook the refund.
    let mut late = input("refund");
    if let Input::Refunded { came_back, .. } = &mut late {
        *came_back = true;
    }
    let order = apply(&state("prepaid:paid"), &late, at(40)).unwrap().order;
    assert_eq!((order.status(), order.refunded_at), (OrderStatus::Paid, None));
}

#[test]
fn the_timeline_names_payment_amount_and_reason_of_each_step() {
    let detail = |order: &str, name: &str| apply(&state(order), &input(name), at(5_000)).unwrap().detail;
    let payment_id = PaymentId::new(9).ok();
    let money = |minor| Some(Money::new(minor, Currency::EUR));
    let refused = RefusedLine { product_id: ProductId::new(7).unwrap(), requested: 2, available: 1 };
    let nothing = StepDetail::default;
    let reason = |reason| Some(StepDetail { reason: Some(reason), ..nothing() });
    assert_eq!(detail("prepaid:created", "reserved"), None);
    let rejected = StepDetail { reason: Some(CancelReason::OutOfStock), refused_lines: vec![refused], ..nothing() };
    assert_eq!(detail("prepaid:created", "rejected"), Some(rejected));
    let paid = StepDetail { payment_id, amount: money(TOTAL), ..nothing() };
    assert_eq!(detail("prepaid:confirmed", "paid"), Some(paid.clone()));
    let failed =
        StepDetail { payment_id: PaymentId::new(8).ok(), failure_code: Some("card_declined".into()), ..nothing() };
    assert_eq!(detail("prepaid:confirmed", "failed"), Some(failed));
    let refund = StepDetail { in_full: Some(true), ..paid.clone() };
    assert_eq!(detail("prepaid:shipped", "refund"), Some(refund.clone()));
    let cancelling = StepDetail { reason: Some(CancelReason::Refunded), ..refund };
    assert_eq!(detail("prepaid:paid", "refund"), Some(cancelling));
    let part = StepDetail { payment_id, amount: money(1), in_full: Some(false), ..nothing() };
    assert_eq!(detail("prepaid:paid", "part"), Some(part));
    assert_eq!(detail("prepaid:paid", "bounced"), Some(paid));
    assert_eq!(detail("prepaid:confirmed", "customer"), reason(CancelReason::Customer));
    assert_eq!(detail("prepaid:paid", "admin"), reason(CancelReason::Admin));
    assert_eq!(detail("prepaid:confirmed", "lapse"), reason(CancelReason::Unpaid));
    assert_eq!(detail("prepaid:created", "undecided"), reason(CancelReason::Undecided));
    let shipped = StepDetail { carrier: Some("DHL".into()), tracking_number: Some("1".into()), ..nothing() };
    assert_eq!(detail("prepaid:paid", "ship"), Some(shipped));
}

#[test]
fn a_rejected_order_lists_the_refused_lines() {
    let change = apply(&placed(PaymentTerms::Prepaid), &input("rejected"), at(10)).unwrap();
    assert_eq!(change.order.cancel_reason, Some(CancelReason::OutOfStock));
    assert_eq!(change.order.refused_lines.len(), 1);
    let Some(OrderEvent::Cancelled(event)) = change.event else { panic!("no event is published") };
    assert_eq!((event.reason, event.refused_lines.len()), (CancelReason::OutOfStock, 1));
    assert_eq!(event.order.version, 2);
}

proptest! {
    /// For any inputs in any order: milestones are never undone, each is published once, and a cancelled
    /// order was never shipped.
    #[test]
    fn no_sequence_of_inputs_breaks_an_invariant(on_delivery: bool, steps in prop::collection::vec((0_usize..13, 0_i64..4_000), 0..30)) {
        let names = ["reserved", "rejected", "paid", "failed", "refund", "part", "bounced", "customer", "admin", "lapse", "undecided", "ship", "deliver"];
        let terms = if on_delivery { PaymentTerms::OnDelivery } else { PaymentTerms::Prepaid };
        let mut order = placed(terms);
        let mut published: BTreeMap<&str, u32> = BTreeMap::new();
        for (index, second) in steps {
            let Ok(change) = apply(&order, &input(names[index]), at(second)) else { continue };
            let milestones = |order: &Order| {
                [order.confirmed_at, order.paid_at, order.shipped_at, order.delivered_at, order.cancelled_at]
            };
            for (before, after) in milestones(&order).into_iter().zip(milestones(&change.order)) {
                prop_assert!(before.is_none() || before == after);
            }
            if change.event.is_some() {
                *published.entry(event_name(change.event.as_ref())).or_default() += 1;
            }
            order = change.order;
        }
        prop_assert!(published.values().all(|times| *times == 1), "{published:?}");
        prop_assert!(order.cancelled_at.is_none() || order.shipped_at.is_none());
        prop_assert!(order.delivered_at.is_none() || order.shipped_at.is_some());
        prop_assert!(order.paid_at.is_none() || order.confirmed_at.is_some());
        prop_assert!(order.shipped_at.is_none() || on_delivery || order.paid_at.is_some());
    }
}
