//! The auth service: users, their rights, and the tokens that prove both.

pub mod audit;

mod account;
mod address;
mod app;
mod budgets;
mod config;
mod cookie;
mod device;
mod entry_limit;
mod error;
mod first_admin;
mod guest_token;
mod hashing;
mod keyring;
mod loopback;
mod metrics;
mod password;
mod password_resets;
mod routes;
mod session;
mod sign_in;
mod signing;
mod store;
mod tasks;
mod throttle;
mod token;

use axum::Extension;
use souk_bus::SqlOutbox;
use souk_kit::{Deps, Service, ServiceParts, StartError};
use utoipa::openapi::OpenApi;

pub use config::AuthConfig;
pub use first_admin::FirstAdmin;

use app::App;
use store::Migrations;

const ABOUT: &str = "Registration, sign-in, tokens and users.";

/// Provides a [`FirstAdmin`] if the start created one.
#[derive(Debug)]
pub struct Auth;

impl Service for Auth {
    const NAME: &'static str = "auth";
    const PORT: u16 = 8081;
    type Config = AuthConfig;

    async fn build(config: AuthConfig, deps: &Deps) -> Result<ServiceParts, StartError> {
        let app = App::open(&config, deps).await?;
        let first_admin = first_admin::ensure(&app, &config).await?;
        metrics::describe();
        let (router, openapi) = routes::table().finish(Self::NAME, ABOUT);
        // Auth verifies with the keys in its store; the default verifier would fetch them from auth over HTTP.
        let limit = axum::middleware::from_fn_with_state(app.clone(), entry_limit::enforce);
        let router = router.with_state(app.clone()).layer(Extension(app.verifier.clone())).layer(limit);
        let db = app.store.db().clone();
        let parts = ServiceParts::new(Self::NAME, router, openapi)
            .publishing(SqlOutbox::new(db.clone()))
            .running(tasks::table(&app))
            .storing_in(db);
        Ok(match first_admin {
            Some(admin) => parts.providing(admin),
            None => parts,
        })
    }

    fn openapi() -> OpenApi {
        routes::table().finish(Self::NAME, ABOUT).1
    }

    fn store_urls(config: &AuthConfig) -> Vec<&str> {
        vec![&config.store_url]
    }

    async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::migrate::<Migrations>(store_url).await?)
    }

    async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
        Ok(souk_sql::pending_migrations::<Migrations>(store_url).await?)
    }
}
