//! Makes and changes the order service's tables.

mod m0001_init;

use sea_orm_migration::prelude::*;

/// Outbox, inbox, and the service's own.
pub(crate) struct OrderMigrations;

impl MigratorTrait for OrderMigrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(Box::new(m0001_init::Init));
        all
    }
}
