//! Indexes by time, for replicas that look for what others changed. SQLite has one writing process, which knows.

use sea_orm::DbBackend;
use souk_sql::TableChange;

pub(super) fn edits(engine: DbBackend) -> TableChange {
    let change = TableChange::new("product");
    if engine == DbBackend::Sqlite { change } else { change.index("ix_product_updated_at", &["updated_at"]) }
}

pub(super) fn moves(engine: DbBackend) -> TableChange {
    let change = TableChange::new("stock_movement");
    if engine == DbBackend::Sqlite { change } else { change.index("ix_stock_movement_created_at", &["created_at"]) }
}
