//! Product's tables, in the order in which they came to be.

mod m0001_init;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations of product's store.
#[derive(Debug)]
pub struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(Box::new(m0001_init::Init));
        all
    }
}
