//! Purchased items: a hash of them by product, and a sorted set of the products by the time of the purchase.

use std::collections::HashMap;

use souk_sql::SqlError;
use souk_values::{
    Id, Page, PageRequest, ProductId, UserId,
    page::{Cursor, MAX_COUNTED, Total},
};

use super::{RedisCartStore, damaged, json, scripts};
use crate::cart::{ConcernedPurchases, Item};

/// A purchased item that a command changed, as text for the script.
pub(super) struct PurchaseChange {
    pub product: ProductId,
    /// The item that was read; empty when there was none.
    pub before: String,
    /// The item to store; empty to remove it.
    pub after: String,
    /// Score of the item, ms.
    pub bought_at: i64,
}

/// Returns the name of a product in the hash and the sorted set.
pub(super) fn field(product: ProductId) -> String {
    sortable(product.get())
}

/// Redis sorts names as texts where scores are equal.
fn sortable(id: i64) -> String {
    format!("{id:016}")
}

/// Returns the differences between the items that were read and those `after` the command.
pub(super) fn changes(read: &HashMap<ProductId, String>, after: &[Item]) -> Result<Vec<PurchaseChange>, SqlError> {
    let mut removed = read.clone();
    let mut changes = Vec::new();
    for item in after {
        let before = removed.remove(&item.product_id).unwrap_or_default();
        let change =
            PurchaseChange { product: item.product_id, before, after: json(item)?, bought_at: item.bought_at_millis() };
        if change.before != change.after {
            changes.push(change);
        }
    }
    let remove = |(product, before)| PurchaseChange { product, before, after: String::new(), bought_at: 0 };
    changes.extend(removed.into_iter().map(remove));
    Ok(changes)
}

pub(super) fn decode(text: &str, user: UserId) -> Result<Item, SqlError> {
    serde_json::from_str(text).map_err(|error| damaged(&format!("a purchased item of user {user}"), &error))
}

impl RedisCartStore {
    /// Returns those of the purchased items of `user` that are `concerned`, as they are stored.
    pub(super) async fn concerned_purchases(
        &self,
        user: UserId,
        concerned: &ConcernedPurchases,
    ) -> Result<HashMap<ProductId, String>, SqlError> {
        let key = self.keys().purchased(user);
        if concerned.is_empty() {
            return Ok(HashMap::new());
        }
        let texts: Vec<Option<String>> = if concerned.item_ids.is_empty() {
            let mut read = redis::cmd("HMGET");
            read.arg(key).arg(concerned.products.iter().map(|product| field(*product)).collect::<Vec<_>>());
            self.client.query(&read).await?
        } else {
            // The ids of items have no index: only the removal of a purchased item and the merging of a guest's cart need it.
            self.client.query(redis::cmd("HVALS").arg(key)).await?
        };
        let items = texts.into_iter().flatten().map(|text| Ok((decode(&text, user)?, text)));
        let items = items.collect::<Result<Vec<_>, SqlError>>()?.into_iter();
        let concerned = items.filter(|(item, _)| concerned.contains(item));
        Ok(concerned.map(|(item, text)| (item.product_id, text)).collect())
    }

    /// Returns the requested page of what `user` bought, the latest first.
    pub(super) async fn purchase_page(&self, user: UserId, request: PageRequest) -> Result<Page<Item>, SqlError> {
        let (count, items) = self.read_purchases(user, request.after, request.offset(), request.limit() + 1).await?;
        let total = Total { count: std::cmp::min(count, MAX_COUNTED), is_exact: count <= MAX_COUNTED };
        let cursor = |item: &Item| Cursor([item.bought_at_millis(), item.product_id.get()]);
        Ok(Page::of_rows(items, request, total, cursor))
    }

    /// Returns the number of products that `user` bought, and the `limit` latest of them `behind` one or an offset.
    pub(super) async fn read_purchases(
        &self,
        user: UserId,
        behind: Option<Cursor>,
        offset: u64,
        limit: u64,
    ) -> Result<(u64, Vec<Item>), SqlError> {
        let mut page = scripts::PURCHASES.prepare_invoke();
        page.key(self.keys().bought(user)).key(self.keys().purchased(user));
        page.arg(offset).arg(limit);
        match behind {
            Some(Cursor([bought_at, product])) => page.arg(bought_at).arg(sortable(product)),
            None => page.arg(0).arg(""),
        };
        let (count, texts): (u64, Vec<String>) = self.client.run(&page).await?;
        let items = texts.iter().map(|text| decode(text, user)).collect::<Result<_, _>>()?;
        Ok((count, items))
    }
}
