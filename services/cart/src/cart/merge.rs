//! Taking over a guest's cart in two repeatable steps: add each item once, then empty the source.

use serde::{Deserialize, Serialize};
use souk_values::{ProductId, Timestamp};

use super::{Cart, Effects, Item, MAX_ACTIVE, MAX_QUANTITY, Standing};

/// The most guest items remembered of one cart; older ones are forgotten first.
const MAX_REMEMBERED: usize = 500;

/// An active item of a guest's cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestLine {
    /// Which item.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// 1 to 99.
    pub quantity: u32,
}

/// How many units of a guest's item were taken over, and until when that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Absorbed {
    pub cart_item_id: String,
    pub quantity: u32,
    pub until: Timestamp,
}

impl Cart {
    /// What another cart can take over from this one.
    #[must_use]
    pub fn guest_lines(&self, now: Timestamp) -> Vec<GuestLine> {
        let active = self.items_at(now).filter(|item| item.is_active());
        let line = |item: &Item| GuestLine {
            cart_item_id: item.cart_item_id.clone(),
            product_id: item.product_id,
            name: item.name.clone(),
            quantity: item.quantity,
        };
        active.map(line).collect()
    }

    /// Adds of each line the units that were not added before, as far as there is room. Lines that are
    /// accounted for, now or before, are told in `effects`.
    pub(super) fn absorb(&mut self, lines: &[GuestLine], until: Timestamp, effects: &mut Effects) {
        for line in lines {
            let known = self.contents.absorbed.iter().find(|known| known.cart_item_id == line.cart_item_id);
            let missing = line.quantity.saturating_sub(known.map_or(0, |known| known.quantity));
            if missing > 0 {
                if !self.absorb_units(line, missing, until) {
                    continue;
                }
                effects.made_active += 1;
                self.remember_absorbed(line, until);
            }
            effects.absorbed.push(line.clone());
        }
    }

    /// Takes out the active items of `lines`, but not one that grew since.
    pub(super) fn leave(&mut self, lines: &[GuestLine]) {
        self.contents.items.retain(|item| {
            let is_taken = |line: &GuestLine| line.cart_item_id == item.cart_item_id && item.quantity <= line.quantity;
            !(item.is_active() && lines.iter().any(is_taken))
        });
    }

    /// False: there is no room.
    fn absorb_units(&mut self, line: &GuestLine, units: u32, until: Timestamp) -> bool {
        let is_full = self.active().count() >= MAX_ACTIVE;
        if let Some(item) = self.active_of(line.product_id) {
            item.quantity = item.quantity.saturating_add(units).min(MAX_QUANTITY);
            item.standing = Standing::Active { until };
            return true;
        }
        let is_here = self.contents.items.iter().any(|item| item.cart_item_id == line.cart_item_id);
        if !is_full && !is_here {
            self.contents.items.push(Item {
                cart_item_id: line.cart_item_id.clone(),
                product_id: line.product_id,
                name: line.name.clone(),
                quantity: units.min(MAX_QUANTITY),
                standing: Standing::Active { until },
            });
        }
        !is_full
    }

    fn remember_absorbed(&mut self, line: &GuestLine, until: Timestamp) {
        let absorbed = &mut self.contents.absorbed;
        absorbed.retain(|known| known.cart_item_id != line.cart_item_id);
        if absorbed.len() >= MAX_REMEMBERED {
            absorbed.remove(0);
        }
        let (cart_item_id, quantity) = (line.cart_item_id.clone(), line.quantity);
        absorbed.push(Absorbed { cart_item_id, quantity, until });
    }
}
