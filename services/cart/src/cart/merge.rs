//! Merging a guest's cart in two repeatable steps: add each item once, then remove the items from the guest's cart.

use serde::{Deserialize, Serialize};
use souk_values::{Money, ProductId, Timestamp};

use super::{Cart, Effects, Item, ItemState, MAX_ACTIVE, MAX_QUANTITY};

/// Maximum number of merged items remembered for one cart; the oldest are dropped first.
const MAX_REMEMBERED: usize = 500;

/// An active item of a guest's cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestLine {
    pub cart_item_id: String,
    pub product_id: ProductId,
    pub name: String,
    /// Units, 1 to 99.
    pub quantity: u32,
    pub price_when_added: Option<Money>,
}

/// A merged guest's item, remembered so that a repeated merge adds only what is new. Part of the stored JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MergedItem {
    pub cart_item_id: String,
    /// Units merged so far.
    pub quantity: u32,
    #[serde(rename = "until")]
    pub expires_at: Timestamp,
}

impl Cart {
    /// Returns the items that another cart can merge.
    #[must_use]
    pub fn guest_lines(&self, now: Timestamp) -> Vec<GuestLine> {
        let active = self.items_at(now).filter(|item| item.is_active());
        let line = |item: &Item| GuestLine {
            cart_item_id: item.cart_item_id.clone(),
            product_id: item.product_id,
            name: item.name.clone(),
            quantity: item.quantity,
            price_when_added: item.price_when_added,
        };
        active.map(line).collect()
    }

    /// Adds the units of each line that were not merged before, as far as there is room. `effects.merged` gets every
    /// line that this cart holds afterwards, whether it was merged now or before.
    pub(super) fn merge(&mut self, lines: &[GuestLine], expires_at: Timestamp, effects: &mut Effects) {
        for line in lines {
            let known = self.contents.merged.iter().find(|known| known.cart_item_id == line.cart_item_id);
            let missing = line.quantity.saturating_sub(known.map_or(0, |known| known.quantity));
            if missing > 0 {
                if !self.merge_units(line, missing, expires_at) {
                    continue;
                }
                effects.made_active += 1;
                self.remember_merged(line, expires_at);
            }
            effects.merged.push(line.clone());
        }
    }

    /// Removes the active items of `lines`. An item with more units than its line has changed since and stays.
    pub(super) fn remove_merged(&mut self, lines: &[GuestLine]) {
        self.contents.items.retain(|item| {
            let is_merged = |line: &GuestLine| line.cart_item_id == item.cart_item_id && item.quantity <= line.quantity;
            !(item.is_active() && lines.iter().any(is_merged))
        });
    }

    /// Adds `units` of `line`; returns false when the cart is full.
    fn merge_units(&mut self, line: &GuestLine, units: u32, expires_at: Timestamp) -> bool {
        let is_full = self.active_items().count() >= MAX_ACTIVE;
        if let Some(item) = self.active_item_mut(line.product_id) {
            item.quantity = item.quantity.saturating_add(units).min(MAX_QUANTITY);
            item.state = ItemState::Active { expires_at };
            return true;
        }
        let mut items = self.contents.items.iter().chain(&self.purchases);
        let is_here = items.any(|item| item.cart_item_id == line.cart_item_id);
        if !is_full && !is_here {
            self.contents.items.push(Item {
                cart_item_id: line.cart_item_id.clone(),
                product_id: line.product_id,
                name: line.name.clone(),
                quantity: units.min(MAX_QUANTITY),
                price_when_added: line.price_when_added,
                state: ItemState::Active { expires_at },
            });
        }
        !is_full
    }

    fn remember_merged(&mut self, line: &GuestLine, expires_at: Timestamp) {
        let merged = &mut self.contents.merged;
        merged.retain(|known| known.cart_item_id != line.cart_item_id);
        if merged.len() >= MAX_REMEMBERED {
            merged.remove(0);
        }
        merged.push(MergedItem { cart_item_id: line.cart_item_id.clone(), quantity: line.quantity, expires_at });
    }
}
