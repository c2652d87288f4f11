//! State shared by handlers, consumers and background tasks.

use std::{sync::Arc, time::Duration};

use souk_kit::{Deps, StartError};
use souk_values::Clock;

use crate::{ProductConfig, answers::Answers, index::CatalogueIndex, picture_store::PictureStore, store::ProductStore};

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub store: ProductStore,
    /// `None` when it could not be opened; the store answers then.
    pub index: Option<CatalogueIndex>,
    pub answers: Answers,
    pub pictures: PictureStore,
    pub clock: Arc<dyn Clock>,
    /// Time between two readings of `stock_available`.
    pub stock_metrics_period: Duration,
    /// Time for which movements of stock are kept one by one.
    pub movements_kept_for: Duration,
}

impl App {
    /// Opens and migrates the store. The picture store is opened when it is first used.
    pub(crate) async fn open(config: &ProductConfig, deps: &Deps) -> Result<Self, StartError> {
        let movements_kept_for = config.movements_kept_for()?;
        let clock = Arc::clone(&deps.clock);
        let store =
            ProductStore::open(&config.store_url, deps.ids.clone(), Arc::clone(&clock), deps.shop.currency).await?;
        let index = CatalogueIndex::open(&config.index_folder(), deps.shop.currency)
            .inspect_err(
                |error| tracing::error!(%error, "there is no index of the catalogue; the store answers, slower"),
            )
            .ok();
        Ok(Self {
            index,
            answers: Answers::default(),
            store: store.with_low_stock_at(config.low_stock_at),
            pictures: PictureStore::new(config.pictures_folder(), Arc::clone(&clock)),
            clock,
            stock_metrics_period: Duration::from_secs(config.stock_metrics_seconds.max(1)),
            movements_kept_for,
        })
    }
}
