//! What migrations make, where engines differ: a table with its indexes, and texts of any length.

use sea_orm::{DbBackend, DbErr};
use sea_orm_migration::{
    SchemaManager,
    prelude::{Alias, ColumnDef, ColumnType, IndexCreateStatement, TableCreateStatement},
    schema,
};

/// Makes `table` with its `indexes`: both or nothing.
///
/// MySQL commits each statement that changes the schema, so there it is one statement, which may run
/// again after a process was killed half-way. The other engines make it within the migration's transaction.
pub async fn create_table(
    manager: &SchemaManager<'_>,
    mut table: TableCreateStatement,
    indexes: impl IntoIterator<Item = IndexCreateStatement> + Send,
) -> Result<(), DbErr> {
    let indexes: Vec<IndexCreateStatement> = indexes.into_iter().collect();
    if manager.get_database_backend() == DbBackend::MySql {
        // Texts are told apart by every letter, as the other engines do.
        table.if_not_exists().engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
        for mut index in indexes {
            table.index(&mut index);
        }
        return manager.create_table(table).await;
    }
    manager.create_table(table).await?;
    for index in indexes {
        manager.create_index(index).await?;
    }
    Ok(())
}

/// A NOT NULL text of any length; MySQL's TEXT ends at 64 KB.
#[must_use]
pub fn long_text(manager: &SchemaManager<'_>, name: &'static str) -> ColumnDef {
    match manager.get_database_backend() {
        DbBackend::MySql => {
            ColumnDef::new_with_type(name, ColumnType::Custom(Alias::new("longtext").into())).not_null().take()
        }
        _ => schema::text(name),
    }
}
