//! The product service: the catalogue, its stock, and the units reserved for orders.

pub mod audit;
pub mod export;
pub mod import;

mod answers;
mod app;
mod category;
mod config;
mod consumers;
mod description;
mod error;
mod event;
mod gallery;
mod group;
mod index;
mod metrics;
mod picture;
mod picture_store;
mod product;
mod reading;
mod reservation;
mod routes;
mod slug;
mod stock;
mod store;
mod tasks;
mod text;
mod variant;

use souk_bus::SqlOutbox;
use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::ProductConfig;
pub use reservation::ReservationState;
pub use store::{ProductStore, StoreError};

use app::App;

const DESCRIPTION: &str = "The catalogue, its stock, and the units reserved for orders.";

/// Provides its [`ProductStore`] to the process that starts it, which may fill an empty catalogue.
pub struct Product;

impl Service for Product {
    const NAME: &'static str = "product";
    const PORT: u16 = 8082;
    type Config = ProductConfig;

    async fn build(config: ProductConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let app = App::open(&config, deps).await?;
        metrics::describe();
        let (router, openapi) = routes::table().finish(Self::NAME, DESCRIPTION);
        let db = app.store.db().clone();
        let router = router.layer(axum::middleware::from_fn_with_state(app.clone(), reading::show_changes));
        Ok(ServiceParts::new(Self::NAME, router.with_state(app.clone()), openapi)
            .consuming(consumers::table(&app))
            .publishing(SqlOutbox::new(db.clone()))
            .running(tasks::table(&app))
            .listing_breakers([app.pictures.breaker()])
            .storing_in(db)
            .providing(app.store))
    }

    fn openapi() -> OpenApi {
        routes::table().finish(Self::NAME, DESCRIPTION).1
    }

    fn store_urls(config: &ProductConfig) -> Vec<&str> {
        vec![&config.store_url]
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::migrate::<store::Migrations>(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::pending_migrations::<store::Migrations>(store_url).await?)
    }
}
