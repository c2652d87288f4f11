//! Every metric of product.

use std::{sync::Arc, time::Duration};

use souk_sql::SqlError;
use souk_values::{Clock, clock};
use tokio_util::sync::CancellationToken;

use crate::{reservation::State, store::ProductStore};

/// Series of `stock_available` at most.
const WATCHED: usize = 20;

/// `stock_reservations_total`: an order's reservation came to `state`.
pub fn reservation(state: State) {
    let outcome = match state {
        State::Held => "reserved",
        State::Refused => "rejected",
        State::Sold => "sold",
        State::Released => "released",
        // Nothing was or will be set aside.
        State::CancelledBefore => return,
    };
    metrics::counter!("stock_reservations_total", "service" => "product", "outcome" => outcome).increment(1);
}

/// Keeps `stock_available` of the top sellers up to date. A product that is watched stays watched until
/// the process ends, because a series cannot be taken back; so there are never more than 20.
pub async fn watch_stock(store: ProductStore, clock: Arc<dyn Clock>, every: Duration, stop: CancellationToken) {
    let mut watched = Vec::new();
    while !stop.is_cancelled() {
        if let Err(error) = read_stock(&store, &mut watched).await {
            tracing::warn!(error = %error, "the stock of the top sellers could not be read");
        }
        tokio::select! { () = clock::sleep(&*clock, every) => {}, () = stop.cancelled() => {} }
    }
}

async fn read_stock(store: &ProductStore, watched: &mut Vec<i64>) -> Result<(), SqlError> {
    if watched.len() < WATCHED {
        for id in store.top_sellers(u64::try_from(WATCHED).unwrap_or(0)).await? {
            if watched.len() < WATCHED && !watched.contains(&id) {
                watched.push(id);
            }
        }
    }
    for (id, stock) in store.stock_of(watched).await? {
        let stock = f64::from(u32::try_from(stock).unwrap_or(u32::MAX));
        metrics::gauge!("stock_available", "service" => "product", "productId" => id.to_string()).set(stock);
    }
    Ok(())
}
