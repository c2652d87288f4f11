//! Background work: the index, the gauge of stock, and jobs that delete what is kept for a limited time.

use std::{sync::Arc, time::Duration};

use souk_kit::{Service as _, retention::Retention, tasks::Task};
use souk_sql::SqlError;
use souk_values::{DAY, ProductId};
use tokio::sync::Mutex;

use crate::{Product, app::App, index, metrics, store::ProductStore};

/// Maximum number of `stock_available` series.
const MAX_WATCHED: usize = 20;

/// Time between two runs that forget rare pairs of products.
const TRIM_PERIOD: Duration = Duration::from_secs(600);
/// Time between two runs that fold old movements.
const FOLD_PERIOD: Duration = DAY;

/// Products whose stock is published as a gauge. Cloning shares them.
#[derive(Clone)]
struct WatchedStock {
    store: ProductStore,
    products: Arc<Mutex<Vec<ProductId>>>,
}

pub(crate) fn table(app: &App) -> Vec<Task> {
    let watched = WatchedStock { store: app.store.clone(), products: Arc::default() };
    let retention = Retention::new(Product::NAME, app.store.db(), &app.clock);
    let kept_for = app.movements_kept_for;
    let tasks = [
        Task::every("publish_stock_gauge", &app.clock, app.stock_metrics_period, &watched, |watched| async move {
            watched.publish().await
        }),
        retention.job("trim_bought_together", TRIM_PERIOD, &app.store, |store, _| async move {
            store.trim_bought_together().await
        }),
        retention.job("fold_movements", FOLD_PERIOD, &app.store, move |store, now| async move {
            store.fold_movements(now.minus(kept_for)).await
        }),
        retention.purge_inbox(),
    ];
    tasks.into_iter().chain(index::task(app)).collect()
}

impl WatchedStock {
    /// Publishes the stock of the products that sell most. A product stays watched until the process ends: the recorder
    /// cannot drop a series, so without this bound their number would grow.
    async fn publish(&self) -> Result<(), SqlError> {
        let mut products = self.products.lock().await;
        if products.len() < MAX_WATCHED {
            for id in self.store.top_sellers(u64::try_from(MAX_WATCHED).unwrap_or(0)).await? {
                if products.len() < MAX_WATCHED && !products.contains(&id) {
                    products.push(id);
                }
            }
        }
        for (id, stock) in self.store.stock_of(&products).await? {
            metrics::stock_available(id, stock);
        }
        Ok(())
    }
}
