//! Messages about carts, wishlists and stock.

use serde_json::{Value, json};
use souk_events::{CartAbandoned, StockLow, WishlistBackInStock, WishlistPriceDropped};
use souk_values::ProductId;

use super::{Audience, Message};
use crate::{facts::NoticeFacts, kind::Kind};

/// Guests have no address: their reminder waits until `expires_at` and is then deleted.
pub(crate) fn cart_reminder(event: &CartAbandoned) -> Message {
    let lines: Vec<Value> =
        event.lines.iter().map(|line| json!({"name": line.name, "quantity": line.quantity})).collect();
    let facts = json!({"lines": lines, "expires_at": event.expires_at});
    let shown =
        NoticeFacts { items: Some(event.lines.len()), expires_at: Some(event.expires_at), ..NoticeFacts::default() };
    Message {
        good_until: Some(event.expires_at),
        ..Message::new(Kind::CartReminder, Audience::User(event.user_id), "/cart".to_owned(), facts).showing(shown)
    }
}

pub(crate) fn back_in_stock(event: &WishlistBackInStock) -> Message {
    let facts = json!({"product": {"name": event.name, "price": event.price}});
    let subject = format!("back_in_stock:{}:{}", event.user_id, event.product_id);
    let shown = NoticeFacts { price: Some(event.price), ..product(event.product_id, &event.name) };
    Message::new(Kind::BackInStock, Audience::User(event.user_id), page(event.product_id), facts)
        .showing(shown)
        .if_newer(subject, event.revision, false)
}

pub(crate) fn price_dropped(event: &WishlistPriceDropped) -> Message {
    let facts = json!({"product": {
        "name": event.name, "old_price": event.old_price, "price": event.new_price
    }});
    let subject = format!("price_dropped:{}:{}", event.user_id, event.product_id);
    let shown = NoticeFacts {
        price: Some(event.new_price),
        old_price: Some(event.old_price),
        ..product(event.product_id, &event.name)
    };
    Message::new(Kind::PriceDropped, Audience::User(event.user_id), page(event.product_id), facts)
        .showing(shown)
        .if_newer(subject, event.revision, false)
}

pub(crate) fn stock_low(event: &StockLow) -> Message {
    let facts = json!({"product": {
        "name": event.name, "sku": event.sku, "stock": event.stock, "low_stock_at": event.low_stock_at
    }});
    let shown = NoticeFacts { stock: Some(event.stock), ..product(event.product_id, &event.name) };
    Message::new(Kind::StockLow, Audience::Admins, page(event.product_id), facts).showing(shown).if_newer(
        format!("stock_low:{}", event.product_id),
        event.revision,
        false,
    )
}

fn product(id: ProductId, name: &str) -> NoticeFacts {
    NoticeFacts { product_id: Some(id), product_name: Some(name.to_owned()), ..NoticeFacts::default() }
}

fn page(product: ProductId) -> String {
    format!("/products/{product}")
}
