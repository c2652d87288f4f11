//! What makes the tables, in order.

mod m0001_init;

use sea_orm_migration::prelude::*;

/// This service's migrations, after those of the bus.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(Box::new(m0001_init::Init));
        all
    }
}
