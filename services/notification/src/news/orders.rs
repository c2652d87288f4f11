//! News of orders and their money. A late event is not told once a newer state of its order was heard.

use serde_json::{Value, json};
use souk_events::{
    OrderCancelled, OrderConfirmed, OrderCreated, OrderDelivered, OrderFacts, OrderPaid, OrderShipped, PaymentFailed,
    PaymentRefunded, PaymentTerms, RefusedLine,
};
use souk_values::OrderId;

use super::{Audience, Freshness, News};
use crate::Kind;

/// It arrived here; its stock is being reserved.
#[must_use]
pub fn received(event: &OrderCreated) -> News {
    of_order(Kind::OrderReceived, &event.order, json!({}), false)
}

/// Its stock is reserved, and when it is to be paid.
#[must_use]
pub fn confirmed(event: &OrderConfirmed) -> News {
    of_order(Kind::OrderConfirmed, &event.order, json!({}), false)
}

/// It is over, why, and what could not be had.
#[must_use]
pub fn cancelled(event: &OrderCancelled) -> News {
    let refused: Vec<Value> = event.refused_lines.iter().map(|line| refused(&event.order, line)).collect();
    of_order(Kind::OrderCancelled, &event.order, json!({"reason": event.reason, "refused": refused}), true)
}

/// Its money is here.
#[must_use]
pub fn paid(event: &OrderPaid) -> News {
    of_order(Kind::OrderPaid, &event.order, json!({"paid_at": event.paid_at}), true)
}

/// Who brings it, under which number.
#[must_use]
pub fn shipped(event: &OrderShipped) -> News {
    let facts = json!({
        "carrier": event.carrier, "tracking_number": event.tracking_number, "shipped_at": event.shipped_at
    });
    of_order(Kind::OrderShipped, &event.order, facts, false)
}

/// It is there.
#[must_use]
pub fn delivered(event: &OrderDelivered) -> News {
    of_order(Kind::OrderDelivered, &event.order, json!({"delivered_at": event.delivered_at}), false)
}

/// An attempt to pay failed. No news any more once the order is paid or cancelled.
#[must_use]
pub fn payment_failed(event: &PaymentFailed) -> News {
    let facts = json!({
        "order_number": event.order_id.to_string(), "amount": event.amount.to_string(), "failure": event.failure_code
    });
    News {
        freshness: Freshness::UnlessSettled { subject: subject(event.order_id) },
        ..News::new(Kind::PaymentFailed, Audience::User(event.user_id), page(event.order_id), facts)
    }
}

/// Money went back; each return is told by itself.
#[must_use]
pub fn refunded(event: &PaymentRefunded) -> News {
    let facts = json!({
        "order_number": event.order_id.to_string(), "amount": event.amount.to_string(), "in_full": event.in_full,
        "refunded_at": event.refunded_at
    });
    News::new(Kind::PaymentRefunded, Audience::User(event.user_id), page(event.order_id), facts)
}

fn of_order(kind: Kind, order: &OrderFacts, more: Value, settles: bool) -> News {
    let mut news = News::new(kind, Audience::User(order.user_id), page(order.order_id), more);
    news.facts.insert("order".to_owned(), view(order));
    news.if_newer(subject(order.order_id), order.version, settles)
}

fn subject(order: OrderId) -> String {
    format!("order:{order}")
}

fn page(order: OrderId) -> String {
    format!("/orders/{order}")
}

fn view(order: &OrderFacts) -> Value {
    let items = order.items.iter().map(|line| {
        let sum = line.price.times(line.quantity).map(|sum| sum.to_string()).unwrap_or_default();
        json!({"name": line.name, "quantity": line.quantity, "price": line.price.to_string(), "sum": sum})
    });
    let to = &order.shipping_address;
    let town = format!("{} {}", to.postal_code, to.city);
    let lines = [Some(&to.name), Some(&to.line1), to.line2.as_ref(), Some(&town), Some(&to.country)];
    json!({
        "number": order.order_id.to_string(),
        "placed_at": order.order_date,
        "items": items.collect::<Vec<_>>(),
        "total": order.total_amount.to_string(),
        "address": lines.into_iter().flatten().collect::<Vec<_>>(),
        "prepaid": order.payment_terms == PaymentTerms::Prepaid,
        "pay_by": order.pay_by,
    })
}

fn refused(order: &OrderFacts, refused: &RefusedLine) -> Value {
    let name = order.items.iter().find(|line| line.product_id == refused.product_id).map(|line| line.name.as_str());
    json!({"name": name, "requested": refused.requested, "available": refused.available})
}
