//! The copies of products, each in the partition of its product.

use std::collections::HashMap;

use souk_sql::SqlError;
use souk_values::ProductId;

use super::{RedisCartStore, damaged, json, retry, scripts};
use crate::{
    product::{KnownProduct, ProductUpdate},
    store::{KnownProducts, StoreError, entities::known_product::Model},
};

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
        retry("product", || self.try_update(&update)).await
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
        save.arg(read.unwrap_or_default()).arg(json(&Model::from(&after))?);
        let is_saved: bool = self.client.run(&save).await?;
        Ok(is_saved.then_some((after, true)))
    }

    fn decode(&self, product_id: ProductId, copy: &str) -> Result<KnownProduct, SqlError> {
        let row: Model = serde_json::from_str(copy)
            .map_err(|error| damaged(&format!("the copy of product {product_id}"), &error))?;
        Ok(row.into_known(product_id, self.currency))
    }
}
