//! Adding, changing and removing items.

use souk_values::Timestamp;

use super::{
    Cart, Item, MAX_ACTIVE, MAX_QUANTITY, Standing, Terms,
    act::{Effects, NewItem, Refusal, RememberedKey, UsedKey},
};

/// The most keys remembered of one cart; older ones are forgotten first.
const MAX_KEYS: usize = 100;

impl Cart {
    /// Adds `new` to the active item of its product, or as a new one.
    pub(super) fn add(
        &mut self,
        new: &NewItem,
        key: Option<&UsedKey>,
        now: Timestamp,
        terms: &Terms,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let until = now.plus(terms.active);
        if let Some(used) = key {
            match self.contents.keys.iter().find(|known| known.used.key == used.key) {
                Some(known) if known.used == *used => return Ok(()),
                Some(_) => return Err(Refusal::KeyReused),
                None => self.remember_key(used.clone(), until),
            }
        }
        let active_before = self.active().count();
        match self.active_of(new.product_id) {
            Some(item) => {
                let sum = item.quantity.saturating_add(new.quantity);
                if sum > MAX_QUANTITY {
                    return Err(Refusal::QuantityTooLarge(sum));
                }
                item.quantity = sum;
                item.name.clone_from(&new.name);
                item.standing = Standing::Active { until };
            }
            None if new.quantity > MAX_QUANTITY => return Err(Refusal::QuantityTooLarge(new.quantity)),
            None if active_before >= MAX_ACTIVE => return Err(Refusal::TooManyItems),
            None => self.contents.items.push(Item {
                cart_item_id: new.cart_item_id.clone(),
                product_id: new.product_id,
                name: new.name.clone(),
                quantity: new.quantity,
                standing: Standing::Active { until },
            }),
        }
        effects.added = true;
        effects.started = active_before == 0;
        effects.made_active += 1;
        Ok(())
    }

    /// Sets an active item's quantity, and its time to `until`.
    pub(super) fn change(&mut self, cart_item_id: &str, quantity: u32, until: Timestamp) -> Result<(), Refusal> {
        if quantity > MAX_QUANTITY {
            return Err(Refusal::QuantityTooLarge(quantity));
        }
        let items = &mut self.contents.items;
        let item = items.iter_mut().find(|item| item.cart_item_id == cart_item_id).ok_or(Refusal::NoSuchItem)?;
        match item.standing {
            Standing::Ordered { .. } => return Err(Refusal::ItemOrdered),
            Standing::Purchased { .. } => return Err(Refusal::ItemPurchased),
            Standing::Active { .. } => {
                item.quantity = quantity;
                item.standing = Standing::Active { until };
            }
        }
        Ok(())
    }

    /// Takes out an item that belongs to no open order.
    pub(super) fn remove(&mut self, cart_item_id: &str) -> Result<(), Refusal> {
        let item = self.contents.items.iter().find(|item| item.cart_item_id == cart_item_id);
        match item.ok_or(Refusal::NoSuchItem)?.standing {
            Standing::Ordered { .. } => Err(Refusal::ItemOrdered),
            Standing::Active { .. } | Standing::Purchased { .. } => {
                self.contents.items.retain(|item| item.cart_item_id != cart_item_id);
                Ok(())
            }
        }
    }

    fn remember_key(&mut self, used: UsedKey, until: Timestamp) {
        let keys = &mut self.contents.keys;
        if keys.len() >= MAX_KEYS {
            keys.remove(0);
        }
        keys.push(RememberedKey { used, until });
    }
}
