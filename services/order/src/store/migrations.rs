//! Migrations of the order service's tables.

mod m0001_init;

use sea_orm_migration::prelude::*;
use souk_sql::create_tables;

/// Outbox and inbox first, then the service's own tables.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("order_m0001_init", m0001_init::tables));
        all
    }
}
