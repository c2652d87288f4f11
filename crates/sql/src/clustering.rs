//! Migrations that store the rows of a table in the index of its key.
//!
//! A new row is then one change of one tree instead of one in each of two, and its page is written once. MySQL stores all
//! tables in this way, PostgreSQL none.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, prelude::Index};

/// Returns the migration `name`, which drops indexes of `table` and, on SQLite, moves its rows into the index of its key. Its
/// other indexes stay. The name is recorded in the store and never changes.
///
/// For tables whose key is not a single integer: such a key is that of the rows already.
#[must_use]
pub fn cluster(
    name: &'static str,
    table: &'static str,
    dropped_indexes: &'static [&'static str],
) -> Box<dyn MigrationTrait> {
    Box::new(Cluster { name, table, dropped_indexes })
}

struct Cluster {
    name: &'static str,
    table: &'static str,
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
        if manager.get_database_backend() != DbBackend::Sqlite {
            return Ok(());
        }
        let clustered = format!("{table}_by_key");
        let definitions = definitions(manager, table, "table").await?;
        let definition = definitions.first().map(|sql| sql.replacen(&quoted(table), &quoted(&clustered), 1));
        let definition = definition.ok_or_else(|| DbErr::Migration(format!("there is no table {table}")))?;
        let moved = [
            format!("{definition} WITHOUT ROWID"),
            format!("INSERT INTO {clustered} SELECT * FROM {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {clustered} RENAME TO {table}"),
        ];
        // Those of the table are dropped with it.
        let indexes = self::definitions(manager, table, "index").await?;
        for statement in moved.into_iter().chain(indexes) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }
}

/// Returns the statements that created `table`, or its indexes, as SQLite keeps them. Its key has none.
async fn definitions(manager: &SchemaManager<'_>, table: &str, kind: &str) -> Result<Vec<String>, DbErr> {
    let sql = "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL";
    let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, [table.into(), kind.into()]);
    let found = manager.get_connection().query_all_raw(statement).await?;
    found.iter().map(|row| row.try_get("", "sql")).collect()
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
