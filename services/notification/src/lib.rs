//! The notification service: notices in the shop, live as they are written, and mails.

pub mod audit;

mod app;
mod config;
mod consumers;
mod draft;
mod error;
mod facts;
mod feed;
mod kind;
mod links;
mod mail;
mod mailer;
mod message;
mod metrics;
mod mime;
mod notice;
mod plain_name;
mod routes;
mod sender;
mod store;
mod tasks;
mod templates;
mod translated;

use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::NotificationConfig;

use app::App;

const DESCRIPTION: &str = "Notices in the shop, live as they are written, and the mails that go with them.";

pub struct Notification;

impl Service for Notification {
    const NAME: &'static str = "notification";
    const PORT: u16 = 8086;
    type Config = NotificationConfig;

    async fn build(config: NotificationConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let sends_mail = !config.smtp_url.expose().is_empty();
        let app = App::open(config, deps).await?;
        metrics::describe();
        let (router, openapi) = routes::table().finish(Self::NAME, DESCRIPTION);
        Ok(ServiceParts::new(Self::NAME, router.with_state(app.clone()), openapi)
            .consuming(consumers::table(&app))
            .running(tasks::table(&app))
            .listing_breakers(app.sender.mailer.breaker())
            .storing_in(app.store.db().clone())
            .with_fact("sendsMail", sends_mail))
    }

    fn openapi() -> OpenApi {
        routes::table().finish(Self::NAME, DESCRIPTION).1
    }

    fn store_urls(config: &NotificationConfig) -> Vec<&str> {
        vec![&config.store_url]
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::migrate::<store::Migrations>(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::pending_migrations::<store::Migrations>(store_url).await?)
    }
}
