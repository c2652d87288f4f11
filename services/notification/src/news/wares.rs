//! News of carts, wishes and stock.

use serde_json::{Value, json};
use souk_events::{CartAbandoned, StockLow, WishlistBackInStock, WishlistPriceDropped};

use super::{Audience, News};
use crate::Kind;

/// A cart is about to lose an item. Guests have no address: their reminder waits and lapses.
#[must_use]
pub fn cart_reminder(event: &CartAbandoned) -> News {
    let lines: Vec<Value> =
        event.lines.iter().map(|line| json!({"name": line.name, "quantity": line.quantity})).collect();
    let facts = json!({"lines": lines, "expires_at": event.expires_at});
    News {
        good_until: Some(event.expires_at),
        ..News::new(Kind::CartReminder, Audience::User(event.user_id), "/cart".to_owned(), facts)
    }
}

/// A wished product is back.
#[must_use]
pub fn back_in_stock(event: &WishlistBackInStock) -> News {
    let facts = json!({"product": {"name": event.name, "price": event.price.to_string()}});
    let page = format!("/products/{}", event.product_id);
    News::new(Kind::BackInStock, Audience::User(event.user_id), page, facts).if_newer(
        format!("back_in_stock:{}:{}", event.user_id, event.product_id),
        event.revision,
        false,
    )
}

/// A wished product costs less. An older price is not told after a newer one.
#[must_use]
pub fn price_dropped(event: &WishlistPriceDropped) -> News {
    let facts = json!({"product": {
        "name": event.name, "old_price": event.old_price.to_string(), "price": event.new_price.to_string()
    }});
    let page = format!("/products/{}", event.product_id);
    News::new(Kind::PriceDropped, Audience::User(event.user_id), page, facts).if_newer(
        format!("price_dropped:{}:{}", event.user_id, event.product_id),
        event.revision,
        false,
    )
}

/// Few are left.
#[must_use]
pub fn stock_low(event: &StockLow) -> News {
    let facts = json!({"product": {
        "name": event.name, "sku": event.sku, "stock": event.stock, "low_stock_at": event.low_stock_at
    }});
    News::new(Kind::StockLow, Audience::Admins, format!("/products/{}", event.product_id), facts).if_newer(
        format!("stock_low:{}", event.product_id),
        event.revision,
        false,
    )
}
