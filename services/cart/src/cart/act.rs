//! What can be done to a cart, as data: a store performs one act as one transaction, whatever its
//! engine, with everything that the act needs as its arguments.

use serde::{Deserialize, Serialize};
use souk_bus::Stamper;
use souk_events::{CartAbandoned, CartCheckedOut, CartExpired, CartLine, Envelope, EventError};
use souk_values::{OrderId, ProductId, Timestamp};

use super::{Cart, GuestLine, OrderMark, OrderStep, Terms};

/// An item to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// Its id, if it does not join an active item of the product.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// 1 to 99.
    pub quantity: u32,
}

/// An `Idempotency-Key` and the hash of its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedKey {
    /// The caller's text.
    pub key: String,
    /// Of the body it came with.
    pub body_hash: String,
}

/// A key that was used, and until when that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RememberedKey {
    #[serde(flatten)]
    pub used: UsedKey,
    pub until: Timestamp,
}

/// Something to be done to one cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Adds units of a product.
    Add {
        /// Which and how many.
        item: NewItem,
        /// Makes repeating it harmless.
        key: Option<UsedKey>,
    },
    /// Adds units of a product that is taken off the wishlist in the same step.
    AddWished(NewItem),
    /// Sets an active item's quantity.
    Change {
        /// Which item.
        cart_item_id: String,
        /// 1 to 99.
        quantity: u32,
    },
    /// Takes out an active or purchased item.
    Remove {
        /// Which item.
        cart_item_id: String,
    },
    /// Takes out all active items.
    Clear,
    /// Adds a guest's items, each once.
    Absorb(Vec<GuestLine>),
    /// Takes out items that another cart has absorbed.
    Leave(Vec<GuestLine>),
    /// Follows an order.
    Follow(OrderStep),
    /// Lets go what is over, and reminds of what soon will be.
    Sweep,
}

impl Act {
    /// The order that it follows.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        if let Self::Follow(step) = self { Some(step.order_id) } else { None }
    }

    /// The product that it takes off the wishlist.
    #[must_use]
    pub fn wished(&self) -> Option<ProductId> {
        if let Self::AddWished(item) = self { Some(item.product_id) } else { None }
    }
}

/// Why an act is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More than [`super::MAX_QUANTITY`] of one product.
    #[error("there would be {0} of it in the cart")]
    QuantityTooLarge(u32),
    /// More than [`super::MAX_ACTIVE`] items.
    #[error("the cart is full")]
    TooManyItems,
    /// No such item.
    #[error("there is no such item")]
    NoSuchItem,
    /// It belongs to an order.
    #[error("the item belongs to an order")]
    ItemOrdered,
    /// It was bought.
    #[error("the item was bought")]
    ItemPurchased,
    /// The key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// The product is not on the wishlist.
    #[error("the product is not on the wishlist")]
    NotWished,
    /// More wishes than a wishlist holds.
    #[error("the wishlist is full")]
    TooManyWishes,
}

/// What an act brought about beside the new cart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Items whose time was over.
    pub expired: Vec<CartLine>,
    /// The active items of a cart to be reminded of, and when the next of them goes.
    pub abandoned: Option<(Vec<CartLine>, Timestamp)>,
    /// Items that became an order's.
    pub checked_out: Option<(OrderId, Vec<CartLine>)>,
    /// Whether something was added.
    pub added: bool,
    /// Whether a cart without active items got one.
    pub started: bool,
    /// How many items got the time of active ones.
    pub made_active: usize,
    /// How many items got the time of ordered ones.
    pub made_ordered: usize,
    /// Guest items that this cart now accounts for.
    pub absorbed: Vec<GuestLine>,
}

impl Effects {
    /// The events that tell them, of `cart` as it is after.
    pub fn envelopes(&self, cart: &Cart, stamper: &Stamper) -> Result<Vec<Envelope>, EventError> {
        let (user_id, version) = (cart.user_id(), cart.version());
        let mut envelopes = Vec::new();
        if !self.expired.is_empty() {
            envelopes.push(stamper.stamp(&CartExpired { user_id, lines: self.expired.clone(), version })?);
        }
        if let Some((order_id, lines)) = &self.checked_out {
            let (order_id, lines) = (*order_id, lines.clone());
            envelopes.push(stamper.stamp(&CartCheckedOut { user_id, order_id, lines, version })?);
        }
        if let Some((lines, expires_at)) = &self.abandoned {
            let (lines, expires_at) = (lines.clone(), *expires_at);
            envelopes.push(stamper.stamp(&CartAbandoned { user_id, lines, expires_at, version })?);
        }
        Ok(envelopes)
    }
}

/// A cart after an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The cart.
    pub cart: Cart,
    /// What is known of the order that the act followed.
    pub mark: Option<OrderMark>,
    /// What else came of it.
    pub effects: Effects,
    /// Whether the cart is another than before.
    pub is_changed: bool,
}

impl Cart {
    /// This cart after `act`. `mark` is what is known of the order that it follows. Items whose time
    /// is over go first, whatever the act, so that each expiry is told exactly once.
    pub fn after(self, act: &Act, mark: Option<OrderMark>, now: Timestamp, terms: &Terms) -> Result<After, Refusal> {
        let mut cart = self.clone();
        let mut effects = Effects { expired: cart.expire(now), ..Effects::default() };
        let mut mark = mark;
        match act {
            Act::Add { item, key } => cart.add(item, key.as_ref(), now, terms, &mut effects)?,
            Act::AddWished(item) => cart.add(item, None, now, terms, &mut effects)?,
            Act::Change { cart_item_id, quantity } => {
                cart.change(cart_item_id, *quantity, now.plus(terms.active))?;
                effects.made_active += 1;
            }
            Act::Remove { cart_item_id } => cart.remove(cart_item_id)?,
            Act::Clear => cart.contents.items.retain(|item| !item.is_active()),
            Act::Absorb(lines) => cart.absorb(lines, now.plus(terms.active), &mut effects),
            Act::Leave(lines) => cart.leave(lines),
            Act::Follow(step) => mark = Some(cart.follow(step, mark, now, terms, &mut effects)),
            Act::Sweep => effects.abandoned = cart.remind(now, terms),
        }
        let is_changed = cart != self;
        if is_changed {
            // Grows even when an emptied cart's row was dropped and made anew, as consumers expect.
            cart.version = self.version.saturating_add(1).max(now.millis());
        }
        Ok(After { cart, mark, effects, is_changed })
    }
}
