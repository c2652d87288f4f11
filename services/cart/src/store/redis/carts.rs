//! Carts: commands are decided here and saved by one script; due and active carts are found by index.

use souk_values::{Page, PageRequest, Timestamp, UserId};

use super::{
    RedisCartStore,
    index::{DueAt, user_id},
    keys::Partition,
    retry,
    save::stored_cart,
};
use crate::{
    cart::{Cart, CartCommand, Item},
    store::{Carts, CommandContext, DueCarts, Executed, StoreError},
};

#[async_trait::async_trait]
impl Carts for RedisCartStore {
    async fn cart(&self, user: UserId) -> Result<Cart, StoreError> {
        let mut read = redis::cmd("HMGET");
        read.arg(self.keys().cart(user)).arg("version").arg("contents");
        let (version, contents): (Option<i64>, Option<String>) = self.client.query(&read).await?;
        Ok(stored_cart(user, version, contents.as_deref())?)
    }

    async fn execute(
        &self,
        user: UserId,
        command: CartCommand,
        context: CommandContext,
    ) -> Result<Executed, StoreError> {
        let _lock = self.lock(user).await?;
        retry("cart", || self.try_execute(user, &command, &context)).await
    }

    async fn purchases(&self, user: UserId, request: PageRequest) -> Result<Page<Item>, StoreError> {
        Ok(self.purchase_page(user, request).await?)
    }

    async fn latest_purchases(&self, user: UserId, limit: u64) -> Result<Vec<Item>, StoreError> {
        Ok(self.read_purchases(user, None, 0, limit).await?.1)
    }

    async fn due_carts(&self, now: Timestamp, limit: u64) -> Result<DueCarts, StoreError> {
        // Most of the time no cart is due, and one entry of each partition is enough to know when the next one is.
        let mut read = redis::pipe();
        for partition in self.keys().partitions() {
            read.cmd("ZRANGE").arg(self.keys().due(partition)).arg(0).arg(0).arg("WITHSCORES");
        }
        let firsts: Vec<Vec<(String, DueAt)>> = self.client.pipe(&read).await?;
        let first_of = |first: &Vec<(String, DueAt)>| first.first().and_then(|(_, due)| due.0);
        let next = firsts.iter().filter_map(first_of).min();
        if next.is_none_or(|next| next > now) {
            return Ok(DueCarts { users: Vec::new(), next });
        }
        let if_due =
            |(partition, first): (Partition, &Vec<_>)| first_of(first).filter(|at| *at <= now).map(|_| partition);
        let mut read = redis::pipe();
        for partition in self.keys().partitions().zip(&firsts).filter_map(if_due) {
            read.cmd("ZRANGE").arg(self.keys().due(partition)).arg("-inf").arg(now.millis()).arg("BYSCORE");
            read.arg("LIMIT").arg(0).arg(limit.max(1)).arg("WITHSCORES");
        }
        let due: Vec<Vec<(String, DueAt)>> = self.client.pipe(&read).await?;
        let mut due: Vec<_> = due.into_iter().flatten().collect();
        due.sort_by_key(|(_, due)| due.0);
        due.truncate(usize::try_from(limit.max(1)).unwrap_or(usize::MAX));
        let users = due.into_iter().map(|(user, _)| user_id(&user)).collect::<Result<_, _>>()?;
        Ok(DueCarts { users, next: None })
    }

    async fn count_active_carts(&self) -> Result<u64, StoreError> {
        let mut read = redis::pipe();
        for partition in self.keys().partitions() {
            read.cmd("SCARD").arg(self.keys().active(partition));
        }
        let counts: Vec<u64> = self.client.pipe(&read).await?;
        Ok(counts.into_iter().sum())
    }
}
