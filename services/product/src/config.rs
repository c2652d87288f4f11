//! Product's configuration: the section `product`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{gallery, store::DEFAULT_LOW_STOCK_AT};

/// The section `product`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductConfig {
    /// `product.store-url`: `sqlite:PATH`, `postgres://…` or `mysql://…`. `sqlite:product.db`.
    pub store_url: String,
    /// `product.low-stock-at`: units at or below which a product is nearly sold out, unless the product
    /// says otherwise. 5.
    pub low_stock_at: i64,
    /// `product.pictures-dir`: the folder of uploaded pictures. Empty, the default: `pictures` beside the
    /// SQLite file of `store-url`, or in the working folder with another engine.
    pub pictures_dir: String,
    /// `product.stock-metrics-seconds`: seconds between two readings of `stock_available`. 15.
    pub stock_metrics_seconds: u64,
}

impl ProductConfig {
    pub(crate) fn pictures_folder(&self) -> PathBuf {
        if self.pictures_dir.is_empty() { gallery::beside(&self.store_url) } else { PathBuf::from(&self.pictures_dir) }
    }
}

impl Default for ProductConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:product.db".to_owned(),
            low_stock_at: DEFAULT_LOW_STOCK_AT,
            pictures_dir: String::new(),
            stock_metrics_seconds: 15,
        }
    }
}
