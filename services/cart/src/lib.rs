//! Carts whose items live for a time, and wishlists.

pub mod audit;
pub mod cart;
pub mod config;
pub mod product;
pub mod store;

mod app;
mod catalogue;
mod consumers;
mod error;
mod metrics;
mod routes;
mod sweep;
mod view;
mod watch;

use souk_kit::{Deps, Service, StartError};

pub use config::CartConfig;
pub use routes::openapi;

use app::App;

/// The service, ready to be started. Opens and migrates its store.
///
/// Errors: the store cannot be opened, the hours make no sense, `store_url` names no known engine.
pub async fn build(config: CartConfig, deps: &Deps) -> Result<Service, StartError> {
    let terms = config.terms()?;
    let (store, outbox) = store::open(&config.store_url, deps.shop.currency).await?;
    let app = App::new(store, terms, deps);
    metrics::begin();
    let (router, openapi) = routes::table();
    let (for_readiness, for_sweeping, for_watching) = (app.clone(), app.clone(), app.clone());
    let mut service = Service::new("cart", router.with_state(app.clone()), openapi)
        .consuming(consumers::all(&app))
        .running(move |stop| sweep::run(for_sweeping, stop))
        .running(move |stop| watch::run(for_watching, stop))
        .needing("store", move || {
            let app = for_readiness.clone();
            async move { app.store.ping(app.clock.now()).await.map(drop).map_err(|error| error.to_string()) }
        });
    service.outbox = Some(outbox);
    Ok(service)
}

/// Brings the store at `store_url` up to date. Answers the names of the migrations it applied; Redis has none.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    store::migrate(store_url).await
}

/// The names of the migrations that the store at `store_url` lacks; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    store::pending_migrations(store_url).await
}
