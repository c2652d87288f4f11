//! What time does to a cart: items end, a reminder falls due.

use std::collections::BTreeSet;

use souk_events::CartLine;
use souk_values::Timestamp;

use super::{Cart, Terms};

impl Cart {
    /// Takes out what is over at `now`, and tells the items.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<CartLine> {
        self.contents.absorbed.retain(|absorbed| absorbed.until > now);
        self.contents.keys.retain(|key| key.until > now);
        self.take(|item| item.is_over(now)).iter().map(super::Item::line).collect()
    }

    /// The active items, if a reminder of just these is due and was not sent; notes that it is sent.
    pub(super) fn remind(&mut self, now: Timestamp, terms: &Terms) -> Option<(Vec<CartLine>, Timestamp)> {
        if self.reminder_at(terms)? > now {
            return None;
        }
        let next = self.next_end()?;
        self.contents.reminded = self.active_ids();
        Some((self.active().map(super::Item::line).collect(), next))
    }

    /// When a sweep has something to do here.
    #[must_use]
    pub fn due_at(&self, terms: &Terms) -> Option<Timestamp> {
        let items = self.contents.items.iter().filter_map(|item| item.standing.until());
        let absorbed = self.contents.absorbed.iter().map(|absorbed| absorbed.until);
        let keys = self.contents.keys.iter().map(|key| key.until);
        items.chain(absorbed).chain(keys).chain(self.reminder_at(terms)).min()
    }

    /// When nothing of this cart is left; `None` when something stays for ever.
    #[must_use]
    pub fn over_at(&self) -> Option<Timestamp> {
        let absorbed = self.contents.absorbed.iter().map(|absorbed| absorbed.until);
        let keys = self.contents.keys.iter().map(|key| key.until);
        let mut latest = absorbed.chain(keys).max().unwrap_or(Timestamp::EPOCH);
        for item in &self.contents.items {
            latest = latest.max(item.standing.until()?);
        }
        Some(latest)
    }

    /// When to remind of the items that are active now; never twice of the same ones.
    fn reminder_at(&self, terms: &Terms) -> Option<Timestamp> {
        let next = self.next_end()?;
        (self.active_ids() != self.contents.reminded).then(|| next.minus(terms.remind_before))
    }

    fn next_end(&self) -> Option<Timestamp> {
        self.active().filter_map(|item| item.standing.until()).min()
    }

    fn active_ids(&self) -> BTreeSet<String> {
        self.active().map(|item| item.cart_item_id.clone()).collect()
    }
}
