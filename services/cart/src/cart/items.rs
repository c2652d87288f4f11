//! Adding, changing and removing items.

use souk_values::Timestamp;

use super::{
    Cart, Item, ItemState, Lifetimes, MAX_ACTIVE, MAX_QUANTITY,
    command::{Effects, NewItem, Refusal, RememberedKey, UsedKey},
};

/// Maximum number of idempotency keys remembered for one cart; the oldest are dropped first.
const MAX_KEYS: usize = 100;

impl Cart {
    /// Adds the units of `new` to the active item of the product, or a new item.
    pub(super) fn add(
        &mut self,
        new: &NewItem,
        key: Option<&UsedKey>,
        now: Timestamp,
        lifetimes: &Lifetimes,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let expires_at = now.plus(lifetimes.active);
        if let Some(used) = key {
            match self.contents.keys.iter().find(|known| known.used.key == used.key) {
                // The first request was applied. Its item may have been removed since, which a retry must not undo.
                Some(known) if known.used == *used => return Ok(()),
                Some(_) => return Err(Refusal::KeyReused),
                None => self.remember_key(used.clone(), expires_at),
            }
        }
        let active_before = self.active_items().count();
        match self.active_item_mut(new.product_id) {
            Some(item) => {
                let sum = item.quantity.saturating_add(new.quantity);
                if sum > MAX_QUANTITY {
                    return Err(Refusal::QuantityTooLarge(sum));
                }
                item.quantity = sum;
                item.name.clone_from(&new.name);
                item.price_when_added = Some(new.price);
                item.state = ItemState::Active { expires_at };
            }
            None if new.quantity > MAX_QUANTITY => return Err(Refusal::QuantityTooLarge(new.quantity)),
            None if active_before >= MAX_ACTIVE => return Err(Refusal::TooManyItems),
            None => self.contents.items.push(Item {
                cart_item_id: new.cart_item_id.clone(),
                product_id: new.product_id,
                name: new.name.clone(),
                quantity: new.quantity,
                price_when_added: Some(new.price),
                state: ItemState::Active { expires_at },
            }),
        }
        effects.added = true;
        effects.started = active_before == 0;
        effects.made_active += 1;
        Ok(())
    }

    /// Sets the quantity and the expiry of an active item.
    pub(super) fn set_quantity(
        &mut self,
        cart_item_id: &str,
        quantity: u32,
        expires_at: Timestamp,
    ) -> Result<(), Refusal> {
        if quantity > MAX_QUANTITY {
            return Err(Refusal::QuantityTooLarge(quantity));
        }
        let mut items = self.contents.items.iter_mut().chain(&mut self.purchases);
        let item = items.find(|item| item.cart_item_id == cart_item_id).ok_or(Refusal::NoSuchItem)?;
        match item.state {
            ItemState::Ordered { .. } => return Err(Refusal::ItemOrdered),
            ItemState::Purchased { .. } => return Err(Refusal::ItemPurchased),
            ItemState::Active { .. } => {
                item.quantity = quantity;
                item.state = ItemState::Active { expires_at };
            }
        }
        Ok(())
    }

    /// Removes an item that does not belong to an open order.
    pub(super) fn remove(&mut self, cart_item_id: &str) -> Result<(), Refusal> {
        let mut items = self.contents.items.iter().chain(&self.purchases);
        match items.find(|item| item.cart_item_id == cart_item_id).ok_or(Refusal::NoSuchItem)?.state {
            ItemState::Ordered { .. } => Err(Refusal::ItemOrdered),
            ItemState::Active { .. } | ItemState::Purchased { .. } => {
                for items in [&mut self.contents.items, &mut self.purchases] {
                    items.retain(|item| item.cart_item_id != cart_item_id);
                }
                Ok(())
            }
        }
    }

    fn remember_key(&mut self, used: UsedKey, expires_at: Timestamp) {
        let keys = &mut self.contents.keys;
        if keys.len() >= MAX_KEYS {
            keys.remove(0);
        }
        keys.push(RememberedKey { used, expires_at });
    }
}
