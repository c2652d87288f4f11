//! A product as stock sees it: how many there are, how they move, and what of that is told.

use souk_events::{ProductChanged, StockBack, StockLow};
use souk_values::{Money, ProductId};

use crate::news::News;

/// The most units of one product.
pub const MAX_STOCK: i64 = 1_000_000_000_000;

/// The part of a product that stock concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf {
    /// Which product.
    pub product_id: ProductId,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// What can be bought now.
    pub stock: i64,
    /// Few are left at or below this.
    pub low_stock_at: i64,
    /// Not in the catalogue.
    pub hidden: bool,
    /// Grows with each `product.changed`.
    pub revision: i64,
}

/// Whether a move of stock is told always, or only where few are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// An admin's act.
    Always,
    /// An order's: told while stock is at or below `lowStockAt` before or after, so that a product which
    /// sells fast does not tell each sale.
    WhenFew,
}

/// Units that cannot move: the stock would be below zero or above [`MAX_STOCK`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfRange;

impl Shelf {
    /// What an order may take from here.
    #[must_use]
    pub fn available(&self) -> i64 {
        if self.hidden { 0 } else { self.stock }
    }

    /// The shelf with `delta` units more, and what is told of it.
    pub fn moved(&self, delta: i64, telling: Telling) -> Result<(Self, Vec<News>), OutOfRange> {
        let stock = self.stock.checked_add(delta).filter(|stock| (0..=MAX_STOCK).contains(stock)).ok_or(OutOfRange)?;
        let mut after = Self { stock, ..self.clone() };
        let is_few = self.stock.min(stock) <= self.low_stock_at;
        if delta == 0 || (telling == Telling::WhenFew && !is_few) {
            return Ok((after, Vec::new()));
        }
        after.revision += 1;
        let mut news = vec![after.changed()];
        if !self.hidden && self.stock > self.low_stock_at && stock <= self.low_stock_at {
            news.push(after.low());
        }
        if !self.hidden && self.stock == 0 && stock > 0 {
            news.push(after.back());
        }
        Ok((after, news))
    }

    /// That it changed.
    #[must_use]
    pub fn changed(&self) -> News {
        News::Changed(ProductChanged {
            product_id: self.product_id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            price: self.price,
            stock: self.stock,
            hidden: self.hidden,
            revision: self.revision,
        })
    }

    /// That few are left.
    #[must_use]
    pub fn low(&self) -> News {
        News::Low(StockLow {
            product_id: self.product_id,
            sku: self.sku.clone(),
            name: self.name.clone(),
            stock: self.stock,
            low_stock_at: self.low_stock_at,
            revision: self.revision,
        })
    }

    fn back(&self) -> News {
        News::Back(StockBack {
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

    pub(crate) fn shelf(stock: i64) -> Shelf {
        Shelf {
            product_id: ProductId::new(7).unwrap(),
            sku: "K-1".to_owned(),
            name: "Kettle".to_owned(),
            price: Money::new(1999, Currency::EUR),
            stock,
            low_stock_at: 5,
            hidden: false,
            revision: 3,
        }
    }

    fn kinds(news: &[News]) -> String {
        news.iter()
            .map(|news| match news {
                News::Changed(_) => 'c',
                News::Low(_) => 'l',
                News::Back(_) => 'b',
            })
            .collect()
    }

    #[test]
    fn few_are_told_once_as_the_threshold_is_crossed() {
        let told = |before, delta, telling| kinds(&shelf(before).moved(delta, telling).unwrap().1);
        assert_eq!(told(100, -3, Telling::WhenFew), "");
        assert_eq!(told(100, -3, Telling::Always), "c");
        assert_eq!(told(6, -1, Telling::WhenFew), "cl");
        assert_eq!(told(5, -1, Telling::WhenFew), "c");
        assert_eq!(told(1, -1, Telling::WhenFew), "c");
        assert_eq!(told(0, 1, Telling::WhenFew), "cb");
        assert_eq!(told(0, 9, Telling::WhenFew), "cb");
        assert_eq!(told(3, 9, Telling::WhenFew), "c");
    }

    #[test]
    fn a_hidden_product_is_neither_low_nor_back() {
        let hidden = Shelf { hidden: true, ..shelf(0) };
        assert_eq!(kinds(&hidden.moved(4, Telling::WhenFew).unwrap().1), "c");
        assert_eq!(hidden.moved(4, Telling::WhenFew).unwrap().0.available(), 0);
    }

    proptest! {
        #[test]
        fn stock_never_leaves_its_range_and_revisions_count_what_is_told(
            stock in 0..=20_i64, delta in -30..=30_i64, always in any::<bool>(),
        ) {
            let telling = if always { Telling::Always } else { Telling::WhenFew };
            match shelf(stock).moved(delta, telling) {
                Err(OutOfRange) => prop_assert!(stock + delta < 0),
                Ok((after, news)) => {
                    prop_assert_eq!(after.stock, stock + delta);
                    prop_assert_eq!(after.revision - 3, i64::from(!news.is_empty()));
                }
            }
        }
    }
}
