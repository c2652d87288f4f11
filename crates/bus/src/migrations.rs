//! Migrations of the bus's tables.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::{NewTable, create_tables, long_text};

/// Returns the migrations of outbox and inbox, for services that publish and consume events.
#[must_use]
pub fn service_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![create_tables("bus_m0001_outbox", outbox), create_tables("bus_m0002_inbox", inbox)]
}

/// Returns the migration of the outbox, for services that only publish events.
#[must_use]
pub fn outbox_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![create_tables("bus_m0001_outbox", outbox)]
}

/// The migrations of the local bus.
#[derive(Debug)]
pub(crate) struct LocalBus;

impl MigratorTrait for LocalBus {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![create_tables("local_bus_m0001", queues)]
    }
}

fn outbox(engine: DbBackend) -> Vec<NewTable> {
    let events = Table::create()
        .table("outbox_event")
        .col(schema::string_len("event_id", 36).primary_key())
        .col(schema::string_len("event_type", 80))
        .col(schema::big_integer("created_at"))
        .col(long_text(engine, "envelope"))
        .take();
    vec![NewTable::new(events)]
}

fn inbox(_: DbBackend) -> Vec<NewTable> {
    let events = Table::create()
        .table("inbox_event")
        .col(schema::string_len("queue", 64))
        .col(schema::string_len("event_id", 36))
        .col(schema::big_integer("received_at"))
        .primary_key(Index::create().col("queue").col("event_id"))
        .take();
    vec![NewTable::new(events).index("ix_inbox_received", &["received_at"])]
}

fn queues(_: DbBackend) -> Vec<NewTable> {
    let messages = Table::create()
        .table("bus_message")
        .col(schema::string_len("queue", 64))
        .col(schema::string_len("event_id", 36))
        .col(schema::big_integer("position"))
        .col(schema::big_integer("attempts"))
        .col(schema::big_integer("due_at"))
        .col(schema::text("envelope"))
        .primary_key(Index::create().col("queue").col("event_id"))
        .take();
    let dead_letters = Table::create()
        .table("dead_letter")
        .col(schema::string_len("dead_letter_id", 36).primary_key())
        .col(schema::string_len("queue", 64))
        .col(schema::big_integer("attempts"))
        .col(schema::text("error"))
        .col(schema::big_integer("died_at"))
        .col(schema::text("envelope"))
        .take();
    vec![NewTable::new(messages).index("ix_bus_position", &["queue", "position"]), NewTable::new(dead_letters)]
}
