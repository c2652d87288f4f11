//! The cart: what is in it, for how long, and what may be done with it.

mod act;
mod merge;
mod orders;
mod shopping;
mod time;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};
use souk_events::CartLine;
use souk_values::{OrderId, ProductId, Timestamp, UserId};

pub use act::{Act, After, Effects, NewItem, Refusal, UsedKey};
pub use merge::GuestLine;
pub use orders::{OrderMark, OrderStep, OrderedLine, Stage};

/// The most units of one product in a cart.
pub const MAX_QUANTITY: u32 = 99;
/// The most different active items of a cart.
pub const MAX_ACTIVE: usize = 100;

/// How long items live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// An active item, from when it was added or changed.
    pub active: Duration,
    /// An ordered item, from when its order was placed.
    pub ordered: Duration,
    /// How long before its end a cart is reminded of.
    pub remind_before: Duration,
}

/// What an item is, and how long it stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase")]
pub enum Standing {
    /// To be ordered; changed freely.
    Active {
        /// When it goes.
        until: Timestamp,
    },
    /// In an order that is not paid.
    Ordered {
        /// Which order.
        order_id: OrderId,
        /// When it goes.
        until: Timestamp,
    },
    /// Bought; stays for buying again.
    Purchased {
        /// The latest order of it, unless that was cancelled.
        order_id: Option<OrderId>,
        /// How many came with that order.
        lately: u32,
    },
}

impl Standing {
    /// When it ends; a purchased item's never does.
    #[must_use]
    pub fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Active { until } | Self::Ordered { until, .. } => Some(*until),
            Self::Purchased { .. } => None,
        }
    }

    /// The order it belongs to.
    #[must_use]
    pub fn order_id(&self) -> Option<OrderId> {
        match self {
            Self::Active { .. } => None,
            Self::Ordered { order_id, .. } => Some(*order_id),
            Self::Purchased { order_id, .. } => *order_id,
        }
    }
}

/// One product in a cart. At most one active and one purchased item are of the same product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// Its name when it was added.
    pub name: String,
    /// 1 to 99.
    pub quantity: u32,
    /// Its state.
    #[serde(flatten)]
    pub standing: Standing,
}

impl Item {
    /// Whether it can be ordered and changed.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self.standing, Standing::Active { .. })
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.standing.until().is_some_and(|until| until <= now)
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

/// What a store keeps of a cart beside its owner and version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    items: Vec<Item>,
    /// The active items of which a reminder was sent.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    reminded: BTreeSet<String>,
    /// Guests' items that were taken over already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absorbed: Vec<merge::Absorbed>,
    /// The `Idempotency-Key`s of what was added.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    keys: Vec<act::RememberedKey>,
}

impl Contents {
    /// Every item, whether its time is over or not.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

/// Somebody's cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cart {
    user_id: UserId,
    version: i64,
    contents: Contents,
}

impl Cart {
    /// An empty one.
    #[must_use]
    pub fn empty(user_id: UserId) -> Self {
        Self { user_id, version: 0, contents: Contents::default() }
    }

    /// One as a store kept it.
    #[must_use]
    pub fn kept(user_id: UserId, version: i64, contents: Contents) -> Self {
        Self { user_id, version, contents }
    }

    /// Whose.
    #[must_use]
    pub fn user_id(&self) -> UserId {
        self.user_id
    }

    /// Grows with each change.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }

    /// For a store to keep.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Whether nothing needs to be kept of it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.items.is_empty() && self.contents.absorbed.is_empty() && self.contents.keys.is_empty()
    }

    /// The items whose time is not over, oldest first.
    pub fn items_at(&self, now: Timestamp) -> impl Iterator<Item = &Item> {
        self.contents.items.iter().filter(move |item| !item.is_over(now))
    }

    /// The active items, whether their time is over or not.
    pub fn active(&self) -> impl Iterator<Item = &Item> {
        self.contents.items.iter().filter(|item| item.is_active())
    }

    fn active_of(&mut self, product_id: ProductId) -> Option<&mut Item> {
        self.contents.items.iter_mut().find(|item| item.is_active() && item.product_id == product_id)
    }

    /// Takes out the items that `is_meant` says, in their order.
    fn take(&mut self, is_meant: impl Fn(&Item) -> bool) -> Vec<Item> {
        let (taken, kept) = std::mem::take(&mut self.contents.items).into_iter().partition(|item| is_meant(item));
        self.contents.items = kept;
        taken
    }
}
