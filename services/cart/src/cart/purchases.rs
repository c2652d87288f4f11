//! Purchased items: one for each product that the user bought, however many they are. They are stored beside the cart, and
//! a command reads only those that it concerns, so that its cost does not grow with what was bought before.

use std::collections::BTreeSet;

use souk_values::ProductId;

use super::{Cart, CartCommand, Item, ItemState, MAX_QUANTITY, OrderStage};

/// The purchased items that a command may read or change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConcernedPurchases {
    pub products: BTreeSet<ProductId>,
    /// Ids of cart items, most of which are not those of purchased items.
    pub item_ids: BTreeSet<String>,
}

impl ConcernedPurchases {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.products.is_empty() && self.item_ids.is_empty()
    }

    /// Returns true if the purchased `item` is among them.
    #[must_use]
    pub fn contains(&self, item: &Item) -> bool {
        self.products.contains(&item.product_id) || self.item_ids.contains(&item.cart_item_id)
    }
}

impl Item {
    /// Returns the time at which a purchased item was bought, in milliseconds; 0 when it is unknown.
    pub(crate) fn bought_at_millis(&self) -> i64 {
        match self.state {
            ItemState::Purchased { bought_at: Some(bought_at), .. } => bought_at.millis(),
            _ => 0,
        }
    }
}

impl Cart {
    /// Returns the purchased items that `command` concerns, which [`Cart::apply`] needs.
    #[must_use]
    pub fn concerned_purchases(&self, command: &CartCommand) -> ConcernedPurchases {
        let mut concerned = ConcernedPurchases::default();
        let is_within = |id: &str| self.contents.items.iter().any(|item| item.cart_item_id == id);
        match command {
            CartCommand::FollowOrder(update) if update.stage != OrderStage::Placed => {
                concerned.products.extend(update.lines.iter().map(|line| line.product_id));
            }
            CartCommand::SetQuantity { cart_item_id, .. } | CartCommand::Remove { cart_item_id } => {
                concerned.item_ids.extend((!is_within(cart_item_id)).then(|| cart_item_id.clone()));
            }
            CartCommand::Merge(lines) => {
                let ids = lines.iter().map(|line| line.cart_item_id.clone());
                concerned.item_ids.extend(ids.filter(|id| !is_within(id)));
            }
            CartCommand::FollowOrder(_)
            | CartCommand::Add { .. }
            | CartCommand::AddFromWishlist(_)
            | CartCommand::Clear
            | CartCommand::RemoveMerged(_)
            | CartCommand::Expire => {}
        }
        concerned.products.extend(self.inner_purchases().map(|item| item.product_id));
        concerned
    }

    /// Returns the cart with these purchased items.
    #[must_use]
    pub fn with_purchases(self, purchases: Vec<Item>) -> Self {
        Self { purchases, ..self }
    }

    /// Returns the purchased items that were read with the cart.
    #[must_use]
    pub fn purchases(&self) -> &[Item] {
        &self.purchases
    }

    /// Returns true when the cart is one of an earlier release, with purchased items in it.
    #[must_use]
    pub fn has_inner_purchases(&self) -> bool {
        self.inner_purchases().next().is_some()
    }

    fn inner_purchases(&self) -> impl Iterator<Item = &Item> {
        self.contents.items.iter().filter(|item| item.is_purchased())
    }

    /// Moves the purchased items that an earlier release stored in the cart beside it.
    pub(super) fn move_purchases_out(&mut self) {
        for item in self.take_items(Item::is_purchased) {
            self.add_purchase(item);
        }
    }

    /// Adds a purchased item to that of the same product, whose id stays.
    pub(super) fn add_purchase(&mut self, bought: Item) {
        match self.purchases.iter_mut().find(|known| known.product_id == bought.product_id) {
            Some(known) => {
                known.quantity = known.quantity.saturating_add(bought.quantity).min(MAX_QUANTITY);
                known.name = bought.name;
                known.state = bought.state;
            }
            None => self.purchases.push(bought),
        }
    }
}
