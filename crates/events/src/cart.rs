//! What cart tells: carts that were ordered, forgotten or left, and wishes that can be met.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, ProductId, Timestamp, UserId};

use crate::envelope::events;

/// One item of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartLine {
    /// This item.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// Its name, if the cart knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 1 to 99.
    pub quantity: u32,
}

/// A cart's items became an order's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartCheckedOut {
    /// Whose cart.
    pub user_id: UserId,
    /// Which order.
    pub order_id: OrderId,
    /// The items that moved.
    pub lines: Vec<CartLine>,
    /// Version of the cart.
    pub version: i64,
}

/// An item's time ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartExpired {
    /// Whose cart.
    pub user_id: UserId,
    /// The items that went.
    pub lines: Vec<CartLine>,
    /// Version of the cart.
    pub version: i64,
}

/// A cart is about to lose its next item: time for a reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartAbandoned {
    /// Whose cart.
    pub user_id: UserId,
    /// What is in it.
    pub lines: Vec<CartLine>,
    /// When the next item goes.
    pub expires_at: Timestamp,
    /// Version of the cart.
    pub version: i64,
}

/// A wished product can be bought again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WishlistBackInStock {
    /// Who wished.
    pub user_id: UserId,
    /// For what.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// The product's revision.
    pub revision: i64,
}

/// A wished product costs less than it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WishlistPriceDropped {
    /// Who wished.
    pub user_id: UserId,
    /// For what.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one, before.
    pub old_price: Money,
    /// For one, now.
    pub new_price: Money,
    /// The product's revision.
    pub revision: i64,
}

events! { "cart":
    CartCheckedOut = "cart.checked_out.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    CartExpired = "cart.expired.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    CartAbandoned = "cart.abandoned.v1", subject |event| event.user_id.to_string(), version |event| event.version;
    WishlistBackInStock = "wishlist.back_in_stock.v1",
        subject |event| event.user_id.to_string(), version |event| event.revision;
    WishlistPriceDropped = "wishlist.price_dropped.v1",
        subject |event| event.user_id.to_string(), version |event| event.revision;
}
