//! A product's stock: how it moves, and the events that a move leads to.

use souk_events::{ProductChanged, StockBack, StockLow};
use souk_values::{Money, ProductId};

use crate::event::ProductEvent;

/// Maximum stock of one product, in units.
pub(crate) const MAX_STOCK: i64 = 1_000_000_000_000;

/// The part of a product that its stock depends on, and that its events carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StockItem {
    pub product_id: ProductId,
    pub sku: String,
    pub slug: String,
    pub image_url: Option<String>,
    pub name: String,
    pub price: Money,
    /// Units that can be bought: on hand less reserved.
    pub stock: i64,
    /// Low stock threshold, inclusive.
    pub low_stock_at: i64,
    /// True for a product that was deleted from the catalogue.
    pub hidden: bool,
    /// Number of `product.changed` events so far.
    pub revision: i64,
}

/// The moves of stock that `product.changed` is published for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PublishPolicy {
    Always,
    /// Only while stock is low before or after: a product that sells fast would otherwise publish each sale to every
    /// consumer, none of which needs the exact number.
    WhenLow,
}

/// The stock would be negative or above [`MAX_STOCK`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfRange;

impl StockItem {
    /// Returns the units that an order may reserve.
    pub(crate) fn available(&self) -> i64 {
        if self.hidden { 0 } else { self.stock }
    }

    /// Adds `delta` units, and returns the events to publish.
    pub(crate) fn moved(&self, delta: i64, policy: PublishPolicy) -> Result<(Self, Vec<ProductEvent>), OutOfRange> {
        let stock = self.stock.checked_add(delta).filter(|stock| (0..=MAX_STOCK).contains(stock)).ok_or(OutOfRange)?;
        let mut after = Self { stock, ..self.clone() };
        let is_low = self.stock.min(stock) <= self.low_stock_at;
        if delta == 0 || (policy == PublishPolicy::WhenLow && !is_low) {
            return Ok((after, Vec::new()));
        }
        after.revision += 1;
        let mut events = vec![after.changed()];
        if !self.hidden && self.stock > self.low_stock_at && stock <= self.low_stock_at {
            events.push(after.low());
        }
        if !self.hidden && self.stock == 0 && stock > 0 {
            events.push(after.back());
        }
        Ok((after, events))
    }

    pub(crate) fn changed(&self) -> ProductEvent {
        ProductEvent::Changed(ProductChanged {
            product_id: self.product_id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: self.price,
            stock: self.stock,
            hidden: self.hidden,
            slug: Some(self.slug.clone()),
            image_url: self.image_url.clone(),
            revision: self.revision,
        })
    }

    pub(crate) fn low(&self) -> ProductEvent {
        ProductEvent::Low(StockLow {
            product_id: self.product_id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            stock: self.stock,
            low_stock_at: self.low_stock_at,
            revision: self.revision,
        })
    }

    fn back(&self) -> ProductEvent {
        ProductEvent::Back(StockBack {
            product_id: self.product_id,
            name: self.name.clone(),
            price: self.price,
            stock: self.stock,
            revision: self.revision,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{Currency, Id};

    use super::*;

    fn item(stock: i64) -> StockItem {
        StockItem {
            product_id: ProductId::new(7).unwrap(),
            sku: "K-1".to_owned(),
            slug: "kettle".to_owned(),
            image_url: None,
            name: "Kettle".to_owned(),
            price: Money::new(1999, Currency::EUR),
            stock,
            low_stock_at: 5,
            hidden: false,
            revision: 3,
        }
    }

    fn kinds(events: &[ProductEvent]) -> String {
        events
            .iter()
            .map(|event| match event {
                ProductEvent::Changed(_) => 'c',
                ProductEvent::Low(_) => 'l',
                ProductEvent::Back(_) => 'b',
            })
            .collect()
    }

    #[test]
    fn low_stock_is_published_once_as_the_threshold_is_crossed() {
        let published = |before, delta, policy| kinds(&item(before).moved(delta, policy).unwrap().1);
        assert_eq!(published(100, -3, PublishPolicy::WhenLow), "");
        assert_eq!(published(100, -3, PublishPolicy::Always), "c");
        assert_eq!(published(6, -1, PublishPolicy::WhenLow), "cl");
        assert_eq!(published(5, -1, PublishPolicy::WhenLow), "c");
        assert_eq!(published(1, -1, PublishPolicy::WhenLow), "c");
        assert_eq!(published(0, 1, PublishPolicy::WhenLow), "cb");
        assert_eq!(published(0, 9, PublishPolicy::WhenLow), "cb");
        assert_eq!(published(3, 9, PublishPolicy::WhenLow), "c");
    }

    #[test]
    fn a_hidden_product_is_neither_low_nor_back() {
        let hidden = StockItem { hidden: true, ..item(0) };
        assert_eq!(kinds(&hidden.moved(4, PublishPolicy::WhenLow).unwrap().1), "c");
        assert_eq!(hidden.moved(4, PublishPolicy::WhenLow).unwrap().0.available(), 0);
    }

    proptest! {
        #[test]
        fn stock_never_leaves_its_range_and_revisions_count_published_changes(
            stock in 0..=20_i64, delta in -30..=30_i64, always in any::<bool>(),
        ) {
            let policy = if always { PublishPolicy::Always } else { PublishPolicy::WhenLow };
            match item(stock).moved(delta, policy) {
                Err(OutOfRange) => prop_assert!(stock + delta < 0),
                Ok((after, events)) => {
                    prop_assert_eq!(after.stock, stock + delta);
                    prop_assert_eq!(after.revision - 3, i64::from(!events.is_empty()));
                }
            }
        }
    }
}
