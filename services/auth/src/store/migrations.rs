//! Makes auth's tables and brings them up to date.

mod m0001_init;

use sea_orm_migration::{MigrationTrait, MigratorTrait};

/// All migrations, oldest first.
pub struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::outbox_migrations();
        all.push(Box::new(m0001_init::Init));
        all
    }
}
