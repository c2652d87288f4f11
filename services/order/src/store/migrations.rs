//! Migrations of the order service's tables.

mod m0001_init;
mod m0002_cart_lines;
mod m0003_open_orders;

use sea_orm_migration::prelude::*;
use souk_sql::create_tables;

/// Outbox and inbox first, then the service's own tables.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("order_m0001_init", m0001_init::tables));
        all.push(create_tables("order_m0002_cart_lines", m0002_cart_lines::tables));
        all.push(Box::new(m0003_open_orders::OpenOrders));
        all
    }
}
