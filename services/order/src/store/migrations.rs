//! Migrations of the order service's tables.

mod m0001_init;
mod m0002_cart_lines;
mod m0003_open_orders;
mod m0004_recipient_words;
mod m0005_earlier_recipients;
mod m0006_lapse_attempts;

use sea_orm_migration::prelude::*;
use souk_sql::{change_table, cluster, create_tables};

/// Outbox and inbox first, then the service's own tables.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("order_m0001_init", m0001_init::tables));
        all.push(create_tables("order_m0002_cart_lines", m0002_cart_lines::tables));
        all.push(Box::new(m0003_open_orders::OpenOrders));
        all.push(create_tables("order_m0004_recipient_words", m0004_recipient_words::tables));
        all.push(Box::new(m0005_earlier_recipients::EarlierRecipients));
        all.push(change_table("order_m0006_lapse_attempts", m0006_lapse_attempts::change));
        all.push(cluster("order_m0007_steps_by_key", "order_step", &[]));
        all.push(cluster("order_m0008_cart_lines_by_key", "ordered_cart_line", &[]));
        all.push(cluster("order_m0009_recipient_words_by_key", "recipient_word", &[]));
        all
    }
}
