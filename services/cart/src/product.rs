//! The cart's own copy of a product, and what a change of it means to those who wish for it.

use souk_events::{WishlistBackInStock, WishlistPriceDropped};
use souk_values::{Money, ProductId, Timestamp, UserId};

/// What is said of a product at one of its revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductNews {
    /// Which.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// What can be bought.
    pub stock: i64,
    /// No longer in the catalogue.
    pub hidden: bool,
    /// Grows with each change.
    pub revision: i64,
    /// Whether this tells that it can be bought again.
    pub is_back: bool,
}

/// What is known of a product: its highest revision heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProduct {
    /// Which.
    pub product_id: ProductId,
    /// Its name.
    pub name: String,
    /// For one.
    pub price: Money,
    /// What can be bought.
    pub stock: i64,
    /// No longer in the catalogue.
    pub hidden: bool,
    /// The highest one heard of.
    pub revision: i64,
    /// What it cost before `price_revision`; the same as `price` while it has only had one.
    pub old_price: Money,
    /// Since which revision it has this price.
    pub price_revision: i64,
    /// The last revision at which it came back; 0 for none.
    pub back_revision: i64,
}

/// What those who wish for a product are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It can be bought again.
    Back,
    /// It costs less.
    PriceDrop,
}

impl KnownProduct {
    /// A product heard of for the first time.
    #[must_use]
    pub fn first(news: &ProductNews) -> Self {
        let mut known = Self {
            product_id: news.product_id,
            name: news.name.clone(),
            price: news.price,
            stock: news.stock,
            hidden: news.hidden,
            revision: news.revision,
            old_price: news.price,
            price_revision: news.revision,
            back_revision: 0,
        };
        known.note_return(news);
        known
    }

    /// This copy after `news`; what is older than the copy changes neither name, price nor stock.
    #[must_use]
    pub fn after(&self, news: &ProductNews) -> Self {
        let mut known = self.clone();
        if news.revision > self.revision {
            known.name.clone_from(&news.name);
            (known.stock, known.hidden, known.revision) = (news.stock, news.hidden, news.revision);
            if news.price != self.price {
                (known.old_price, known.price) = (self.price, news.price);
                known.price_revision = news.revision;
            }
        }
        known.note_return(news);
        known
    }

    /// A return counts only while the product is there: late news of one are no news any more.
    fn note_return(&mut self, news: &ProductNews) {
        if news.is_back && self.is_available() {
            self.back_revision = self.back_revision.max(news.revision);
        }
    }

    /// Whether it can be bought now, as far as is known.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.stock > 0 && !self.hidden
    }

    /// The revision of which `notice` is due to whoever wished before it and was not told.
    #[must_use]
    pub fn owes(&self, notice: Notice) -> Option<i64> {
        match notice {
            Notice::Back => (self.back_revision > 0 && self.is_available()).then_some(self.back_revision),
            Notice::PriceDrop => {
                (self.price.minor < self.old_price.minor && !self.hidden).then_some(self.price_revision)
            }
        }
    }

    /// The event that tells `user_id` that it is back.
    #[must_use]
    pub fn back_in_stock(&self, user_id: UserId) -> WishlistBackInStock {
        WishlistBackInStock {
            user_id,
            product_id: self.product_id,
            name: self.name.clone(),
            price: self.price,
            revision: self.back_revision,
        }
    }

    /// The event that tells `user_id` that it costs less.
    #[must_use]
    pub fn price_dropped(&self, user_id: UserId) -> WishlistPriceDropped {
        WishlistPriceDropped {
            user_id,
            product_id: self.product_id,
            name: self.name.clone(),
            old_price: self.old_price,
            new_price: self.price,
            revision: self.price_revision,
        }
    }
}

/// A product that somebody wishes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which.
    pub product_id: ProductId,
    /// Since when.
    pub added_at: Timestamp,
}

/// The most wishes of one customer.
pub const MAX_WISHES: u64 = 200;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{Currency, Id};

    use super::*;

    fn news(revision: i64, price: i64, stock: i64, is_back: bool) -> ProductNews {
        let (product_id, name) = (ProductId::new(1).unwrap(), format!("at {revision}"));
        let price = Money::new(price, Currency::EUR);
        ProductNews { product_id, name, price, stock, hidden: false, revision, is_back }
    }

    proptest! {
        #[test]
        fn the_highest_revision_wins_in_any_order(mut heard in Just((1..=8_i64).collect::<Vec<_>>()).prop_shuffle(), again in 0..8_usize) {
            heard.push(heard[again]);
            let tell = |revision: i64| news(revision, 100 + revision % 3, revision % 2, revision % 2 == 1);
            let known = heard[1..].iter().fold(KnownProduct::first(&tell(heard[0])), |known, &revision| known.after(&tell(revision)));
            prop_assert_eq!((known.revision, known.price.minor, known.stock), (8, 102, 0));
            prop_assert_eq!(known.owes(Notice::Back), None, "what is sold out again is not told as back");
        }
    }

    #[test]
    fn a_drop_is_owed_until_the_price_rises() {
        let known = KnownProduct::first(&news(1, 500, 0, false));
        assert_eq!(known.owes(Notice::PriceDrop), None);
        let cheaper = known.after(&news(3, 400, 0, false));
        assert_eq!(cheaper.owes(Notice::PriceDrop), Some(3));
        assert_eq!(cheaper.after(&news(2, 300, 9, false)), cheaper, "older news change nothing");
        let same = cheaper.after(&news(4, 400, 5, true));
        assert_eq!((same.owes(Notice::PriceDrop), same.owes(Notice::Back)), (Some(3), Some(4)));
        assert_eq!(same.after(&news(5, 450, 5, false)).owes(Notice::PriceDrop), None);
    }
}
