//! The copies of products, each in the partition of its product.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use souk_sql::SqlError;
use souk_values::{Money, ProductId};

use super::{MAX_ATTEMPTS, RedisCartStore, busy, damaged, json, pause, scripts};
use crate::{
    product::{KnownProduct, ProductUpdate},
    store::{KnownProducts, StoreError},
};

/// The stored JSON of a copy. Prices are minor units of the shop's currency.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredProduct {
    name: String,
    price_minor: i64,
    stock: i64,
    hidden: bool,
    revision: i64,
    old_price_minor: i64,
    price_revision: i64,
    back_revision: i64,
}

#[async_trait::async_trait]
impl KnownProducts for RedisCartStore {
    async fn known_products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError> {
        if products.is_empty() {
            return Ok(HashMap::new());
        }
        let mut read = redis::pipe();
        for &product in products {
            read.cmd("GET").arg(self.keys().product(product));
        }
        let copies: Vec<Option<String>> = self.client.pipe(&read).await?;
        let copies = products.iter().zip(copies).filter_map(|(&product, copy)| Some((product, copy?)));
        let known = copies.map(|(product, copy)| Ok((product, self.decode(product, &copy)?)));
        Ok(known.collect::<Result<_, SqlError>>()?)
    }

    async fn update_product(&self, update: ProductUpdate) -> Result<(KnownProduct, bool), StoreError> {
        for attempt in 0..MAX_ATTEMPTS {
            if let Some(updated) = self.try_update(&update).await? {
                return Ok(updated);
            }
            pause(attempt).await;
        }
        Err(busy("product"))
    }
}

impl RedisCartStore {
    /// Updates the copy. Returns `None` when it changed between reading and saving.
    async fn try_update(&self, update: &ProductUpdate) -> Result<Option<(KnownProduct, bool)>, StoreError> {
        let product = update.product_id;
        let key = self.keys().product(product);
        let read: Option<String> = self.client.query(redis::cmd("GET").arg(&key)).await?;
        let before = read.as_deref().map(|copy| self.decode(product, copy)).transpose()?;
        let after = before.as_ref().map_or_else(|| KnownProduct::first(update), |before| before.after(update));
        if before.as_ref() == Some(&after) {
            return Ok(Some((after, false)));
        }
        let mut save = scripts::SAVE_PRODUCT.key(key);
        save.arg(read.unwrap_or_default()).arg(json(&stored(&after))?);
        let is_saved: bool = self.client.run(&save).await?;
        Ok(is_saved.then_some((after, true)))
    }

    fn decode(&self, product_id: ProductId, copy: &str) -> Result<KnownProduct, SqlError> {
        let stored: StoredProduct = serde_json::from_str(copy)
            .map_err(|error| damaged(&format!("the copy of product {product_id}"), &error))?;
        Ok(KnownProduct {
            product_id,
            name: stored.name,
            price: Money::new(stored.price_minor, self.currency),
            stock: stored.stock,
            hidden: stored.hidden,
            revision: stored.revision,
            old_price: Money::new(stored.old_price_minor, self.currency),
            price_revision: stored.price_revision,
            back_revision: stored.back_revision,
        })
    }
}

fn stored(known: &KnownProduct) -> StoredProduct {
    StoredProduct {
        name: known.name.clone(),
        price_minor: known.price.minor,
        stock: known.stock,
        hidden: known.hidden,
        revision: known.revision,
        old_price_minor: known.old_price.minor,
        price_revision: known.price_revision,
        back_revision: known.back_revision,
    }
}
