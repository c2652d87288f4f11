//! The copies of products, each in its product's partition.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use souk_sql::SqlError;
use souk_values::{Money, ProductId};

use super::{RedisCartStore, damaged, json, scripts};
use crate::{
    product::{KnownProduct, ProductNews},
    store::StoreError,
};

/// A copy as it is kept; its price is in the shop's currency.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    name: String,
    price_minor: i64,
    stock: i64,
    hidden: bool,
    revision: i64,
    old_price_minor: i64,
    price_revision: i64,
    back_revision: i64,
}

impl RedisCartStore {
    pub(super) async fn known_products(
        &self,
        products: &[ProductId],
    ) -> Result<HashMap<ProductId, KnownProduct>, StoreError> {
        if products.is_empty() {
            return Ok(HashMap::new());
        }
        let mut read = redis::pipe();
        for &product in products {
            read.cmd("GET").arg(self.keys().product(product));
        }
        let copies: Vec<Option<String>> = self.link.pipe(&read).await?;
        let copies = products.iter().zip(copies).filter_map(|(&product, copy)| Some((product, copy?)));
        let known = copies.map(|(product, copy)| Ok((product, self.known_product(product, &copy)?)));
        Ok(known.collect::<Result<_, SqlError>>()?)
    }

    /// Takes `news` into the copy, unless it has changed meanwhile: then `None`.
    pub(super) async fn try_learn(&self, news: &ProductNews) -> Result<Option<(KnownProduct, bool)>, StoreError> {
        let product = news.product_id;
        let key = self.keys().product(product);
        let read: Option<String> = self.link.query(redis::cmd("GET").arg(&key)).await?;
        let before = read.as_deref().map(|copy| self.known_product(product, copy)).transpose()?;
        let after = before.as_ref().map_or_else(|| KnownProduct::first(news), |before| before.after(news));
        if before.as_ref() == Some(&after) {
            return Ok(Some((after, false)));
        }
        let mut learn = scripts::LEARN.key(key);
        learn.arg(read.unwrap_or_default()).arg(json(&kept(&after))?);
        let is_saved: bool = self.link.run(&learn).await?;
        Ok(is_saved.then_some((after, true)))
    }

    fn known_product(&self, product_id: ProductId, copy: &str) -> Result<KnownProduct, SqlError> {
        let kept: Kept = serde_json::from_str(copy)
            .map_err(|error| damaged(&format!("the copy of product {product_id}"), &error))?;
        Ok(KnownProduct {
            product_id,
            name: kept.name,
            price: Money::new(kept.price_minor, self.currency),
            stock: kept.stock,
            hidden: kept.hidden,
            revision: kept.revision,
            old_price: Money::new(kept.old_price_minor, self.currency),
            price_revision: kept.price_revision,
            back_revision: kept.back_revision,
        })
    }
}

fn kept(known: &KnownProduct) -> Kept {
    Kept {
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
