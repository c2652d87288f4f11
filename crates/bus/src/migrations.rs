//! Migrations of the bus's tables.

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{prelude::*, schema};
use souk_sql::{NewTable, cluster, create_tables, job_migration, long_text};

/// Returns the migrations of outbox, inbox and periodic jobs, for services that publish and consume events.
#[must_use]
pub fn service_migrations() -> Vec<Box<dyn MigrationTrait>> {
    let mut all = outbox_migrations();
    all.insert(1, create_tables("bus_m0002_inbox", inbox));
    all.push(cluster("bus_m0004_inbox_by_key", "inbox_event", &["ix_inbox_received"]));
    all
}

/// Returns the migrations of outbox and periodic jobs, for services that only publish events.
#[must_use]
pub fn outbox_migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        create_tables("bus_m0001_outbox", outbox),
        cluster("bus_m0003_outbox_by_key", "outbox_event", &[]),
        job_migration(),
    ]
}

/// The migrations of the local bus.
#[derive(Debug)]
pub(crate) struct LocalBus;

impl MigratorTrait for LocalBus {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![create_tables("local_bus_m0001", queues), Box::new(MessagesByPosition)]
    }
}

/// Makes the position the key of a message. Messages arrive at the end of the table and leave it at the front, so that few
/// pages are written for many of them. Before, they were found by queue and event.
struct MessagesByPosition;

impl MigrationName for MessagesByPosition {
    fn name(&self) -> &'static str {
        "local_bus_m0002_messages_by_position"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for MessagesByPosition {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let messages = Table::create()
            .table("bus_message_by_position")
            // SQLite stores the rows of a table by a key of this type.
            .col(schema::integer("position").primary_key())
            .col(schema::string_len("queue", 64))
            .col(schema::string_len("event_id", 36))
            .col(schema::big_integer("attempts"))
            .col(schema::big_integer("due_at"))
            .col(schema::text("envelope"))
            .take();
        manager.create_table(messages).await?;
        let connection = manager.get_connection();
        for statement in [
            "INSERT INTO bus_message_by_position \
             SELECT ROW_NUMBER() OVER (ORDER BY position), queue, event_id, attempts, due_at, envelope FROM bus_message",
            "DROP TABLE bus_message",
            "ALTER TABLE bus_message_by_position RENAME TO bus_message",
        ] {
            connection.execute_unprepared(statement).await?;
        }
        let by_queue = Index::create().name("ix_bus_queue").table("bus_message").col("queue").take();
        manager.create_index(by_queue).await
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

#[cfg(test)]
mod tests {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
    use souk_sql::{Access, Db, SqlError};

    use super::*;
    use crate::tables::{bus_message, inbox_event, outbox_event};

    /// The migrations of the first release.
    struct First;

    impl MigratorTrait for First {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            vec![
                create_tables("bus_m0001_outbox", outbox),
                create_tables("bus_m0002_inbox", inbox),
                create_tables("local_bus_m0001", queues),
            ]
        }
    }

    struct All;

    impl MigratorTrait for All {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> {
            service_migrations().into_iter().chain(LocalBus::migrations()).collect()
        }
    }

    #[tokio::test]
    async fn rows_of_the_first_release_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/t.db", folder.path().display());
        let db = Db::open(&url, Access::ReadWrite).await.unwrap();
        db.migrate::<First>().await.unwrap();
        let rows = "INSERT INTO outbox_event VALUES ('o', 'stock.low.v1', 7, '{}'); \
                    INSERT INTO inbox_event VALUES ('cart.orders', 'i', 8); \
                    INSERT INTO bus_message VALUES ('order.stock', 'late', 12, 3, 9, '{}'); \
                    INSERT INTO bus_message VALUES ('cart.orders', 'early', 5, 0, 0, '{}'); \
                    INSERT INTO bus_message VALUES ('cart.orders', 'latest', 13, 0, 0, '{}');";
        db.write((), |tx, ()| Box::pin(async { Ok::<_, SqlError>(tx.execute_unprepared(rows).await.map(drop)?) }))
            .await
            .unwrap();
        db.migrate::<All>().await.unwrap();

        let event = outbox_event::Entity::find_by_id("o").one(db.reader()).await.unwrap().unwrap();
        assert_eq!((event.event_type.as_str(), event.created_at, event.envelope.as_str()), ("stock.low.v1", 7, "{}"));
        let received = inbox_event::Entity::find().all(db.reader()).await.unwrap();
        assert_eq!(
            received[0],
            inbox_event::Model { queue: "cart.orders".into(), event_id: "i".into(), received_at: 8 }
        );
        let by_position = bus_message::Entity::find().order_by_asc(bus_message::Column::Position);
        let messages = by_position.all(db.reader()).await.unwrap();
        let shown = messages.iter().map(|row| (row.position, row.event_id.as_str(), row.attempts, row.due_at));
        assert_eq!(shown.collect::<Vec<_>>(), [(1, "early", 0, 0), (2, "late", 3, 9), (3, "latest", 0, 0)]);
        let of_cart = bus_message::Entity::find().filter(bus_message::Column::Queue.eq("cart.orders"));
        assert_eq!(of_cart.all(db.reader()).await.unwrap().len(), 2);
    }
}
