//! The product service: the catalogue, its stock, and what is set aside for orders.

pub mod audit;
pub mod import;

mod category;
mod config;
mod consumers;
mod error;
mod gallery;
mod metrics;
mod news;
mod picture;
mod product;
mod reservation;
mod routes;
mod shelf;
mod slug;
mod store;
mod words;

use std::{sync::Arc, time::Duration};

use souk_bus::{SqlOutbox, inbox};
use souk_kit::{Deps, Service, StartError};

use gallery::Gallery;

pub use config::ProductConfig;
pub use reservation::State as ReservationState;
pub use store::{ProductStore, StoreError};

/// What handlers and consumers share.
#[derive(Debug, Clone)]
struct App {
    store: ProductStore,
    gallery: Gallery,
}

/// Builds the service on the store of `config`. The store is handed out too, for whoever fills the catalogue.
pub async fn build(config: ProductConfig, deps: &Deps) -> Result<(Service, ProductStore), StartError> {
    let store =
        ProductStore::open(&config.store_url, deps.ids.clone(), Arc::clone(&deps.clock), deps.shop.currency).await?;
    let store = store.with_low_stock_at(config.low_stock_at);
    let gallery = Gallery::new(config.pictures_folder(), Arc::clone(&deps.clock));
    let app = App { store: store.clone(), gallery };
    let (router, openapi) = routes::table();
    let db = store.db().clone();
    let (clock, measured) = (Arc::clone(&deps.clock), store.clone());
    let (timer, received) = (Arc::clone(&deps.clock), db.clone());
    let every = Duration::from_secs(config.stock_metrics_seconds.max(1));
    let service = Service::new("product", router.with_state(app.clone()), openapi)
        .consuming(consumers::all(&app))
        .telling(SqlOutbox::new(db.clone()))
        .running(move |stop| metrics::watch_stock(measured, clock, every, stop))
        .running(move |stop| inbox::keep_short(received, timer, stop))
        .keeping(db);
    Ok((service, store))
}

/// Brings the store at `store_url` up to date. Answers the names of the migrations it applied.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::migrate::<store::Migrations>(store_url).await?)
}

/// The names of the migrations that the store at `store_url` lacks; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::pending::<store::Migrations>(store_url).await?)
}

/// The service's OpenAPI document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::table().1
}
