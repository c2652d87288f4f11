//! The cart's own copy of a product, and the alerts that a change of it is due to users who wish for the product.

use souk_events::{WishlistBackInStock, WishlistPriceDropped};
use souk_values::{Money, ProductId, Timestamp, UserId};

/// Maximum number of products on one wishlist.
pub const MAX_WISHES: u64 = 200;

/// Link and picture of a product, for the cart's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductLink {
    /// Readable part of its URL.
    pub slug: String,
    /// URL of its main picture.
    pub image_url: Option<String>,
}

/// State of a product at one of its revisions, from an event or a quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductUpdate {
    pub product_id: ProductId,
    pub name: String,
    pub price: Money,
    /// Units that can be bought.
    pub stock: i64,
    /// True when the product is no longer in the catalogue.
    pub hidden: bool,
    /// Absent in events of earlier releases, and in those of a return to stock.
    pub link: Option<ProductLink>,
    /// Revision of the product, which grows with every change.
    pub revision: i64,
    /// True when this revision brought the product back in stock.
    pub is_back: bool,
}

/// The copy of a product, at the highest revision received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownProduct {
    pub product_id: ProductId,
    pub name: String,
    pub price: Money,
    /// Units that can be bought.
    pub stock: i64,
    /// True when the product is no longer in the catalogue.
    pub hidden: bool,
    /// `None` until an update has one.
    pub link: Option<ProductLink>,
    /// Highest revision received.
    pub revision: i64,
    /// Price before `price_revision`; equals `price` until the first change of price.
    pub old_price: Money,
    /// Revision that set the current price.
    pub price_revision: i64,
    /// Latest revision that brought the product back in stock; 0 when none did.
    pub back_revision: i64,
}

/// Reason to alert the users who wish for a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    BackInStock,
    PriceDrop,
}

impl KnownProduct {
    /// Returns the copy of a product that was unknown before `update`.
    #[must_use]
    pub fn first(update: &ProductUpdate) -> Self {
        let mut known = Self {
            product_id: update.product_id,
            name: update.name.clone(),
            price: update.price,
            stock: update.stock,
            hidden: update.hidden,
            link: update.link.clone(),
            revision: update.revision,
            old_price: update.price,
            price_revision: update.revision,
            back_revision: 0,
        };
        known.record_return(update);
        known
    }

    /// Returns this copy after `update`. An older revision changes neither name, price nor stock.
    #[must_use]
    pub fn after(&self, update: &ProductUpdate) -> Self {
        let mut known = self.clone();
        if update.revision > self.revision {
            known.name.clone_from(&update.name);
            known.stock = update.stock;
            known.hidden = update.hidden;
            known.revision = update.revision;
            if update.link.is_some() {
                known.link.clone_from(&update.link);
            }
            if update.price != self.price {
                known.old_price = self.price;
                known.price = update.price;
                known.price_revision = update.revision;
            }
        }
        // A copy of an earlier release gets its link from a quote of any revision.
        if known.link.is_none() {
            known.link.clone_from(&update.link);
        }
        known.record_return(update);
        known
    }

    /// Records a return to stock, but not a late one of a product that is sold out again.
    fn record_return(&mut self, update: &ProductUpdate) {
        if update.is_back && self.is_available() {
            self.back_revision = self.back_revision.max(update.revision);
        }
    }

    /// Returns true when the product can be bought, as far as this copy is current.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.stock > 0 && !self.hidden
    }

    /// Returns the units that can be bought, as far as this copy is current.
    #[must_use]
    pub fn units(&self) -> i64 {
        if self.hidden { 0 } else { self.stock.max(0) }
    }

    /// Returns the revision that an alert of `kind` is due for; `None` when none is due. Users who made their wish at
    /// this revision or later, or were alerted of it, get no alert.
    #[must_use]
    pub fn alert_revision(&self, kind: AlertKind) -> Option<i64> {
        match kind {
            AlertKind::BackInStock => (self.back_revision > 0 && self.is_available()).then_some(self.back_revision),
            AlertKind::PriceDrop => {
                (self.price.minor < self.old_price.minor && !self.hidden).then_some(self.price_revision)
            }
        }
    }

    /// Returns the event that alerts `user_id` of the return to stock.
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

    /// Returns the event that alerts `user_id` of the lower price.
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

/// A product on a user's wishlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    pub product_id: ProductId,
    pub added_at: Timestamp,
    /// Price of one unit at that time. Unknown for wishes of earlier releases.
    pub price_when_added: Option<Money>,
}

/// A product as its wish found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenProduct {
    pub revision: i64,
    /// Price of one unit.
    pub price: Money,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use souk_values::{Currency, Id};

    use super::*;

    fn update(revision: i64, price: i64, stock: i64, is_back: bool) -> ProductUpdate {
        ProductUpdate {
            product_id: ProductId::new(1).unwrap(),
            name: format!("at {revision}"),
            price: Money::new(price, Currency::EUR),
            stock,
            hidden: false,
            link: None,
            revision,
            is_back,
        }
    }

    proptest! {
        #[test]
        fn the_highest_revision_wins_in_any_order(
            mut received in Just((1..=8_i64).collect::<Vec<_>>()).prop_shuffle(),
            duplicate in 0..8_usize,
        ) {
            received.push(received[duplicate]);
            let at = |revision: i64| update(revision, 100 + revision % 3, revision % 2, revision % 2 == 1);
            let first = KnownProduct::first(&at(received[0]));
            let known = received[1..].iter().fold(first, |known, &revision| known.after(&at(revision)));
            prop_assert_eq!((known.revision, known.price.minor, known.stock), (8, 102, 0));
            prop_assert_eq!(known.alert_revision(AlertKind::BackInStock), None, "a product sold out again is not back");
        }
    }

    #[test]
    fn a_link_is_kept_until_another_one_arrives() {
        let link = |slug: &str| Some(ProductLink { slug: slug.to_owned(), image_url: None });
        let first = KnownProduct::first(&update(1, 500, 0, false));
        let linked = first.after(&ProductUpdate { link: link("a"), ..update(1, 400, 9, false) });
        assert_eq!((&linked.link, linked.price, linked.stock), (&link("a"), first.price, first.stock));
        assert_eq!(linked.after(&update(2, 500, 1, true)).link, link("a"));
        assert_eq!(linked.after(&ProductUpdate { link: link("b"), ..update(2, 500, 0, false) }).link, link("b"));
        assert_eq!(linked.after(&ProductUpdate { link: link("b"), ..update(1, 500, 0, false) }).link, link("a"));
    }

    #[test]
    fn a_price_drop_alert_is_due_until_the_price_rises() {
        let known = KnownProduct::first(&update(1, 500, 0, false));
        assert_eq!(known.alert_revision(AlertKind::PriceDrop), None);
        let cheaper = known.after(&update(3, 400, 0, false));
        assert_eq!(cheaper.alert_revision(AlertKind::PriceDrop), Some(3));
        assert_eq!(cheaper.after(&update(2, 300, 9, false)), cheaper, "an older update changes nothing");
        let same = cheaper.after(&update(4, 400, 5, true));
        assert_eq!(
            (same.alert_revision(AlertKind::PriceDrop), same.alert_revision(AlertKind::BackInStock)),
            (Some(3), Some(4))
        );
        assert_eq!(same.after(&update(5, 450, 5, false)).alert_revision(AlertKind::PriceDrop), None);
    }
}
