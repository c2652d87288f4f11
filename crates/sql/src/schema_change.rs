//! Migrations that add columns and indexes to an existing table, and drop indexes.

use futures::future::BoxFuture;
use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager, SchemaManagerConnection,
    prelude::{ColumnDef, Index, IndexCreateStatement, Table},
};

use crate::schema::on;

/// Sets the new columns of the rows that exist. May run again after it was interrupted.
pub type Fill = for<'c> fn(&'c SchemaManagerConnection<'c>) -> BoxFuture<'c, Result<(), DbErr>>;

/// Changes of a table in a migration: first the columns are added, then filled, then indexes dropped and created.
pub struct TableChange {
    table: &'static str,
    columns: Vec<ColumnDef>,
    fill: Option<Fill>,
    dropped_indexes: Vec<&'static str>,
    indexes: Vec<(&'static str, IndexCreateStatement)>,
}

impl TableChange {
    /// Returns a change of `table` that does nothing yet.
    #[must_use]
    pub fn new(table: &'static str) -> Self {
        Self { table, columns: Vec::new(), fill: None, dropped_indexes: Vec::new(), indexes: Vec::new() }
    }

    /// Adds a column, which is nullable or has a default: the table may have rows.
    #[must_use]
    pub fn column(mut self, column: ColumnDef) -> Self {
        self.columns.push(column);
        self
    }

    /// Runs `fill` once the columns exist.
    #[must_use]
    pub fn filled_by(mut self, fill: Fill) -> Self {
        self.fill = Some(fill);
        self
    }

    /// Drops an index.
    #[must_use]
    pub fn without_index(mut self, name: &'static str) -> Self {
        self.dropped_indexes.push(name);
        self
    }

    /// Adds an index on `columns`.
    #[must_use]
    pub fn index(mut self, name: &'static str, columns: &[&'static str]) -> Self {
        self.indexes.push((name, on(Some(self.table), name, columns)));
        self
    }

    /// Adds a unique index on `columns`; rows with a NULL among them never collide.
    #[must_use]
    pub fn unique(mut self, name: &'static str, columns: &[&'static str]) -> Self {
        self.indexes.push((name, on(Some(self.table), name, columns).unique().take()));
        self
    }

    /// Makes the changes. MySQL commits after each statement that changes the schema, so every step is left out if it was
    /// made by a run that was interrupted.
    async fn apply(self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        for column in self.columns {
            if !manager.has_column(self.table, column.get_column_name()).await? {
                manager.alter_table(Table::alter().table(self.table).add_column(column).take()).await?;
            }
        }
        if let Some(fill) = self.fill {
            fill(manager.get_connection()).await?;
        }
        for name in self.dropped_indexes {
            if manager.has_index(self.table, name).await? {
                manager.drop_index(Index::drop().name(name).table(self.table).to_owned()).await?;
            }
        }
        for (name, index) in self.indexes {
            if !manager.has_index(self.table, name).await? {
                manager.create_index(index).await?;
            }
        }
        Ok(())
    }
}

/// Returns the migration `name`, which makes `change` in one transaction where the engine can. The name is recorded in the
/// store and never changes.
#[must_use]
pub fn change_table(name: &'static str, change: fn(DbBackend) -> TableChange) -> Box<dyn MigrationTrait> {
    Box::new(ChangeTable { name, change })
}

struct ChangeTable {
    name: &'static str,
    change: fn(DbBackend) -> TableChange,
}

impl MigrationName for ChangeTable {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ChangeTable {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        (self.change)(manager.get_database_backend()).apply(manager).await
    }
}
