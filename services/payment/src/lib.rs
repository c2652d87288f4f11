//! The payment service: charges each order once, and refunds what the shop may not keep.

pub mod audit;
pub mod order_payments;
pub mod payment;
pub mod provider;
pub mod provider_account;
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
mod tasks;

use std::sync::Arc;

use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::PaymentConfig;
pub use error::PaymentError;
pub use provider_account::ProviderName;

use crate::{app::App, store::OpenStore};

const ABOUT: &str = "Charges each order once, and refunds what the shop may not keep.";

#[derive(Debug)]
pub struct Payment;

/// Returns the cards that `provider` takes in tests, as `GET /shop` shows them.
fn test_cards(provider: ProviderName) -> Vec<serde_json::Value> {
    let cards = if provider == ProviderName::Sandbox { provider::sandbox::TEST_CARDS } else { &[] };
    let card = |(token, effect): &(&str, &str)| serde_json::json!({"token": token, "description": effect});
    cards.iter().map(card).collect()
}

impl Service for Payment {
    const NAME: &'static str = "payment";
    const PORT: u16 = 8085;
    type Config = PaymentConfig;

    async fn build(config: PaymentConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        config.check()?;
        metrics::describe();
        let provider = config.provider;
        let OpenStore { store, outbox } =
            store::open(&config.store_url, Arc::clone(&deps.clock), deps.ids.clone()).await?;
        let app = App::open(config, Arc::clone(&store), deps).await?;
        let (router, openapi) = routes::table().finish(Self::NAME, ABOUT);
        let counted = Arc::clone(&store);
        let mut parts = ServiceParts::new(Self::NAME, router.with_state(app.clone()), openapi)
            .consuming(consumers::table(&app))
            .running(tasks::table(&app))
            .listing_breakers(app.providers.breakers())
            .counting_connections(move || counted.connections())
            .ready_when("store", move || {
                let store = Arc::clone(&store);
                async move { store.ping().await.map_err(|error| error.to_string()) }
            });
        parts.outbox = Some(outbox);
        Ok(parts.with_fact("provider", provider.as_str()).with_fact("testCards", test_cards(provider)))
    }

    fn openapi() -> OpenApi {
        routes::table().finish(Self::NAME, ABOUT).1
    }

    fn store_urls(config: &PaymentConfig) -> Vec<&str> {
        [Some(config.store_url.as_str()), config.sandbox_ledger()].into_iter().flatten().collect()
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(store::migrate(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(store::pending_migrations(store_url).await?)
    }
}
