//! The cart service: carts whose items expire, wishlists, and alerts to users who wish for a product.

pub mod audit;
pub mod cart;
pub mod product;
pub mod store;

mod app;
mod catalogue;
mod config;
mod consumers;
mod error;
mod metrics;
mod routes;
mod tasks;
mod view;

use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::CartConfig;

use app::App;
use store::{migrations::Migrations, redis::is_redis};

const ABOUT: &str = "Carts whose items live for a time, and wishlists.";

#[derive(Debug)]
pub struct Cart;

impl Service for Cart {
    const NAME: &'static str = "cart";
    const PORT: u16 = 8084;
    type Config = CartConfig;

    async fn build(config: CartConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let lifetimes = config.lifetimes()?;
        let (store, outbox) = store::open(&config.store_url, deps.shop.currency).await?;
        let app = App::new(store, lifetimes, deps);
        metrics::describe();
        let (router, openapi) = routes::table().finish(Self::NAME, ABOUT);
        let mut parts = ServiceParts::new(Self::NAME, router.with_state(app.clone()), openapi)
            .consuming(consumers::table(&app))
            .running(tasks::table(&app))
            .ready_when("store", move || {
                let app = app.clone();
                async move { app.store.ping(app.clock.now()).await.map(drop).map_err(|error| error.to_string()) }
            });
        parts.outbox = Some(outbox);
        Ok(parts)
    }

    fn openapi() -> OpenApi {
        routes::table().finish(Self::NAME, ABOUT).1
    }

    fn store_urls(config: &CartConfig) -> Vec<&str> {
        vec![&config.store_url]
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        if is_redis(store_url) {
            return Ok(Vec::new());
        }
        Ok(souk_sql::migrate::<Migrations>(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        if is_redis(store_url) {
            return Ok(Vec::new());
        }
        Ok(souk_sql::pending_migrations::<Migrations>(store_url).await?)
    }
}
