//! Migrations of the SQL store, in order. A released one is never edited.

mod m0001_init;
mod m0002_provider_reference;
mod m0003_accounts_and_schedule;

use sea_orm_migration::{MigrationTrait, MigratorTrait};
use souk_sql::create_tables;

/// Tables of outbox and inbox, then those of payment.
#[derive(Debug)]
pub struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("payment_m0001_init", m0001_init::tables));
        all.push(create_tables("payment_m0002_provider_reference", m0002_provider_reference::tables));
        all.push(Box::new(m0003_accounts_and_schedule::AccountsAndSchedule));
        all
    }
}
