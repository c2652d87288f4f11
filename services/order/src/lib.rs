//! The order service: places orders, leads each through its states, and keeps its timeline.

pub mod audit;
pub mod order;

mod acting;
mod config;
mod consumers;
mod error;
mod housekeeping;
mod lapsing;
mod metrics;
mod prefer;
mod routes;
mod store;
mod view;
mod waiters;

use std::sync::Arc;

use souk_bus::{SqlOutbox, Stamper, inbox};
use souk_kit::{Deps, Service, StartError};
use souk_peers::{CartPeer, PaymentPeer, ProductPeer};
use souk_sql::{Access, Db};
use souk_values::{Clock, Currency, IdGen};

pub use config::OrderConfig;
use store::{OrderMigrations, OrderStore};
use waiters::Waiters;

const SERVICE: &str = "order";
const ABOUT: &str = "Places orders, leads each from its reservation to its delivery, and keeps its timeline.";

/// What handlers, consumers and tasks share.
#[derive(Debug, Clone)]
struct App {
    store: OrderStore,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    stamper: Stamper,
    currency: Currency,
    config: Arc<OrderConfig>,
    waiters: Waiters,
    cart: CartPeer,
    products: ProductPeer,
    payments: PaymentPeer,
}

/// The service, on the store that `config` names. Errors: the store cannot be opened or migrated.
pub async fn build(config: OrderConfig, deps: &Deps) -> Result<Service, StartError> {
    let db = Db::open(&config.store_url, Access::ReadWrite).await?;
    db.migrate::<OrderMigrations>().await?;
    let app = App {
        store: OrderStore::new(db.clone(), config.lapse_after()),
        clock: Arc::clone(&deps.clock),
        ids: deps.ids.clone(),
        stamper: deps.stamper(),
        currency: deps.shop.currency,
        config: Arc::new(config),
        waiters: Waiters::default(),
        cart: CartPeer::new(&deps.peers, SERVICE),
        products: ProductPeer::new(&deps.peers, SERVICE),
        payments: PaymentPeer::new(&deps.peers, SERVICE),
    };
    metrics::begin(app.currency);
    let (router, openapi) = routes::table().finish(SERVICE, ABOUT);
    let signals = deps.transport.signals();
    let (waking, lapsing, counting) = (app.waiters.clone(), app.clone(), app.clone());
    let (timer, received) = (Arc::clone(&deps.clock), db.clone());
    Ok(Service::new(SERVICE, router.with_state(app.clone()), openapi)
        .consuming(consumers::of(&app))
        .telling(SqlOutbox::new(db.clone()))
        .running(move |stop| waking.run(signals, stop))
        .running(move |stop| lapsing::run(lapsing, stop))
        .running(move |stop| housekeeping::run(counting, stop))
        .running(move |stop| inbox::keep_short(received, timer, stop))
        .keeping(db))
}

/// Brings the store at `store_url` up to date. Answers the names of the migrations it applied.
pub async fn migrate(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::migrate::<OrderMigrations>(store_url).await?)
}

/// The names of the migrations that the store at `store_url` lacks; changes nothing.
pub async fn pending_migrations(store_url: &str) -> Result<Vec<String>, StartError> {
    Ok(souk_sql::pending::<OrderMigrations>(store_url).await?)
}

/// The service's OpenAPI document, which needs no store.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes::table().finish(SERVICE, ABOUT).1
}
