//! Wishlists. A wish is in the hash slot of its user, beside the outbox, so that one script changes both and each alert is
//! published once.
//!
//! The users who wish for a product are found by an index in the product's hash slot. Its entries are hints that may be
//! stale: a hint is added before its wish and removed after it, so the wish itself is always checked.

use souk_sql::SqlError;
use souk_values::{Money, ProductId, Timestamp, UserId};

use super::{RedisCartStore, damaged, json, retry, scripts};
use crate::{
    cart::Refusal,
    product::{AlertKind, MAX_WISHES, SeenProduct, Wish},
    store::{StoreError, WishAlert, Wishlists},
};

/// A stored wish: its fields as numbers, separated by colons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StoredWish {
    pub added_at: Timestamp,
    /// Revision up to which back-in-stock alerts were published.
    pub alerted_back: i64,
    /// Revision up to which price-drop alerts were published.
    pub alerted_price: i64,
    /// Sequence number of this wish's hint in the product's index.
    pub hint: i64,
    /// Price of one unit when the wish was made, in minor units. Absent in wishes of earlier releases.
    pub price_minor: Option<i64>,
}

impl StoredWish {
    pub fn encode(self) -> String {
        let Self { added_at, alerted_back, alerted_price, hint, price_minor } = self;
        let price = price_minor.map(|minor| format!(":{minor}")).unwrap_or_default();
        format!("{}:{alerted_back}:{alerted_price}:{hint}{price}", added_at.millis())
    }

    pub fn decode(text: &str, user: UserId) -> Result<Self, SqlError> {
        let wrong = || damaged(&format!("a wish of user {user}"), &text);
        let numbers: Vec<i64> = text.split(':').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let (added_at, alerted_back, alerted_price, hint, price_minor) = match *numbers {
            [added_at, back, price, hint] => (added_at, back, price, hint, None),
            [added_at, back, price, hint, minor] => (added_at, back, price, hint, Some(minor)),
            _ => return Err(wrong()),
        };
        Ok(Self { added_at: Timestamp::from_millis(added_at), alerted_back, alerted_price, hint, price_minor })
    }

    /// Returns the revision up to which alerts of `kind` were published.
    fn alerted_revision(&mut self, kind: AlertKind) -> &mut i64 {
        match kind {
            AlertKind::BackInStock => &mut self.alerted_back,
            AlertKind::PriceDrop => &mut self.alerted_price,
        }
    }
}

/// Returns the id of `user` with leading zeros, so that the texts in an index sort like ids.
fn sortable(user: UserId) -> String {
    format!("{:016}", souk_values::Id::get(user))
}

#[async_trait::async_trait]
impl Wishlists for RedisCartStore {
    async fn wishes(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        let key = self.keys().wishes(user);
        let stored: Vec<(String, String)> = self.client.query(redis::cmd("HGETALL").arg(key)).await?;
        let wish = |(product, wish): (String, String)| {
            let product_id = product.parse().map_err(|_| damaged(&format!("the wishlist of user {user}"), &product))?;
            let StoredWish { added_at, price_minor, .. } = StoredWish::decode(&wish, user)?;
            Ok(Wish {
                product_id,
                added_at,
                price_when_added: price_minor.map(|minor| Money::new(minor, self.currency)),
            })
        };
        let mut wishes = stored.into_iter().map(wish).collect::<Result<Vec<_>, SqlError>>()?;
        wishes.sort_by_key(|wish| std::cmp::Reverse((wish.added_at, wish.product_id)));
        Ok(wishes)
    }

    async fn add_wish(
        &self,
        user: UserId,
        product: ProductId,
        seen: SeenProduct,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // The hint comes first: a crash after it leaves a hint without a wish, which is skipped. In the other order a crash
        // would leave a wish that no alert finds.
        let keys = self.keys();
        let mut add_hint = scripts::ADD_HINT.key(keys.wishers(product));
        add_hint.key(keys.hints(keys.partition_of(product))).arg(sortable(user));
        let hint: i64 = self.client.run(&add_hint).await?;
        let wish = StoredWish {
            added_at: now,
            alerted_back: seen.revision,
            alerted_price: seen.revision,
            hint,
            price_minor: Some(seen.price.minor),
        };
        let mut add = scripts::ADD_WISH.key(keys.wishes(user));
        add.arg(product.to_string()).arg(wish.encode()).arg(MAX_WISHES);
        let outcome: String = self.client.run(&add).await?;
        if outcome != "added" {
            self.remove_hint(product, user, hint).await;
        }
        if outcome == "full" { Err(Refusal::TooManyWishes.into()) } else { Ok(()) }
    }

    async fn remove_wish(&self, user: UserId, product: ProductId) -> Result<(), StoreError> {
        let mut remove = scripts::REMOVE_WISH.key(self.keys().wishes(user));
        let wish: Option<String> = self.client.run(remove.arg(product.to_string())).await?;
        let wish = wish.ok_or(Refusal::NotWished)?;
        self.remove_hint(product, user, StoredWish::decode(&wish, user)?.hint).await;
        Ok(())
    }

    async fn users_to_alert(
        &self,
        product: ProductId,
        kind: AlertKind,
        revision: i64,
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        // A user may have several hints, `USER:NUMBER`. `;` follows `:`, so this sorts behind all of them.
        let mut from = after.map_or_else(|| "-".to_owned(), |user| format!("({};", sortable(user)));
        loop {
            let mut read = redis::cmd("ZRANGE");
            read.arg(self.keys().wishers(product)).arg(&from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
            let hints: Vec<String> = self.client.query(&read).await?;
            let Some(last) = hints.last() else { return Ok(Vec::new()) };
            from = format!("({last}");
            let users = self.users_among(&hints, product, kind, revision).await?;
            if !users.is_empty() {
                return Ok(users);
            }
        }
    }

    async fn publish_alert(&self, alert: WishAlert) -> Result<bool, StoreError> {
        retry("wish", || self.try_publish(&alert)).await
    }
}

impl RedisCartStore {
    /// Removes the hint of a removed wish. A failure is not reported: a hint without its wish is skipped.
    pub(super) async fn remove_hint(&self, product: ProductId, user: UserId, hint: i64) {
        let mut remove = scripts::REMOVE_HINT.key(self.keys().wishers(product));
        remove.arg(format!("{}:{hint}", sortable(user)));
        let removed: Result<u64, SqlError> = self.client.run(&remove).await;
        if let Err(error) = removed {
            tracing::debug!(product.id = %product, error = %error, "the hint of a removed wish could not be removed");
        }
    }

    /// Returns the users of `hints` whose wish exists and was not alerted of `revision`.
    async fn users_among(
        &self,
        hints: &[String],
        product: ProductId,
        kind: AlertKind,
        revision: i64,
    ) -> Result<Vec<UserId>, StoreError> {
        let mut users = Vec::with_capacity(hints.len());
        for hint in hints {
            let user = hint.split_once(':').map_or("", |(user, _)| user.trim_start_matches('0'));
            users.push(user.parse().map_err(|_| damaged(&format!("the wishers of product {product}"), hint))?);
        }
        // Hints of one user are neighbours: a wish that was removed and added again may have left one behind.
        users.dedup();
        let mut read = redis::pipe();
        for &user in &users {
            read.cmd("HGET").arg(self.keys().wishes(user)).arg(product.to_string());
        }
        let wishes: Vec<Option<String>> = self.client.pipe(&read).await?;
        let mut to_alert = Vec::new();
        for (user, wish) in users.into_iter().zip(wishes) {
            if let Some(wish) = wish
                && *StoredWish::decode(&wish, user)?.alerted_revision(kind) < revision
            {
                to_alert.push(user);
            }
        }
        Ok(to_alert)
    }

    /// Publishes `alert`. Returns `None` when the wish changed between reading and saving.
    async fn try_publish(&self, alert: &WishAlert) -> Result<Option<bool>, StoreError> {
        let WishAlert { user_id, product_id, kind, revision, envelope } = alert;
        let keys = self.keys();
        let product = product_id.to_string();
        let wishes = keys.wishes(*user_id);
        let read: Option<String> = self.client.query(redis::cmd("HGET").arg(&wishes).arg(&product)).await?;
        let Some(read) = read else { return Ok(Some(false)) };
        let mut wish = StoredWish::decode(&read, *user_id)?;
        let alerted_revision = wish.alerted_revision(*kind);
        if *alerted_revision >= *revision {
            return Ok(Some(false));
        }
        *alerted_revision = *revision;
        let mut publish = scripts::PUBLISH_ALERT.key(wishes);
        publish.key(keys.outbox(keys.partition_of(*user_id))).arg(product).arg(read);
        publish.arg(wish.encode()).arg(json(envelope)?);
        let is_published: bool = self.client.run(&publish).await?;
        if is_published {
            self.written.notify_one();
        }
        Ok(is_published.then_some(true))
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[test]
    fn a_wish_is_decoded_as_it_was_encoded() {
        let user = UserId::new(7).unwrap();
        let added_at = Timestamp::from_millis(5);
        let wish = StoredWish { added_at, alerted_back: 6, alerted_price: 7, hint: 8, price_minor: Some(9) };
        assert_eq!(StoredWish::decode(&wish.encode(), user).unwrap(), wish);
        let earlier = StoredWish { price_minor: None, ..wish };
        assert_eq!((StoredWish::decode("5:6:7:8", user).unwrap(), earlier.encode().as_str()), (earlier, "5:6:7:8"));
        for text in ["", "1:2:3", "1:2:3:4:5:6", "1:2:3:x"] {
            assert!(StoredWish::decode(text, user).unwrap_err().to_string().contains("a wish of user 7"));
        }
    }

    #[test]
    fn texts_of_users_sort_like_their_ids() {
        let [small, large] = [9, 10_000].map(|id| sortable(UserId::new(id).unwrap()));
        assert!(small < large && format!("{small};") > format!("{small}:99") && format!("{small};") < large);
    }
}
