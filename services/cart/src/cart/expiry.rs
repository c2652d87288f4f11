//! Expiry of items, and the reminder before it.

use std::collections::BTreeSet;

use souk_events::CartLine;
use souk_values::Timestamp;

use super::{Cart, Item, Lifetimes};

impl Cart {
    /// Removes everything that is expired at `now` and returns the items among it.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<CartLine> {
        self.contents.merged.retain(|merged| merged.expires_at > now);
        self.contents.keys.retain(|key| key.expires_at > now);
        self.take_items(|item| item.is_expired(now)).iter().map(Item::line).collect()
    }

    /// Returns the active items and the next expiry if a reminder of exactly these items is due, and records it as sent.
    pub(super) fn remind(&mut self, now: Timestamp, lifetimes: &Lifetimes) -> Option<(Vec<CartLine>, Timestamp)> {
        if self.reminder_at(lifetimes)? > now {
            return None;
        }
        let next_expiry = self.next_expiry()?;
        self.contents.reminded = self.active_ids();
        Some((self.active_items().map(Item::line).collect(), next_expiry))
    }

    /// Returns when [`super::CartCommand::Expire`] next changes this cart; `None` when it never does.
    #[must_use]
    pub fn due_at(&self, lifetimes: &Lifetimes) -> Option<Timestamp> {
        let items = self.contents.items.iter().filter_map(|item| item.state.expires_at());
        items.chain(self.record_expiries()).chain(self.reminder_at(lifetimes)).min()
    }

    /// Returns when the last part of this cart expires; `None` when a part never does.
    #[must_use]
    pub fn last_expiry(&self) -> Option<Timestamp> {
        let mut latest = self.record_expiries().max().unwrap_or(Timestamp::EPOCH);
        for item in &self.contents.items {
            latest = latest.max(item.state.expires_at()?);
        }
        Some(latest)
    }

    /// Returns the expiries of merged items and idempotency keys.
    fn record_expiries(&self) -> impl Iterator<Item = Timestamp> {
        let merged = self.contents.merged.iter().map(|merged| merged.expires_at);
        merged.chain(self.contents.keys.iter().map(|key| key.expires_at))
    }

    /// Returns when the reminder of the current active items is due; `None` when it was sent.
    fn reminder_at(&self, lifetimes: &Lifetimes) -> Option<Timestamp> {
        let next_expiry = self.next_expiry()?;
        (self.active_ids() != self.contents.reminded).then(|| next_expiry.minus(lifetimes.remind_before))
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.active_items().filter_map(|item| item.state.expires_at()).min()
    }

    fn active_ids(&self) -> BTreeSet<String> {
        self.active_items().map(|item| item.cart_item_id.clone()).collect()
    }
}
