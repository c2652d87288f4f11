//! Configuration of the product service.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use souk_kit::config::ConfigError;
use souk_values::DAY;

use crate::{index::IndexFolder, picture_store, store::DEFAULT_LOW_STOCK_AT};

/// The section `product` of the configuration.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductConfig {
    /// `product.store-url`: URL of the store. Default: `sqlite:product.db`.
    pub store_url: String,
    /// `product.low-stock-at`: low stock threshold in units, inclusive, of products without one of their own. Default: 5.
    pub low_stock_at: i64,
    /// `product.pictures-dir`: folder of uploaded pictures. Default: empty, `pictures` beside the SQLite file of
    /// `store-url`, or in the working directory with another engine.
    pub pictures_dir: String,
    /// `product.index-dir`: folder of the index of the catalogue, one for each process. Default: empty, `index` beside the
    /// SQLite file of `store-url`; with another engine the index is in memory, and each start reads the whole catalogue.
    pub index_dir: String,
    /// `product.stock-metrics-seconds`: period of the gauge `stock_available`. Default: 15.
    pub stock_metrics_seconds: u64,
    /// `product.movements-kept-days`: age in days from which movements of stock are kept as sums. At least 31. Default: 400.
    pub movements_kept_days: u32,
}

/// Shortest time for which movements are kept: longer than a transport redelivers events.
const LEAST_DAYS: u32 = 31;

impl ProductConfig {
    /// Returns the time for which movements are kept one by one. Errors: it is too short.
    pub(crate) fn movements_kept_for(&self) -> Result<Duration, ConfigError> {
        if self.movements_kept_days < LEAST_DAYS {
            return Err(ConfigError(vec![format!("product.movements-kept-days must be at least {LEAST_DAYS}")]));
        }
        Ok(DAY.saturating_mul(self.movements_kept_days))
    }

    pub(crate) fn pictures_folder(&self) -> PathBuf {
        if self.pictures_dir.is_empty() {
            picture_store::default_folder(&self.store_url)
        } else {
            PathBuf::from(&self.pictures_dir)
        }
    }

    pub(crate) fn index_folder(&self) -> IndexFolder {
        if !self.index_dir.is_empty() {
            return IndexFolder::Kept(PathBuf::from(&self.index_dir));
        }
        picture_store::folder_beside(&self.store_url, "index").map_or(IndexFolder::Memory, IndexFolder::Kept)
    }
}

impl Default for ProductConfig {
    fn default() -> Self {
        Self {
            store_url: "sqlite:product.db".to_owned(),
            low_stock_at: DEFAULT_LOW_STOCK_AT,
            pictures_dir: String::new(),
            index_dir: String::new(),
            stock_metrics_seconds: 15,
            movements_kept_days: 400,
        }
    }
}
