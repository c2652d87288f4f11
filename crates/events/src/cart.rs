//! Events of cart: ordered, expired and abandoned carts, and changes of wished products.

use serde::{Deserialize, Serialize};
use souk_values::{Money, OrderId, ProductId, Timestamp, UserId};

use crate::envelope::events;

/// One item of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartLine {
    /// Id of the item.
    pub cart_item_id: String,
    /// Product of the item.
    pub product_id: ProductId,
    /// Name of the product; absent if the cart does not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Number of units, 1 to 99.
    pub quantity: u32,
}

/// Items of a cart became lines of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartCheckedOut {
    /// Owner of the cart.
    pub user_id: UserId,
    /// The order that the items became.
    pub order_id: OrderId,
    /// The ordered items.
    pub lines: Vec<CartLine>,
    /// Version of the cart after the event.
    pub version: i64,
}

/// Items of a cart expired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartExpired {
    /// Owner of the cart.
    pub user_id: UserId,
    /// The expired items, which are no longer in the cart.
    pub lines: Vec<CartLine>,
    /// Version of the cart after the event.
    pub version: i64,
}

/// The next item of a cart will expire soon, which is the time for a reminder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CartAbandoned {
    /// Owner of the cart.
    pub user_id: UserId,
    /// All items of the cart.
    pub lines: Vec<CartLine>,
    /// Expiry of the next item.
    pub expires_at: Timestamp,
    /// Version of the cart after the event.
    pub version: i64,
}

/// A product on a wishlist is in stock again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WishlistBackInStock {
    /// Owner of the wishlist.
    pub user_id: UserId,
    /// The wished product.
    pub product_id: ProductId,
    /// Name of the product.
    pub name: String,
    /// Price of one unit.
    pub price: Money,
    /// Revision of the product that caused the event.
    pub revision: i64,
}

/// The price of a product on a wishlist dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WishlistPriceDropped {
    /// Owner of the wishlist.
    pub user_id: UserId,
    /// The wished product.
    pub product_id: ProductId,
    /// Name of the product.
    pub name: String,
    /// Price of one unit before the change.
    pub old_price: Money,
    /// Price of one unit after the change.
    pub new_price: Money,
    /// Revision of the product that caused the event.
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
