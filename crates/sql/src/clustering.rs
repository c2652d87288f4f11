//! Migrations that store the rows of a table in the index of its key.
//!
//! A new row is then one change of one tree instead of one in each of two, and its page is written once. MySQL stores all
//! tables in this way, PostgreSQL none.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    prelude::{Index, TableCreateStatement},
};

/// Returns the migration `name`, which drops indexes of `table` and, on SQLite, moves its rows into the index of its key.
/// `definition` returns the table without its indexes. The name is recorded in the store and never changes.
#[must_use]
pub fn cluster(
    name: &'static str,
    table: &'static str,
    definition: fn(DbBackend) -> TableCreateStatement,
    dropped_indexes: &'static [&'static str],
) -> Box<dyn MigrationTrait> {
    Box::new(Cluster { name, table, definition, dropped_indexes })
}

struct Cluster {
    name: &'static str,
    table: &'static str,
    definition: fn(DbBackend) -> TableCreateStatement,
    dropped_indexes: &'static [&'static str],
}

impl MigrationName for Cluster {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Cluster {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    /// May run again on MySQL, which commits after each statement that changes the schema.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let Self { table, .. } = self;
        for index in self.dropped_indexes {
            if manager.has_index(table, index).await? {
                manager.drop_index(Index::drop().name(*index).table(*table).to_owned()).await?;
            }
        }
        let engine = manager.get_database_backend();
        if engine == DbBackend::Sqlite {
            let clustered = format!("{table}_by_key");
            manager
                .create_table((self.definition)(engine).table(clustered.clone()).extra("WITHOUT ROWID").take())
                .await?;
            for statement in [
                format!("INSERT INTO {clustered} SELECT * FROM {table}"),
                format!("DROP TABLE {table}"),
                format!("ALTER TABLE {clustered} RENAME TO {table}"),
            ] {
                manager.get_connection().execute_unprepared(&statement).await?;
            }
        }
        Ok(())
    }
}
