//! Following an order: its lines are ordered, bought, or put back, each once, however the news arrive.

use souk_events::CartLine;
use souk_values::{OrderId, ProductId, Timestamp};

use super::{Cart, Effects, Item, MAX_QUANTITY, Standing, Terms};

/// How far an order is, as far as a cart is concerned. A later stage never goes back to an earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It took its lines.
    Placed,
    /// It is paid.
    Paid,
    /// It is over without a sale.
    Cancelled,
}

/// What is known of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderMark {
    /// The highest version seen; 0 when only the call was.
    pub version: i64,
    /// The latest stage seen.
    pub stage: Stage,
}

/// A line of an order that came from the cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedLine {
    /// The item that it was.
    pub cart_item_id: String,
    /// What it is.
    pub product_id: ProductId,
    /// How many were ordered.
    pub quantity: u32,
    /// The id of what stays when the item grew meanwhile.
    pub spare_id: String,
}

/// News of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderStep {
    /// Which order.
    pub order_id: OrderId,
    /// Its version; 0 in a call, which has none.
    pub version: i64,
    /// How far it is.
    pub stage: Stage,
    /// Its lines that came from the cart.
    pub lines: Vec<OrderedLine>,
}

impl Cart {
    /// Follows `step`, unless as much is known already. Answers what is known after it.
    pub(super) fn follow(
        &mut self,
        step: &OrderStep,
        mark: Option<OrderMark>,
        now: Timestamp,
        terms: &Terms,
        effects: &mut Effects,
    ) -> OrderMark {
        let known = mark.unwrap_or(OrderMark { version: step.version, stage: step.stage });
        let version = known.version.max(step.version);
        if mark.is_some() && (step.stage <= known.stage || step.version < known.version) {
            return OrderMark { version, ..known };
        }
        match step.stage {
            Stage::Placed => self.order(step, now.plus(terms.ordered), effects),
            Stage::Paid => {
                if mark.is_none() {
                    self.order(step, now.plus(terms.ordered), effects);
                }
                self.purchase(step.order_id);
            }
            Stage::Cancelled => self.release(step, now.plus(terms.active), effects),
        }
        OrderMark { version, stage: step.stage }
    }

    /// Moves exactly the order's lines, as far as they are still here.
    fn order(&mut self, step: &OrderStep, until: Timestamp, effects: &mut Effects) {
        let mut moved: Vec<CartLine> = Vec::new();
        for line in &step.lines {
            let is_meant = |item: &&mut Item| item.is_active() && item.cart_item_id == line.cart_item_id;
            let Some(item) = self.contents.items.iter_mut().find(is_meant) else { continue };
            let rest = item.quantity.saturating_sub(line.quantity);
            let remainder = Item { cart_item_id: line.spare_id.clone(), quantity: rest, ..item.clone() };
            item.quantity -= rest;
            item.standing = Standing::Ordered { order_id: step.order_id, until };
            moved.push(item.line());
            if rest > 0 {
                self.contents.items.push(remainder);
            }
        }
        effects.made_ordered += moved.len();
        if !moved.is_empty() {
            effects.checked_out = Some((step.order_id, moved));
        }
    }

    /// The order's items are bought: they stay, one for each product.
    fn purchase(&mut self, order_id: OrderId) {
        let is_meant = |item: &Item| matches!(item.standing, Standing::Ordered { order_id: of, .. } if of == order_id);
        for bought in self.take(is_meant) {
            let lately = bought.quantity;
            let is_same = |item: &&mut Item| {
                item.product_id == bought.product_id && matches!(item.standing, Standing::Purchased { .. })
            };
            let standing = Standing::Purchased { order_id: Some(order_id), lately };
            if let Some(item) = self.contents.items.iter_mut().find(is_same) {
                item.quantity = item.quantity.saturating_add(lately).min(MAX_QUANTITY);
                item.name = bought.name;
                item.standing = standing;
            } else {
                self.contents.items.push(Item { standing, ..bought });
            }
        }
    }

    /// The order's items, and what it added to bought ones, are active again.
    fn release(&mut self, step: &OrderStep, until: Timestamp, effects: &mut Effects) {
        for item in self.take(|item| item.standing.order_id() == Some(step.order_id)) {
            let Standing::Purchased { lately, .. } = item.standing else {
                self.put_back(item, until, effects);
                continue;
            };
            let rest = item.quantity.saturating_sub(lately);
            let mut back = Item { quantity: lately, ..item.clone() };
            if rest > 0 {
                // The item that this order's was joined to keeps its id; the line's own is free again.
                let line = step.lines.iter().find(|line| line.product_id == item.product_id);
                let id_of = |line: &super::OrderedLine| {
                    if line.cart_item_id == item.cart_item_id {
                        line.spare_id.clone()
                    } else {
                        line.cart_item_id.clone()
                    }
                };
                let Some(id) = line.map(id_of) else {
                    self.contents.items.push(item);
                    continue;
                };
                back.cart_item_id = id;
                let standing = Standing::Purchased { order_id: None, lately: 0 };
                self.contents.items.push(Item { quantity: rest, standing, ..item });
            }
            self.put_back(back, until, effects);
        }
    }

    fn put_back(&mut self, item: Item, until: Timestamp, effects: &mut Effects) {
        effects.made_active += 1;
        match self.active_of(item.product_id) {
            Some(active) => {
                active.quantity = active.quantity.saturating_add(item.quantity).min(MAX_QUANTITY);
                active.standing = Standing::Active { until };
            }
            None => self.contents.items.push(Item { standing: Standing::Active { until }, ..item }),
        }
    }
}
