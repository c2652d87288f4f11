//! Following an order: its items become ordered, purchased or active again, each once, in whatever order events arrive.

use souk_events::CartLine;
use souk_values::{OrderId, ProductId, Timestamp};

use super::{Cart, Effects, Item, ItemState, Lifetimes, MAX_QUANTITY};

/// Stage of an order as far as it concerns a cart. An order never returns to an earlier stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderStage {
    /// Its items are reserved for it.
    Placed,
    Paid,
    /// Ended without a sale.
    Cancelled,
}

/// The latest that is known of an order, stored beside the cart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderProgress {
    /// Highest version received; 0 when only the call was received, which carries none.
    pub version: i64,
    pub stage: OrderStage,
}

/// A line of an order that came from the cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedLine {
    /// Item that was ordered.
    pub cart_item_id: String,
    pub product_id: ProductId,
    /// Units that were ordered.
    pub quantity: u32,
    /// Id for the units that remain when the item has more than were ordered.
    pub remainder_id: String,
}

/// A step of an order, from its event or from the call of the order service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderUpdate {
    pub order_id: OrderId,
    /// Version of the order; 0 in a call, which carries none.
    pub version: i64,
    pub stage: OrderStage,
    /// Lines of the order that came from the cart.
    pub lines: Vec<OrderedLine>,
}

impl Cart {
    /// Applies `update`, unless the same or a later stage is known already. Returns the progress to store.
    pub(super) fn follow_order(
        &mut self,
        update: &OrderUpdate,
        progress: Option<OrderProgress>,
        now: Timestamp,
        lifetimes: &Lifetimes,
        effects: &mut Effects,
    ) -> OrderProgress {
        let known = progress.unwrap_or(OrderProgress { version: update.version, stage: update.stage });
        let version = known.version.max(update.version);
        if progress.is_some() && (update.stage <= known.stage || update.version < known.version) {
            return OrderProgress { version, ..known };
        }
        match update.stage {
            OrderStage::Placed => self.mark_ordered(update, now.plus(lifetimes.ordered), effects),
            OrderStage::Paid => {
                // The payment's event overtook that of the placed order, whose items are still active.
                if progress.is_none() {
                    self.mark_ordered(update, now.plus(lifetimes.ordered), effects);
                }
                self.mark_purchased(update.order_id, now);
            }
            OrderStage::Cancelled => self.release(update, now.plus(lifetimes.active), effects),
        }
        OrderProgress { version, stage: update.stage }
    }

    /// Moves exactly the order's units to state ordered, as far as they are still in the cart.
    fn mark_ordered(&mut self, update: &OrderUpdate, expires_at: Timestamp, effects: &mut Effects) {
        let mut moved: Vec<CartLine> = Vec::new();
        for line in &update.lines {
            let is_ordered = |item: &&mut Item| item.is_active() && item.cart_item_id == line.cart_item_id;
            let Some(item) = self.contents.items.iter_mut().find(is_ordered) else { continue };
            let rest = item.quantity.saturating_sub(line.quantity);
            let remainder = Item { cart_item_id: line.remainder_id.clone(), quantity: rest, ..item.clone() };
            item.quantity -= rest;
            item.state = ItemState::Ordered { order_id: update.order_id, expires_at };
            moved.push(item.line());
            if rest > 0 {
                self.contents.items.push(remainder);
            }
        }
        effects.made_ordered += moved.len();
        if !moved.is_empty() {
            effects.checked_out = Some((update.order_id, moved));
        }
    }

    /// Moves the order's items to state purchased, joined with the purchased item of the same product.
    fn mark_purchased(&mut self, order_id: OrderId, now: Timestamp) {
        let is_ordered = |item: &Item| matches!(item.state, ItemState::Ordered { order_id: of, .. } if of == order_id);
        for bought in self.take_items(is_ordered) {
            let (latest_quantity, bought_at) = (bought.quantity, Some(now));
            let state = ItemState::Purchased { order_id: Some(order_id), latest_quantity, bought_at };
            self.add_purchase(Item { state, ..bought });
        }
    }

    /// Makes the order's items active again, and so the units that it added to purchased items.
    fn release(&mut self, update: &OrderUpdate, expires_at: Timestamp, effects: &mut Effects) {
        let is_of_order = |item: &Item| item.state.order_id() == Some(update.order_id);
        for item in self.take_items(is_of_order) {
            self.put_back(item, expires_at, effects);
        }
        let (bought, rest) = std::mem::take(&mut self.purchases).into_iter().partition(is_of_order);
        self.purchases = rest;
        for item in bought {
            self.release_purchase(item, update, expires_at, effects);
        }
    }

    /// Makes the units active again that the order added to the purchased `item`, which was taken from the purchases.
    fn release_purchase(&mut self, item: Item, update: &OrderUpdate, expires_at: Timestamp, effects: &mut Effects) {
        let ItemState::Purchased { latest_quantity, bought_at, .. } = item.state else { return };
        let rest = item.quantity.saturating_sub(latest_quantity);
        let mut released = Item { quantity: latest_quantity, ..item.clone() };
        // The older purchased item keeps its id, which belongs to the order that bought it: order refuses to place it
        // again. The id of the cancelled order's own line is free again, unless this is that very item.
        let line = update.lines.iter().find(|line| line.product_id == item.product_id);
        if let Some(line) = line.filter(|line| line.cart_item_id != item.cart_item_id) {
            released.cart_item_id.clone_from(&line.cart_item_id);
        }
        if rest > 0 {
            let Some(line) = line else {
                self.purchases.push(item);
                return;
            };
            if line.cart_item_id == item.cart_item_id {
                released.cart_item_id.clone_from(&line.remainder_id);
            }
            let state = ItemState::Purchased { order_id: None, latest_quantity: 0, bought_at };
            self.purchases.push(Item { quantity: rest, state, ..item });
        }
        self.put_back(released, expires_at, effects);
    }

    fn put_back(&mut self, item: Item, expires_at: Timestamp, effects: &mut Effects) {
        effects.made_active += 1;
        match self.active_item_mut(item.product_id) {
            Some(active) => {
                active.quantity = active.quantity.saturating_add(item.quantity).min(MAX_QUANTITY);
                active.state = ItemState::Active { expires_at };
            }
            None => self.contents.items.push(Item { state: ItemState::Active { expires_at }, ..item }),
        }
    }
}
