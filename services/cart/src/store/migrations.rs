//! The SQL store's migrations, in order.

mod m0001_init;

use sea_orm_migration::prelude::*;

/// The bus's tables and cart's own.
#[derive(Debug)]
pub struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(Box::new(m0001_init::Init));
        all
    }
}
