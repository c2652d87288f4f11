//! Migrations of auth's tables.

mod m0001_init;

use sea_orm_migration::{MigrationTrait, MigratorTrait};
use souk_sql::create_tables;

/// Outbox first, then auth's own tables.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::outbox_migrations();
        all.push(create_tables("auth_m0001_init", m0001_init::tables));
        all
    }
}
