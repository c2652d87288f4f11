//! The migrations of the SQL store, in order.

mod m0001_init;
mod m0002_links_and_prices;
mod m0004_purchased_items;

use sea_orm_migration::prelude::*;
use souk_sql::{change_table, create_tables};

#[derive(Debug)]
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("cart_m0001_init", m0001_init::tables));
        all.push(change_table("cart_m0002_product_links", m0002_links_and_prices::products));
        all.push(change_table("cart_m0003_wish_prices", m0002_links_and_prices::wishes));
        all.push(create_tables("cart_m0004_purchased_items", m0004_purchased_items::tables));
        all
    }
}
