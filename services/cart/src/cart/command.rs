//! The commands that change a cart, as data: a store runs each of them as one transaction, whatever its engine.

use serde::{Deserialize, Serialize};
use souk_bus::Stamper;
use souk_events::{CartAbandoned, CartCheckedOut, CartExpired, CartLine, Envelope, EventError};
use souk_values::{Money, OrderId, ProductId, Timestamp};

use super::{Cart, GuestLine, Lifetimes, OrderProgress, OrderUpdate};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Id of the item; unused if the units join an active item of the same product.
    pub cart_item_id: String,
    pub product_id: ProductId,
    pub name: String,
    /// Current price of one unit.
    pub price: Money,
    /// Units, 1 to 99.
    pub quantity: u32,
}

/// An `Idempotency-Key` and the body that it was sent with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// Key as the client sent it.
    pub key: String,
    /// Hash of the request body; the same key with another body is refused.
    pub body_hash: String,
}

/// A used key, remembered until it expires. Part of the stored JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RememberedKey {
    #[serde(flatten)]
    pub used: UsedKey,
    #[serde(rename = "until")]
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartCommand {
    /// Adds units of a product.
    Add {
        item: NewItem,
        /// Makes a repeated request a no-op.
        key: Option<UsedKey>,
    },
    /// Adds a product and removes it from the wishlist in the same transaction.
    AddFromWishlist(NewItem),
    /// Sets the quantity of an active item, 1 to 99.
    SetQuantity { cart_item_id: String, quantity: u32 },
    /// Removes an active or purchased item.
    Remove { cart_item_id: String },
    /// Removes all active items.
    Clear,
    /// Adds a guest's items, each of them once.
    Merge(Vec<GuestLine>),
    /// Removes the items that another cart has merged.
    RemoveMerged(Vec<GuestLine>),
    /// Moves the items of an order to the state of that order.
    FollowOrder(OrderUpdate),
    /// Removes expired items, and reminds of items about to expire.
    Expire,
}

impl CartCommand {
    /// Returns the order that the command follows, if it follows one.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        if let Self::FollowOrder(update) = self { Some(update.order_id) } else { None }
    }

    /// Returns the product that the command removes from the wishlist, if it removes one.
    #[must_use]
    pub fn wished_product(&self) -> Option<ProductId> {
        if let Self::AddFromWishlist(item) = self { Some(item.product_id) } else { None }
    }
}

/// A reason to refuse a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`super::MAX_QUANTITY`] units of one product; holds the quantity there would be.
    #[error("the cart would hold {0} units of the product")]
    QuantityTooLarge(u32),
    /// More than [`super::MAX_ACTIVE`] active items.
    #[error("the cart is full")]
    TooManyItems,
    #[error("the cart has no such item")]
    NoSuchItem,
    #[error("the item belongs to an order")]
    ItemOrdered,
    #[error("the item was bought")]
    ItemPurchased,
    #[error("the idempotency key was used with another body")]
    KeyReused,
    #[error("the product is not on the wishlist")]
    NotWished,
    /// More than [`crate::product::MAX_WISHES`] wishes.
    #[error("the wishlist is full")]
    TooManyWishes,
}

/// Effects of a command beside the changed cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    pub expired: Vec<CartLine>,
    /// Active items to remind the user of, with the expiry of the first of them.
    pub abandoned: Option<(Vec<CartLine>, Timestamp)>,
    /// Order that took items from the cart, with those items.
    pub checked_out: Option<(OrderId, Vec<CartLine>)>,
    /// True when units of a product were added.
    pub added: bool,
    /// True when a cart without active items got its first one.
    pub started: bool,
    /// Number of items that were given the lifetime of active ones.
    pub made_active: usize,
    /// Number of items that were given the lifetime of ordered ones.
    pub made_ordered: usize,
    /// Guest's items that this cart holds now, so that the guest's cart can drop them.
    pub merged: Vec<GuestLine>,
}

impl Effects {
    /// Returns the events to publish. `cart` is the changed cart.
    pub fn envelopes(&self, cart: &Cart, stamper: &Stamper) -> Result<Vec<Envelope>, EventError> {
        let user_id = cart.user_id();
        let version = cart.version();
        let mut envelopes = Vec::new();
        if !self.expired.is_empty() {
            envelopes.push(stamper.stamp(&CartExpired { user_id, lines: self.expired.clone(), version })?);
        }
        if let Some((order_id, lines)) = self.checked_out.clone() {
            envelopes.push(stamper.stamp(&CartCheckedOut { user_id, order_id, lines, version })?);
        }
        if let Some((lines, expires_at)) = self.abandoned.clone() {
            envelopes.push(stamper.stamp(&CartAbandoned { user_id, lines, expires_at, version })?);
        }
        Ok(envelopes)
    }
}

/// The result of applying a command to a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub cart: Cart,
    /// Progress of the order that the command follows, to be stored with the cart.
    pub progress: Option<OrderProgress>,
    pub effects: Effects,
    /// False when the cart is the same as before.
    pub is_changed: bool,
}

impl Cart {
    /// Applies `command` to the cart with its [`Cart::concerned_purchases`]. `progress` is the known progress of the order that
    /// the command follows.
    ///
    /// Every command removes expired items first, so the earliest command after an expiry publishes it, and no later one.
    ///
    /// Errors: the command is not allowed, see [`Refusal`].
    pub fn apply(
        self,
        command: &CartCommand,
        mut progress: Option<OrderProgress>,
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) -> Result<Applied, Refusal> {
        let mut cart = self.clone();
        cart.move_purchases_out();
        let mut effects = Effects { expired: cart.expire(now), ..Effects::default() };
        match command {
            CartCommand::Add { item, key } => cart.add(item, key.as_ref(), now, lifetimes, &mut effects)?,
            CartCommand::AddFromWishlist(item) => cart.add(item, None, now, lifetimes, &mut effects)?,
            CartCommand::SetQuantity { cart_item_id, quantity } => {
                cart.set_quantity(cart_item_id, *quantity, now.plus(lifetimes.active))?;
                effects.made_active += 1;
            }
            CartCommand::Remove { cart_item_id } => cart.remove(cart_item_id)?,
            CartCommand::Clear => cart.contents.items.retain(|item| !item.is_active()),
            CartCommand::Merge(lines) => cart.merge(lines, now.plus(lifetimes.active), &mut effects),
            CartCommand::RemoveMerged(lines) => cart.remove_merged(lines),
            CartCommand::FollowOrder(update) => {
                progress = Some(cart.follow_order(update, progress, now, lifetimes, &mut effects));
            }
            CartCommand::Expire => effects.abandoned = cart.remind(now, lifetimes),
        }
        let is_changed = cart != self;
        if is_changed {
            // An emptied cart is deleted and starts again at version 0. With the time as a lower bound its versions
            // keep growing, which consumers of its events rely on.
            cart.version = self.version.saturating_add(1).max(now.millis());
        }
        Ok(Applied { cart, progress, effects, is_changed })
    }
}
