//! The migrations of the SQL store, in order.

mod m0001_init;

use sea_orm_migration::prelude::*;
use souk_sql::create_tables;

#[derive(Debug)]
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("cart_m0001_init", m0001_init::tables));
        all
    }
}
