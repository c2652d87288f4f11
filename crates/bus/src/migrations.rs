//! Makes the bus's tables.

use sea_orm_migration::{prelude::*, schema};
use souk_sql::{create_table, long_text};

/// What every service with an outbox and an inbox adds to its own migrations.
#[must_use]
pub fn service_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(OutboxTable), Box::new(InboxTable)]
}

/// What a service that only tells events adds to its own migrations.
#[must_use]
pub fn outbox_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![Box::new(OutboxTable)]
}

/// The local bus's own tables.
#[derive(Debug)]
pub(crate) struct LocalBus;

impl MigratorTrait for LocalBus {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(QueueTables)]
    }
}

struct OutboxTable;

impl MigrationName for OutboxTable {
    fn name(&self) -> &'static str {
        "bus_m0001_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for OutboxTable {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("outbox_event")
            .col(schema::string_len("event_id", 36).primary_key())
            .col(schema::string_len("event_type", 80))
            .col(schema::big_integer("created_at"))
            .col(long_text(manager, "envelope"))
            .take();
        create_table(manager, table, []).await
    }
}

struct InboxTable;

impl MigrationName for InboxTable {
    fn name(&self) -> &'static str {
        "bus_m0002_inbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for InboxTable {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("inbox_event")
            .col(schema::string_len("queue", 64))
            .col(schema::string_len("event_id", 36))
            .col(schema::big_integer("received_at"))
            .primary_key(Index::create().col("queue").col("event_id"))
            .take();
        let by_time = Index::create().name("ix_inbox_received").table("inbox_event").col("received_at").take();
        create_table(manager, table, [by_time]).await
    }
}

struct QueueTables;

impl MigrationName for QueueTables {
    fn name(&self) -> &'static str {
        "local_bus_m0001"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for QueueTables {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
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
        manager.create_table(messages).await?;
        let in_order = Index::create().name("ix_bus_position").table("bus_message").col("queue").col("position").take();
        manager.create_index(in_order).await?;
        let letters = Table::create()
            .table("dead_letter")
            .col(schema::string_len("dead_letter_id", 36).primary_key())
            .col(schema::string_len("queue", 64))
            .col(schema::big_integer("attempts"))
            .col(schema::text("error"))
            .col(schema::big_integer("died_at"))
            .col(schema::text("envelope"))
            .take();
        manager.create_table(letters).await
    }
}
