//! Migrations of the notification store, in order.

mod m0001_init;
mod m0002_mails_by_address;
mod m0003_notice_facts;
mod m0004_recipient_language;
mod m0005_notice_language;
mod m0006_latest_news_by_time;

use sea_orm_migration::prelude::*;
use souk_sql::{change_table, cluster, create_tables};

/// The migrations of the bus come first.
pub(crate) struct Migrations;

impl MigratorTrait for Migrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut all = souk_bus::service_migrations();
        all.push(create_tables("notification_m0001_init", m0001_init::tables));
        all.push(change_table("notification_m0002_mails_by_address", m0002_mails_by_address::change));
        all.push(change_table("notification_m0003_notice_facts", m0003_notice_facts::change));
        all.push(change_table("notification_m0004_recipient_language", m0004_recipient_language::change));
        all.push(change_table("notification_m0005_notice_language", m0005_notice_language::change));
        all.push(change_table("notification_m0006_latest_news_by_time", m0006_latest_news_by_time::change));
        all.push(cluster("notification_m0007_latest_news_by_key", "latest_news", &[]));
        all
    }
}
