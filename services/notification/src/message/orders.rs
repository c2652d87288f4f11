//! Messages about orders, payments and refunds.

use serde_json::{Value, json};
use souk_events::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderPaid, OrderShipped, PaymentFailed,
    PaymentRefundFailed, PaymentRefunded, PaymentTerms, RefusedLine,
};
use souk_values::{Money, OrderId};

use super::{Audience, Freshness, Message};
use crate::{facts::NoticeFacts, kind::Kind, plain_name::without_links};

pub(crate) fn order_received(event: &OrderCreated) -> Message {
    about_order(Kind::OrderReceived, &event.order, json!({}), false)
}

pub(crate) fn order_confirmed(event: &OrderConfirmed) -> Message {
    about_order(Kind::OrderConfirmed, &event.order, json!({}), false)
}

pub(crate) fn order_cancelled(event: &OrderCancelled) -> Message {
    let refused: Vec<Value> = event.refused_lines.iter().map(|line| refused_view(&event.order, line)).collect();
    let facts = json!({"reason": event.reason, "refused": refused});
    let mut message = about_order(Kind::OrderCancelled, &event.order, facts, true);
    message.shown.cancel_reason = Some(event.reason);
    message
}

pub(crate) fn order_paid(event: &OrderPaid) -> Message {
    about_order(Kind::OrderPaid, &event.order, json!({"paid_at": event.paid_at}), true)
}

pub(crate) fn order_shipped(event: &OrderShipped) -> Message {
    let facts = json!({
        "carrier": event.carrier, "tracking_number": event.tracking_number, "shipped_at": event.shipped_at
    });
    let mut message = about_order(Kind::OrderShipped, &event.order, facts, false);
    message.shown.carrier = Some(event.carrier.clone());
    message.shown.tracking_number = Some(event.tracking_number.clone());
    message
}

pub(crate) fn order_delivered(event: &OrderDelivered) -> Message {
    about_order(Kind::OrderDelivered, &event.order, json!({"delivered_at": event.delivered_at}), false)
}

/// Payment events carry no order version, so this one is dropped only once the order is paid or cancelled.
pub(crate) fn payment_failed(event: &PaymentFailed) -> Message {
    let facts = json!({
        "order_number": event.order_id.to_string(), "amount": event.amount, "failure": event.failure_code
    });
    let shown =
        NoticeFacts { failure_code: Some(event.failure_code.clone()), ..money_of(event.order_id, event.amount) };
    Message {
        freshness: Freshness::UnlessSettled { subject: subject(event.order_id) },
        ..Message::new(Kind::PaymentFailed, Audience::User(event.user_id), page(event.order_id), facts).showing(shown)
    }
}

/// Sent for each refund, however late: an order may have several.
pub(crate) fn payment_refunded(event: &PaymentRefunded) -> Message {
    let facts = json!({
        "order_number": event.order_id.to_string(), "amount": event.amount, "in_full": event.in_full,
        "refunded_at": event.refunded_at
    });
    Message::new(Kind::PaymentRefunded, Audience::User(event.user_id), page(event.order_id), facts)
        .showing(money_of(event.order_id, event.amount))
}

/// Sent to the admins, who alone can return the money by other means.
pub(crate) fn refund_failed(event: &PaymentRefundFailed) -> Message {
    Message::new(Kind::RefundFailed, Audience::Admins, page(event.order_id), refund_failure(event))
        .showing(money_of(event.order_id, event.amount))
}

/// Sent to the customer if the money was reported as returned before; the customer was not notified of any other refund.
pub(crate) fn refund_returned(event: &PaymentRefundFailed) -> Option<Message> {
    let audience = Audience::User(event.user_id);
    event.had_succeeded.then(|| {
        Message::new(Kind::RefundReturned, audience, page(event.order_id), refund_failure(event))
            .showing(money_of(event.order_id, event.amount))
    })
}

fn refund_failure(event: &PaymentRefundFailed) -> Value {
    json!({
        "order_number": event.order_id.to_string(), "payment_number": event.payment_id.to_string(),
        "amount": event.amount, "had_succeeded": event.had_succeeded, "failed_at": event.failed_at
    })
}

/// An older state of an order is not sent after a newer one.
fn about_order(kind: Kind, order: &OrderFacts, facts: Value, settles: bool) -> Message {
    let mut message = Message::new(kind, Audience::User(order.user_id), page(order.order_id), facts);
    message.facts.insert("order".to_owned(), order_view(order));
    message.shown = NoticeFacts { pay_by: order.pay_by, ..money_of(order.order_id, order.total_amount) };
    message.if_newer(subject(order.order_id), order.version, settles)
}

fn money_of(order: OrderId, amount: Money) -> NoticeFacts {
    NoticeFacts { order_id: Some(order), amount: Some(amount), ..NoticeFacts::default() }
}

fn subject(order: OrderId) -> String {
    format!("order:{order}")
}

fn page(order: OrderId) -> String {
    format!("/orders/{order}")
}

fn order_view(order: &OrderFacts) -> Value {
    let items = order.items.iter().map(|line| {
        let sum = line.price.times(line.quantity).map_or_else(|_| json!(""), |sum| json!(sum));
        json!({"name": line.name, "quantity": line.quantity, "price": line.price, "sum": sum})
    });
    let to = &order.shipping_address;
    let town = to.postal_code.as_ref().map_or_else(|| to.city.clone(), |code| format!("{code} {}", to.city));
    let lines = [Some(&to.name), Some(&to.line1), to.line2.as_ref(), Some(&town), Some(&to.country)];
    json!({
        "number": order.order_id.to_string(),
        "placed_at": order.order_date,
        "items": items.collect::<Vec<_>>(),
        "total": order.total_amount,
        "address": lines.into_iter().flatten().map(|line| without_links(line)).collect::<Vec<_>>(),
        "prepaid": order.payment_terms == PaymentTerms::Prepaid,
        "pay_by": order.pay_by,
    })
}

fn refused_view(order: &OrderFacts, refused: &RefusedLine) -> Value {
    let name = order.items.iter().find(|line| line.product_id == refused.product_id).map(|line| line.name.as_str());
    json!({"name": name, "requested": refused.requested, "available": refused.available})
}
