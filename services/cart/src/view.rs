//! Response bodies: carts and wishlists with the shop's current names and prices.

use std::collections::HashMap;

use serde::Serialize;
use souk_values::{Currency, Money, OrderId, ProductId, Timestamp, UserId};
use utoipa::ToSchema;

use crate::{
    cart::{Item, ItemState},
    error::CartError,
    product::{KnownProduct, Wish},
};

/// State of a cart item: `active` items are ready to be ordered, `ordered` ones belong to an order that is not paid
/// yet, `purchased` ones were bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ItemState)]
pub(crate) enum ItemStateView {
    Active,
    Ordered,
    Purchased,
}

/// One product in a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CartItemView {
    /// Id of the item, as used in `/cart/items/{cartItemId}`.
    pub cart_item_id: String,
    /// Id of the product in the catalogue.
    pub product_id: ProductId,
    /// Units of the product, from 1 to 99.
    #[schema(minimum = 1, maximum = 99)]
    pub quantity: u32,
    /// State of the item: active, ordered or purchased.
    pub state: ItemStateView,
    /// Time at which the item leaves the cart; `null` for a purchased item, which never does.
    #[schema(required)]
    pub expiry_time: Option<Timestamp>,
    /// Order that the item belongs to. Absent for active items, and for purchased ones whose latest order was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// Time at which a purchased item was last bought. Absent for others, and where it is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchased_at: Option<Timestamp>,
    /// Current name of the product.
    pub name: String,
    /// Readable part of the product's URL; `null` when it is not known.
    #[schema(required)]
    pub slug: Option<String>,
    /// URL of the product's main picture; `null` when there is none.
    #[schema(required)]
    pub image_url: Option<String>,
    /// Current price of one unit.
    pub price: Money,
    /// Price of one unit when the item was last added to; `null` when it is not known.
    #[schema(required)]
    pub price_when_added: Option<Money>,
    /// Units that can be bought now. Only an order secures them.
    #[schema(minimum = 0)]
    pub stock: i64,
    /// True when the product is in stock and in the catalogue.
    pub available: bool,
}

/// A whole cart, with current names and prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": 246_290_604_621_824_i64,
    "items": [{
        "cartItemId": "0198f3a1-6d2e-7c41-9d0b-3f2a8c1e5b77", "productId": 1001, "quantity": 2, "state": "active",
        "expiryTime": "2026-02-01T12:00:00.000Z", "name": "Moka pot, 6 cups", "slug": "moka-pot-6-cups",
        "imageUrl": "/pictures/coffee-tea.svg", "price": {"amount": 3490, "currency": "EUR"},
        "priceWhenAdded": {"amount": 3290, "currency": "EUR"}, "stock": 7, "available": true
    }],
    "subtotal": {"amount": 6980, "currency": "EUR"}, "now": "2026-01-31T12:00:00.000Z"
}))]
pub(crate) struct CartView {
    /// Id of the cart's owner, a customer or a guest.
    pub user_id: UserId,
    /// Active and ordered items that have not expired, oldest first; behind them the 12 latest of the purchased ones, latest
    /// first.
    pub items: Vec<CartItemView>,
    /// Price of all active items together.
    pub subtotal: Money,
    /// Time at the server, with which the time until an expiry is computed.
    pub now: Timestamp,
}

impl CartView {
    /// Shows `items` of a cart as they are at `now`. Errors: the subtotal exceeds 64 bits.
    pub fn new(
        user_id: UserId,
        items: &[&Item],
        now: Timestamp,
        known: &HashMap<ProductId, KnownProduct>,
        currency: Currency,
    ) -> Result<Self, CartError> {
        let view = |item: &&Item| CartItemView::new(item, known.get(&item.product_id), currency);
        let items: Vec<CartItemView> = items.iter().map(view).collect();
        let active = items.iter().filter(|item| item.state == ItemStateView::Active);
        let prices = active.map(|item| item.price.times(item.quantity)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { user_id, subtotal: Money::sum(currency, prices)?, items, now })
    }
}

impl CartItemView {
    /// Shows `item` with what is `known` of its product.
    pub fn new(item: &Item, known: Option<&KnownProduct>, currency: Currency) -> Self {
        let (state, purchased_at) = match item.state {
            ItemState::Active { .. } => (ItemStateView::Active, None),
            ItemState::Ordered { .. } => (ItemStateView::Ordered, None),
            ItemState::Purchased { bought_at, .. } => (ItemStateView::Purchased, bought_at),
        };
        Self {
            cart_item_id: item.cart_item_id.clone(),
            product_id: item.product_id,
            quantity: item.quantity,
            state,
            expiry_time: item.state.expires_at(),
            order_id: item.state.order_id(),
            purchased_at,
            // The product service may no longer know a product; the item still has the name it was added under.
            name: known.map_or_else(|| item.name.clone(), |known| known.name.clone()),
            slug: known.and_then(|known| known.link.as_ref()).map(|link| link.slug.clone()),
            image_url: known.and_then(|known| known.link.as_ref()).and_then(|link| link.image_url.clone()),
            price: known.map_or_else(|| Money::zero(currency), |known| known.price),
            price_when_added: item.price_when_added,
            stock: known.map_or(0, KnownProduct::units),
            available: known.is_some_and(KnownProduct::is_available),
        }
    }
}

/// One product on a wishlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WishView {
    /// Id of the product in the catalogue.
    pub product_id: ProductId,
    /// Current name of the product.
    pub name: String,
    /// Readable part of the product's URL; `null` when it is not known.
    #[schema(required)]
    pub slug: Option<String>,
    /// URL of the product's main picture; `null` when there is none.
    #[schema(required)]
    pub image_url: Option<String>,
    /// Current price of one unit.
    pub price: Money,
    /// Price of one unit when the product was put on the wishlist; `null` when it is not known.
    #[schema(required)]
    pub price_when_added: Option<Money>,
    /// Units that can be bought now. Only an order secures them.
    #[schema(minimum = 0)]
    pub stock: i64,
    /// True when the product is in stock and in the catalogue.
    pub available: bool,
    /// Time at which the product was put on the wishlist.
    pub added_at: Timestamp,
}

/// A whole wishlist, with current names and prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({
    "items": [{
        "productId": 1001, "name": "Moka pot, 6 cups", "slug": "moka-pot-6-cups", "imageUrl": null,
        "price": {"amount": 3490, "currency": "EUR"}, "priceWhenAdded": {"amount": 3490, "currency": "EUR"}, "stock": 0,
        "available": false, "addedAt": "2026-01-31T12:00:00.000Z"
    }]
}))]
pub(crate) struct WishlistView {
    /// Wished products, the newest wish first.
    pub items: Vec<WishView>,
}

impl WishlistView {
    pub fn new(wishes: Vec<Wish>, known: &HashMap<ProductId, KnownProduct>) -> Self {
        let wish_view = |wish: Wish| {
            let known = known.get(&wish.product_id)?;
            Some(WishView {
                product_id: wish.product_id,
                name: known.name.clone(),
                slug: known.link.as_ref().map(|link| link.slug.clone()),
                image_url: known.link.as_ref().and_then(|link| link.image_url.clone()),
                price: known.price,
                price_when_added: wish.price_when_added,
                stock: known.units(),
                available: known.is_available(),
                added_at: wish.added_at,
            })
        };
        Self { items: wishes.into_iter().filter_map(wish_view).collect() }
    }
}
