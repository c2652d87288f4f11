//! Messages about carts, wishlists and stock.

use serde_json::{Value, json};
use souk_events::{CartAbandoned, StockLow, WishlistBackInStock, WishlistPriceDropped};
use souk_values::ProductId;

use super::{Audience, Message};
use crate::kind::Kind;

/// Guests have no address: their reminder waits until `expires_at` and is then deleted.
pub(crate) fn cart_reminder(event: &CartAbandoned) -> Message {
    let lines: Vec<Value> =
        event.lines.iter().map(|line| json!({"name": line.name, "quantity": line.quantity})).collect();
    let facts = json!({"lines": lines, "expires_at": event.expires_at});
    Message {
        good_until: Some(event.expires_at),
        ..Message::new(Kind::CartReminder, Audience::User(event.user_id), "/cart".to_owned(), facts)
    }
}

pub(crate) fn back_in_stock(event: &WishlistBackInStock) -> Message {
    let facts = json!({"product": {"name": event.name, "price": event.price.to_string()}});
    let subject = format!("back_in_stock:{}:{}", event.user_id, event.product_id);
    Message::new(Kind::BackInStock, Audience::User(event.user_id), page(event.product_id), facts).if_newer(
        subject,
        event.revision,
        false,
    )
}

pub(crate) fn price_dropped(event: &WishlistPriceDropped) -> Message {
    let facts = json!({"product": {
        "name": event.name, "old_price": event.old_price.to_string(), "price": event.new_price.to_string()
    }});
    let subject = format!("price_dropped:{}:{}", event.user_id, event.product_id);
    Message::new(Kind::PriceDropped, Audience::User(event.user_id), page(event.product_id), facts).if_newer(
        subject,
        event.revision,
        false,
    )
}

pub(crate) fn stock_low(event: &StockLow) -> Message {
    let facts = json!({"product": {
        "name": event.name, "sku": event.sku, "stock": event.stock, "low_stock_at": event.low_stock_at
    }});
    Message::new(Kind::StockLow, Audience::Admins, page(event.product_id), facts).if_newer(
        format!("stock_low:{}", event.product_id),
        event.revision,
        false,
    )
}

fn page(product: ProductId) -> String {
    format!("/products/{product}")
}
