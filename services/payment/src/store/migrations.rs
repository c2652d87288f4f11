//! The SQL store's migrations, in order. One that landed is never edited.

mod m0001_init;
mod m0002_provider_reference;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// Outbox, inbox, and payment's own tables.
#[derive(Debug)]
pub struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(Box::new(m0001_init::Init));
        all.push(Box::new(m0002_provider_reference::ProviderReference));
        all
    }
}
