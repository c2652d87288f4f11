//! Migrations that create tables, and the differences between engines in them.

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{
    MigrationName, MigrationTrait, SchemaManager,
    prelude::{Alias, ColumnDef, ColumnType, Index, IndexCreateStatement, IntoTableRef, TableCreateStatement},
    schema,
};

/// A table of a migration, with its indexes.
#[derive(Debug)]
pub struct NewTable {
    statement: TableCreateStatement,
    indexes: Vec<IndexCreateStatement>,
}

impl NewTable {
    /// Returns a table without indexes.
    #[must_use]
    pub fn new(statement: TableCreateStatement) -> Self {
        Self { statement, indexes: Vec::new() }
    }

    /// Adds an index on `columns`.
    #[must_use]
    pub fn index(mut self, name: &str, columns: &[&'static str]) -> Self {
        let index = on(self.statement.get_table_name().cloned(), name, columns);
        self.indexes.push(index);
        self
    }

    /// Adds a unique index on `columns`; rows with a NULL among them never collide.
    #[must_use]
    pub fn unique(mut self, name: &str, columns: &[&'static str]) -> Self {
        let index = on(self.statement.get_table_name().cloned(), name, columns).unique().take();
        self.indexes.push(index);
        self
    }

    /// Creates the table with its indexes.
    ///
    /// MySQL commits after every statement that changes the schema. There it is a single `CREATE TABLE IF NOT EXISTS`,
    /// which can run again if the process was killed before the migration was recorded. On the other engines the
    /// migration's transaction covers all statements.
    async fn create(mut self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::MySql {
            // MySQL's default collation ignores case and accents, unlike the other engines.
            self.statement.if_not_exists().engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
            for index in &mut self.indexes {
                self.statement.index(index);
            }
            return manager.create_table(self.statement).await;
        }
        manager.create_table(self.statement).await?;
        for index in self.indexes {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

pub(crate) fn on<T: IntoTableRef>(table: Option<T>, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).take();
    if let Some(table) = table {
        index.table(table);
    }
    for column in columns {
        index.col(*column);
    }
    index
}

/// Returns the migration `name`, which creates `tables` in one transaction: a process that is killed half-way leaves none
/// of them behind. The name is recorded in the store and never changes.
#[must_use]
pub fn create_tables(name: &'static str, tables: fn(DbBackend) -> Vec<NewTable>) -> Box<dyn MigrationTrait> {
    Box::new(CreateTables { name, tables })
}

struct CreateTables {
    name: &'static str,
    tables: fn(DbBackend) -> Vec<NewTable>,
}

impl MigrationName for CreateTables {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for CreateTables {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in (self.tables)(manager.get_database_backend()) {
            table.create(manager).await?;
        }
        Ok(())
    }
}

/// Returns a NOT NULL column for text of at most `length` characters that is compared and ordered by its bytes on every
/// engine, so that an index finds what begins with a text: see [`from_prefix`](crate::from_prefix).
#[must_use]
pub fn byte_ordered(engine: DbBackend, name: &'static str, length: u32) -> ColumnDef {
    match engine {
        // A database's own collation orders by the rules of its language.
        DbBackend::Postgres => {
            let kind = Alias::new(format!("varchar({length}) COLLATE \"C\""));
            ColumnDef::new_with_type(name, ColumnType::Custom(kind.into())).not_null().take()
        }
        // SQLite compares bytes by default, and the tables of MySQL have such a collation.
        _ => schema::string_len(name, length),
    }
}

/// Returns a NOT NULL column for text of any length, which on MySQL is LONGTEXT: its TEXT ends at 64 KB.
#[must_use]
pub fn long_text(engine: DbBackend, name: &'static str) -> ColumnDef {
    long_text_null(engine, name).not_null().take()
}

/// Returns a nullable column for text of any length. Text columns that are added to a table are nullable: on MySQL they
/// cannot have a default.
#[must_use]
pub fn long_text_null(engine: DbBackend, name: &'static str) -> ColumnDef {
    match engine {
        DbBackend::MySql => ColumnDef::new_with_type(name, ColumnType::Custom(Alias::new("longtext").into())),
        _ => schema::text_null(name),
    }
}
