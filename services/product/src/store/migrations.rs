//! Migrations of the product store, in order.

mod m0001_init;
mod m0002_variants;
mod m0003_bought_together;
mod m0004_changes;

use sea_orm_migration::{MigrationTrait, MigratorTrait};
use souk_sql::{change_table, cluster, create_tables};

/// The migrations of the bus come first.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("product_m0001_init", m0001_init::tables));
        all.push(change_table("product_m0002_variants", m0002_variants::change));
        all.push(create_tables("product_m0003_bought_together", m0003_bought_together::tables));
        all.push(change_table("product_m0004_edits_by_time", m0004_changes::edits));
        all.push(change_table("product_m0004_moves_by_time", m0004_changes::moves));
        all.push(cluster("product_m0005_movements_by_key", "stock_movement", &[]));
        all.push(cluster("product_m0006_bought_together_by_key", "bought_together", &[]));
        all
    }
}
