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

use souk_kit::{Deps, Service, StartError};
use souk_peers::OrderPeer;

pub use config::{PaymentConfig, ProviderName};
pub use consumers::orders as order_consumer;
pub use error::PaymentError;

pub use app::App;

use crate::{
    provider::{PaymentProvider, Provider, sandbox::Sandbox, stripe::Stripe},
    store::Opened,
};

/// The service, its stores opened and migrated. Errors: a wrong configuration, a store that cannot be opened.
pub async fn build(config: PaymentConfig, deps: &Deps) -> Result<Service, StartError> {
    let (app, Opened { store, outbox }) = open(config, deps).await?;
    let settling = app.clone();
    let (received, timer) = (Arc::clone(&store), Arc::clone(&deps.clock));
    let shown = Arc::clone(&store);
    let service = Service::new("payment", routes::router(app.clone()), openapi())
        .consuming([consumers::orders(&app)])
        .running(move |stop| settling::run(settling, stop))
        .running(move |stop| store::keep_short(received, timer, stop))
        .showing(move || shown.connections())
        .needing("store", move || {
            let store = Arc::clone(&store);
            async move { store.ping().await.map_err(|error| error.to_string()) }
        });
    Ok(Service { outbox: Some(outbox), ..service })
}

/// Brings the tables of the store at `store_url` up to date; answers the names of what was applied.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(store::migrate(store_url).await?)
}

/// The names of what [`migrate`] would apply; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(store::pending_migrations(store_url).await?)
}

/// The document of the service's routes; needs no store.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::openapi()
}

/// What the service's routes, consumer and tasks share, its stores opened and migrated.
pub async fn open(config: PaymentConfig, deps: &Deps) -> Result<(App, Opened), StartError> {
    config.check()?;
    metrics::announce();
    let opened = store::open(&config.store_url, Arc::clone(&deps.clock), deps.ids.clone()).await?;
    let provider: Arc<dyn PaymentProvider> = match config.provider {
        ProviderName::Sandbox => {
            let secret = config.sandbox_webhook_secret.clone();
            Arc::new(Sandbox::open(&config.sandbox_ledger_url, secret, Arc::clone(&deps.clock)).await?)
        }
        ProviderName::Stripe => {
            let stripe = Stripe::new(config.stripe_account(), Arc::clone(&opened.store), Arc::clone(&deps.clock));
            let broken = |error| StartError::Other(format!("no HTTP client for Stripe can be made: {error}"));
            Arc::new(stripe.map_err(broken)?)
        }
    };
    let app = App {
        store: Arc::clone(&opened.store),
        provider: Provider::new(provider, &config, Arc::clone(&deps.clock)),
        orders: OrderPeer::new(&deps.peers, "payment"),
        clock: Arc::clone(&deps.clock),
        ids: deps.ids.clone(),
        stamper: deps.stamper(),
        config: Arc::new(config),
        currency: deps.shop.currency,
    };
    Ok((app, opened))
}
