//! The order service: places orders, leads each through its states, and keeps its timeline.

pub mod audit;

mod address;
mod app;
mod config;
mod consumers;
mod error;
mod lapsing;
mod latest_audit;
mod metrics;
mod order;
mod prefer;
mod recipient;
mod routes;
mod store;
mod tasks;
mod view;
mod waiters;

use souk_bus::SqlOutbox;
use souk_kit::{Deps, Service, ServiceParts, StartError};
use souk_sql::{Access, Db};
use utoipa::openapi::OpenApi;

pub use config::OrderConfig;
pub use latest_audit::{AuditRound, AuditViolation, AuditedInvariant};

use app::App;
use store::Migrations;

const SERVICE: &str = "order";
const ABOUT: &str = "Places orders, leads each from its reservation to its delivery, and keeps its timeline.";

#[derive(Debug)]
pub struct Order;

impl Service for Order {
    const NAME: &'static str = SERVICE;
    const PORT: u16 = 8083;
    type Config = OrderConfig;

    async fn build(config: OrderConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let db = Db::open(&config.store_url, Access::ReadWrite).await?;
        db.migrate::<Migrations>().await?;
        let app = App::new(config, db.clone(), deps);
        metrics::describe(app.currency);
        let (router, openapi) = routes::table().finish(SERVICE, ABOUT);
        Ok(ServiceParts::new(SERVICE, router.with_state(app.clone()), openapi)
            .consuming(consumers::table(&app))
            .publishing(SqlOutbox::new(db.clone()))
            .running(tasks::table(&app))
            .storing_in(db))
    }

    fn openapi() -> OpenApi {
        routes::table().finish(SERVICE, ABOUT).1
    }

    fn store_urls(config: &OrderConfig) -> Vec<&str> {
        vec![&config.store_url]
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::migrate::<Migrations>(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::pending_migrations::<Migrations>(store_url).await?)
    }
}
