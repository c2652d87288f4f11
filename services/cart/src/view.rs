//! What callers are shown: carts and wishlists with the shop's names and prices.

use std::collections::HashMap;

use serde::Serialize;
use souk_values::{Currency, Money, OrderId, ProductId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::{
    cart::{Cart, Item, Standing},
    error::CartError,
    product::{KnownProduct, Wish},
};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ItemState {
    /// To be ordered.
    Active,
    /// In an order that is not paid.
    Ordered,
    /// Bought.
    Purchased,
}

/// One item of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CartItemView {
    /// This item.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// 1 to 99.
    #[schema(minimum = 1, maximum = 99)]
    pub quantity: u32,
    /// Whether it is to be ordered, ordered or bought.
    pub state: ItemState,
    /// When it leaves the cart; null: never.
    #[schema(required)]
    pub expiry_time: Option<Timestamp>,
    /// The order it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The product's name.
    pub name: String,
    /// For one, now.
    pub price: Money,
    /// Whether the product can be bought now.
    pub available: bool,
}

/// A whole cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": 246_290_604_621_824_i64,
    "items": [{
        "cartItemId": "0198f3a1-6d2e-7c41-9d0b-3f2a8c1e5b77", "productId": 1001, "quantity": 2, "state": "active",
        "expiryTime": "2026-02-01T12:00:00.000Z", "name": "Moka pot, 6 cups",
        "price": {"amount": 3490, "currency": "EUR"}, "available": true
    }],
    "subtotal": {"amount": 6980, "currency": "EUR"}
}))]
pub struct CartView {
    /// Whose.
    pub user_id: UserId,
    /// Oldest first.
    pub items: Vec<CartItemView>,
    /// Sum of the active items.
    pub subtotal: Money,
}

impl CartView {
    /// `cart` at `now`. Errors: a sum beyond 64 bits.
    pub fn new(
        cart: &Cart,
        now: Timestamp,
        known: &HashMap<ProductId, KnownProduct>,
        currency: Currency,
    ) -> Result<Self, CartError> {
        let items: Vec<CartItemView> =
            cart.items_at(now).map(|item| shown(item, known.get(&item.product_id), currency)).collect();
        let active = items.iter().filter(|item| item.state == ItemState::Active);
        let prices = active.map(|item| item.price.times(item.quantity)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { user_id: cart.user_id(), subtotal: Money::sum(currency, prices)?, items })
    }
}

fn shown(item: &Item, known: Option<&KnownProduct>, currency: Currency) -> CartItemView {
    let state = match item.standing {
        Standing::Active { .. } => ItemState::Active,
        Standing::Ordered { .. } => ItemState::Ordered,
        Standing::Purchased { .. } => ItemState::Purchased,
    };
    CartItemView {
        cart_item_id: item.cart_item_id.clone(),
        product_id: item.product_id,
        quantity: item.quantity,
        state,
        expiry_time: item.standing.until(),
        order_id: item.standing.order_id(),
        // A product that the shop has wholly forgotten still has the name it was added by.
        name: known.map_or_else(|| item.name.clone(), |known| known.name.clone()),
        price: known.map_or_else(|| Money::zero(currency), |known| known.price),
        available: known.is_some_and(KnownProduct::is_available),
    }
}

/// One product of a wishlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WishView {
    /// Which.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one, now.
    pub price: Money,
    /// Whether it can be bought now.
    pub available: bool,
    /// Since when it is wished for.
    pub added_at: Timestamp,
}

/// A whole wishlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "productId": 1001, "name": "Moka pot, 6 cups", "price": {"amount": 3490, "currency": "EUR"},
        "available": false, "addedAt": "2026-01-31T12:00:00.000Z"
    }]
}))]
pub struct WishlistView {
    /// Newest first.
    pub items: Vec<WishView>,
}

impl WishlistView {
    /// `wishes` with what is known of their products.
    pub fn new(wishes: Vec<Wish>, known: &HashMap<ProductId, KnownProduct>) -> Self {
        let shown = |wish: Wish| {
            let known = known.get(&wish.product_id)?;
            Some(WishView {
                product_id: wish.product_id,
                name: known.name.clone(),
                price: known.price,
                available: known.is_available(),
                added_at: wish.added_at,
            })
        };
        Self { items: wishes.into_iter().filter_map(shown).collect() }
    }
}
