//! Migrations of auth's tables.

mod m0001_init;
mod m0002_ended_rights;
mod m0003_known_devices;
mod m0004_key_turnover;
mod m0005_user_language;

use sea_orm_migration::{MigrationTrait, MigratorTrait};
use souk_sql::{change_table, create_tables};

/// Outbox first, then auth's own tables.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::outbox_migrations();
        all.push(create_tables("auth_m0001_init", m0001_init::tables));
        all.push(create_tables("auth_m0002_ended_rights", m0002_ended_rights::tables));
        all.push(create_tables("auth_m0003_known_devices", m0003_known_devices::tables));
        all.push(change_table("auth_m0004_key_turnover", m0004_key_turnover::change));
        all.push(change_table("auth_m0005_user_language", m0005_user_language::change));
        all
    }
}
