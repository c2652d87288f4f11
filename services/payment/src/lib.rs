//! The payment service: charges orders once, and returns what must go back.

pub mod account;
pub mod audit;
pub mod payment;
pub mod provider;
pub mod store;

mod app;
mod charging;
mod config;
mod consumers;
mod error;
mod metrics;
mod refunding;
mod routes;
mod settling;

use std::sync::Arc;

use souk_bus::inbox;
use souk_kit::{Deps, Service, StartError};
use souk_peers::OrderPeer;
use souk_sql::Access;

pub use config::{PaymentConfig, ProviderName};
pub use consumers::orders as order_consumer;
pub use error::PaymentError;

pub use app::App;

use crate::{
    provider::{PaymentProvider, Provider, sandbox::Sandbox},
    store::SqlStore,
};

/// The service, its stores opened and migrated. Errors: a wrong configuration, a store that cannot be opened.
pub async fn build(config: PaymentConfig, deps: &Deps) -> Result<Service, StartError> {
    let (app, store) = open(config, deps).await?;
    let ping = app.clone();
    let settling = app.clone();
    let (timer, received) = (Arc::clone(&deps.clock), store.db().clone());
    Ok(Service::new("payment", routes::router(app.clone()), openapi())
        .consuming([consumers::orders(&app)])
        .telling(store.outbox())
        .running(move |stop| settling::run(settling, stop))
        .running(move |stop| inbox::keep_short(received, timer, stop))
        .needing("store", move || {
            let store = Arc::clone(&ping.store);
            async move { store.ping().await.map_err(|error| error.to_string()) }
        }))
}

/// The document of the service's routes; needs no store.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::openapi()
}

/// What the service's routes, consumer and tasks share, its stores opened and migrated.
pub async fn open(config: PaymentConfig, deps: &Deps) -> Result<(App, SqlStore), StartError> {
    config.check()?;
    metrics::announce();
    let store = SqlStore::open(&config.store_url, Access::ReadWrite).await?;
    let provider: Arc<dyn PaymentProvider> = match config.provider {
        ProviderName::Sandbox => {
            let secret = config.sandbox_webhook_secret.clone();
            Arc::new(Sandbox::open(&config.sandbox_ledger_url, secret, Arc::clone(&deps.clock)).await?)
        }
    };
    let app = App {
        store: Arc::new(store.clone()),
        provider: Provider::new(provider, &config, Arc::clone(&deps.clock)),
        orders: OrderPeer::new(&deps.peers, "payment"),
        clock: Arc::clone(&deps.clock),
        ids: deps.ids.clone(),
        stamper: deps.stamper(),
        config: Arc::new(config),
        currency: deps.shop.currency,
    };
    Ok((app, store))
}
