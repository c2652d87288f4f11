//! The cart: its items, how long each of them lives, and the commands that change it. Pure: time is an argument.

mod command;
mod expiry;
mod items;
mod merge;
mod orders;
mod purchases;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use souk_events::CartLine;
use souk_values::{Money, OrderId, ProductId, Timestamp, UserId};

pub use command::{Applied, CartCommand, Effects, NewItem, Refusal, UsedKey};
pub use merge::GuestLine;
pub use orders::{OrderProgress, OrderStage, OrderUpdate, OrderedLine};
pub use purchases::ConcernedPurchases;

/// Maximum units of one product in a cart.
pub const MAX_QUANTITY: u32 = 99;
/// Maximum number of different active items in a cart.
pub const MAX_ACTIVE: usize = 100;

/// Lifetimes of items, from the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Lifetime of an active item, counted from its latest change.
    pub active: Duration,
    /// Lifetime of an ordered item, counted from when its order was placed.
    pub ordered: Duration,
    /// Lead time of the reminder before the next active item expires.
    pub remind_before: Duration,
}

/// State of an item. Part of the stored JSON, whose field names stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum ItemState {
    /// Ready to be ordered; may be changed and removed.
    Active {
        #[serde(rename = "until")]
        expires_at: Timestamp,
    },
    /// Part of an order that is not paid yet.
    Ordered {
        order_id: OrderId,
        #[serde(rename = "until")]
        expires_at: Timestamp,
    },
    /// Bought; never expires, so that it can be bought again.
    Purchased {
        /// Latest order that contained the product; `None` once that order was cancelled.
        order_id: Option<OrderId>,
        /// Units that the latest order added.
        #[serde(rename = "lately")]
        latest_quantity: u32,
        /// Time at which the latest order was paid. Unknown for items of earlier releases.
        #[serde(rename = "at", default, skip_serializing_if = "Option::is_none")]
        bought_at: Option<Timestamp>,
    },
}

impl ItemState {
    /// Returns the expiry; `None` for a purchased item, which has none.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Active { expires_at } | Self::Ordered { expires_at, .. } => Some(*expires_at),
            Self::Purchased { .. } => None,
        }
    }

    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::Active { .. } => None,
            Self::Ordered { order_id, .. } => Some(*order_id),
            Self::Purchased { order_id, .. } => *order_id,
        }
    }
}

/// One product in a cart. A product has at most one active and one purchased item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub cart_item_id: String,
    pub product_id: ProductId,
    /// Name of the product when the item was last added to.
    pub name: String,
    /// Units, 1 to [`MAX_QUANTITY`].
    pub quantity: u32,
    /// Price of one unit when the item was last added to. Unknown for items of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_when_added: Option<Money>,
    #[serde(flatten)]
    pub state: ItemState,
}

impl Item {
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.state, ItemState::Active { .. })
    }

    #[must_use]
    pub fn is_purchased(&self) -> bool {
        matches!(self.state, ItemState::Purchased { .. })
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        self.state.expires_at().is_some_and(|expires_at| expires_at <= now)
    }

    fn line(&self) -> CartLine {
        CartLine {
            cart_item_id: self.cart_item_id.clone(),
            product_id: self.product_id,
            name: Some(self.name.clone()),
            quantity: self.quantity,
        }
    }
}

/// The part of a cart that is stored as JSON, whose field names stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Active and ordered items; in carts of earlier releases purchased ones too, until a command moves them out.
    items: Vec<Item>,
    /// Ids of the active items that the latest reminder listed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    reminded: BTreeSet<String>,
    /// Guests' items that this cart has merged.
    #[serde(default, rename = "absorbed", skip_serializing_if = "Vec::is_empty")]
    merged: Vec<merge::MergedItem>,
    /// Idempotency keys of requests that added items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<command::RememberedKey>,
}

impl Contents {
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

/// The cart of one user, a customer or a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    user_id: UserId,
    version: i64,
    contents: Contents,
    /// Those of the purchased items that were read with the cart. They are stored beside it, a row each.
    purchases: Vec<Item>,
}

impl Cart {
    #[must_use]
    pub fn empty(user_id: UserId) -> Self {
        Self::from_stored(user_id, 0, Contents::default())
    }

    /// Restores a cart from its stored parts, without purchased items.
    #[must_use]
    pub fn from_stored(user_id: UserId, version: i64, contents: Contents) -> Self {
        Self { user_id, version, contents, purchases: Vec::new() }
    }

    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// Returns the version, which grows with every change, also across an emptied cart's deletion.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns true when nothing but purchased items has to be stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.items.is_empty() && self.contents.merged.is_empty() && self.contents.keys.is_empty()
    }

    /// Returns the items within the cart that are not expired at `now`, oldest first.
    pub fn items_at(&self, now: Timestamp) -> impl Iterator<Item = &Item> {
        self.contents.items.iter().filter(move |item| !item.is_expired(now))
    }

    pub fn active_items(&self) -> impl Iterator<Item = &Item> {
        self.contents.items.iter().filter(|item| item.is_active())
    }

    fn active_item_mut(&mut self, product_id: ProductId) -> Option<&mut Item> {
        self.contents.items.iter_mut().find(|item| item.is_active() && item.product_id == product_id)
    }

    /// Removes the items that match `predicate` and returns them in their order.
    fn take_items(&mut self, predicate: impl Fn(&Item) -> bool) -> Vec<Item> {
        let (taken, rest) = std::mem::take(&mut self.contents.items).into_iter().partition(|item| predicate(item));
        self.contents.items = rest;
        taken
    }
}
