//! Wishlists, and who was told what. A wish is in its user's partition, beside the outbox, so that what
//! is told once is told once. Who wishes for a product is asked of an index in the product's partition,
//! which only hints: a hint is there before its wish and goes after it, and the wish itself decides.

use souk_sql::SqlError;
use souk_values::{ProductId, Timestamp, UserId};

use super::{RedisCartStore, damaged, json, scripts};
use crate::{
    cart::Refusal,
    product::{MAX_WISHES, Notice, Wish},
    store::{StoreError, Telling},
};

/// A wish as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeptWish {
    pub added_at: Timestamp,
    /// Up to which revision a return and a lower price were told.
    pub told_back: i64,
    pub told_price: i64,
    /// The number of its hint.
    pub hint: i64,
}

impl KeptWish {
    pub fn written(self) -> String {
        format!("{}:{}:{}:{}", self.added_at.millis(), self.told_back, self.told_price, self.hint)
    }

    pub fn read(text: &str, user: UserId) -> Result<Self, SqlError> {
        let wrong = || damaged(&format!("a wish of user {user}"), &text);
        let numbers: Vec<i64> = text.split(':').map(str::parse).collect::<Result<_, _>>().map_err(|_| wrong())?;
        let [added_at, told_back, told_price, hint] = numbers.try_into().map_err(|_| wrong())?;
        Ok(Self { added_at: Timestamp::from_millis(added_at), told_back, told_price, hint })
    }

    fn told(&self, notice: Notice) -> i64 {
        match notice {
            Notice::Back => self.told_back,
            Notice::PriceDrop => self.told_price,
        }
    }

    fn after(self, notice: Notice, revision: i64) -> Self {
        match notice {
            Notice::Back => Self { told_back: revision, ..self },
            Notice::PriceDrop => Self { told_price: revision, ..self },
        }
    }
}

/// How a user is written in an index of wishers: with leading zeros, so that texts sort like ids.
fn sorted(user: UserId) -> String {
    format!("{:016}", souk_values::Id::get(user))
}

impl RedisCartStore {
    pub(super) async fn wishes_of(&self, user: UserId) -> Result<Vec<Wish>, StoreError> {
        let kept: Vec<(String, String)> = self.link.query(redis::cmd("HGETALL").arg(self.keys().wishes(user))).await?;
        let wish = |(product, wish): (String, String)| {
            let product_id = product.parse().map_err(|_| damaged(&format!("the wishlist of user {user}"), &product))?;
            Ok(Wish { product_id, added_at: KeptWish::read(&wish, user)?.added_at })
        };
        let mut wishes = kept.into_iter().map(wish).collect::<Result<Vec<_>, SqlError>>()?;
        wishes.sort_by_key(|wish| std::cmp::Reverse((wish.added_at, wish.product_id)));
        Ok(wishes)
    }

    pub(super) async fn add_wish(
        &self,
        user: UserId,
        product: ProductId,
        revision: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let keys = self.keys();
        let mut note = scripts::HINT.key(keys.wishers(product));
        note.key(keys.hints(keys.of_product(product))).arg(sorted(user));
        let hint: i64 = self.link.run(&note).await?;
        let wish = KeptWish { added_at: now, told_back: revision, told_price: revision, hint };
        let mut add = scripts::WISH.key(keys.wishes(user));
        add.arg(product.to_string()).arg(wish.written()).arg(MAX_WISHES);
        let answer: String = self.link.run(&add).await?;
        if answer != "added" {
            self.drop_hint(product, user, hint).await;
        }
        if answer == "full" { Err(Refusal::TooManyWishes.into()) } else { Ok(()) }
    }

    pub(super) async fn remove_wish(&self, user: UserId, product: ProductId) -> Result<(), StoreError> {
        let mut remove = scripts::UNWISH.key(self.keys().wishes(user));
        let wish: Option<String> = self.link.run(remove.arg(product.to_string())).await?;
        let wish = wish.ok_or(Refusal::NotWished)?;
        self.drop_hint(product, user, KeptWish::read(&wish, user)?.hint).await;
        Ok(())
    }

    /// Forgets the hint of a wish that is gone. One that stays does no harm: it is passed over.
    pub(super) async fn drop_hint(&self, product: ProductId, user: UserId, hint: i64) {
        let mut drop = scripts::DROP_HINT.key(self.keys().wishers(product));
        drop.arg(format!("{}:{hint}", sorted(user)));
        let dropped: Result<u64, SqlError> = self.link.run(&drop).await;
        if let Err(error) = dropped {
            tracing::debug!(product.id = %product, error = %error, "a hint stays though its wish is gone");
        }
    }

    pub(super) async fn untold_of(
        &self,
        product: ProductId,
        (notice, revision): (Notice, i64),
        after: Option<UserId>,
        limit: u64,
    ) -> Result<Vec<UserId>, StoreError> {
        // `;` follows `:`, so this is behind every hint of that user.
        let mut from = after.map_or_else(|| "-".to_owned(), |user| format!("({};", sorted(user)));
        loop {
            let mut read = redis::cmd("ZRANGE");
            read.arg(self.keys().wishers(product)).arg(&from).arg("+").arg("BYLEX").arg("LIMIT").arg(0).arg(limit);
            let hints: Vec<String> = self.link.query(&read).await?;
            let Some(last) = hints.last() else { return Ok(Vec::new()) };
            from = format!("({last}");
            let untold = self.untold_among(product, notice, revision, &hints).await?;
            if !untold.is_empty() {
                return Ok(untold);
            }
        }
    }

    /// Those of `hints` whose wish is there and was not told.
    async fn untold_among(
        &self,
        product: ProductId,
        notice: Notice,
        revision: i64,
        hints: &[String],
    ) -> Result<Vec<UserId>, StoreError> {
        let mut users = Vec::with_capacity(hints.len());
        for hint in hints {
            let user = hint.split_once(':').map_or("", |(user, _)| user.trim_start_matches('0'));
            users.push(user.parse().map_err(|_| damaged(&format!("the wishers of product {product}"), hint))?);
        }
        users.dedup();
        let mut read = redis::pipe();
        for &user in &users {
            read.cmd("HGET").arg(self.keys().wishes(user)).arg(product.to_string());
        }
        let wishes: Vec<Option<String>> = self.link.pipe(&read).await?;
        let mut untold = Vec::new();
        for (user, wish) in users.into_iter().zip(wishes) {
            if let Some(wish) = wish
                && KeptWish::read(&wish, user)?.told(notice) < revision
            {
                untold.push(user);
            }
        }
        Ok(untold)
    }

    /// Tells one user, unless the wish has changed meanwhile: then `None`.
    pub(super) async fn try_tell(&self, telling: &Telling) -> Result<Option<bool>, StoreError> {
        let Telling { user_id, product_id, notice, revision, envelope } = telling;
        let (keys, product) = (self.keys(), product_id.to_string());
        let wishes = keys.wishes(*user_id);
        let read: Option<String> = self.link.query(redis::cmd("HGET").arg(&wishes).arg(&product)).await?;
        let Some(read) = read else { return Ok(Some(false)) };
        let wish = KeptWish::read(&read, *user_id)?;
        if wish.told(*notice) >= *revision {
            return Ok(Some(false));
        }
        let mut tell = scripts::TELL.key(wishes);
        tell.key(keys.outbox(keys.of_user(*user_id))).arg(product).arg(read);
        tell.arg(wish.after(*notice, *revision).written()).arg(json(envelope)?);
        let is_told: bool = self.link.run(&tell).await?;
        if is_told {
            self.written.notify_one();
        }
        Ok(is_told.then_some(true))
    }
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[test]
    fn a_wish_is_read_as_it_was_written() {
        let user = UserId::new(7).unwrap();
        let wish = KeptWish { added_at: Timestamp::from_millis(5), told_back: 6, told_price: 7, hint: 8 };
        assert_eq!(KeptWish::read(&wish.written(), user).unwrap(), wish);
        for text in ["", "1:2:3", "1:2:3:4:5", "1:2:3:x"] {
            assert!(KeptWish::read(text, user).unwrap_err().to_string().contains("a wish of user 7"));
        }
    }

    #[test]
    fn texts_of_users_sort_like_their_ids() {
        let [small, large] = [9, 10_000].map(|id| sorted(UserId::new(id).unwrap()));
        assert!(small < large && format!("{small};") > format!("{small}:99") && format!("{small};") < large);
    }
}
