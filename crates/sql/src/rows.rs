//! Statements on rows by columns that find them, whose text is built once.
//!
//! SeaORM builds the text of each statement from a tree of its parts, which takes longer than SQLite takes to run it. Here it
//! does so for the first statement of a shape: a table, the columns that are written, and those that find the rows. Of the
//! later ones only the values are collected.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock},
};

use parking_lot::RwLock;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, Condition, ConnectionTrait, DbBackend, DbErr, EntityTrait,
    FromQueryResult, IdenStatic, Iterable, QueryFilter, QueryTrait, Statement,
    sea_query::{OnConflict, Value, Values},
};

use crate::{SqlError, Tx};

/// A column and its value in the rows that are meant.
pub type Key<'k, C> = &'k [(C, Value)];

/// What the text of a statement depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Shape {
    entity: TypeId,
    kind: Kind,
    backend: &'static str,
    /// Numbers of the columns that are written, and of those that find the rows.
    columns: (Vec<u8>, Vec<u8>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Insert,
    InsertOrIgnore,
    Select,
    Update,
}

/// The texts of all shapes so far: as many as the program has such statements, times the engines in use.
static TEXTS: LazyLock<RwLock<HashMap<Shape, Arc<str>>>> = LazyLock::new(RwLock::default);

/// Inserts a row. Errors: those of SeaORM.
pub async fn insert_row<A>(tx: &Tx, row: A) -> Result<(), DbErr>
where
    A: ActiveModelTrait,
    A::Entity: 'static,
{
    tx.execute_raw(insertion(tx.get_database_backend(), row, Kind::Insert)).await?;
    Ok(())
}

/// Inserts a row unless its key exists, and returns true if it was inserted.
///
/// The values must fit their columns: MySQL's `INSERT IGNORE` truncates those that do not instead of failing.
pub async fn insert_or_ignore<A>(tx: &Tx, row: A) -> Result<bool, SqlError>
where
    A: ActiveModelTrait,
    A::Entity: 'static,
{
    let statement = insertion(tx.get_database_backend(), row, Kind::InsertOrIgnore);
    Ok(tx.execute_raw(statement).await?.rows_affected() == 1)
}

/// Returns the row with these values in columns that no two rows share; any of them, if two do. Errors: those of SeaORM.
pub async fn row_with<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    key: Key<'_, E::Column>,
) -> Result<Option<E::Model>, DbErr> {
    let found = connection.query_one_raw(selection::<E>(connection.get_database_backend(), key)).await?;
    found.map(|row| E::Model::from_query_result(&row, "")).transpose()
}

/// Returns all rows with these values, in any order. Errors: those of SeaORM.
pub async fn rows_with<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    key: Key<'_, E::Column>,
) -> Result<Vec<E::Model>, DbErr> {
    let found = connection.query_all_raw(selection::<E>(connection.get_database_backend(), key)).await?;
    found.iter().map(|row| E::Model::from_query_result(row, "")).collect()
}

/// Writes what `set` has into the rows with these values, and returns their number. Errors: those of SeaORM.
pub async fn update_rows<A>(tx: &Tx, set: A, key: Key<'_, <A::Entity as EntityTrait>::Column>) -> Result<u64, DbErr>
where
    A: ActiveModelTrait,
    A::Entity: 'static,
{
    let backend = tx.get_database_backend();
    let (numbers, columns, mut values) = taken(set, |value| matches!(value, ActiveValue::Set(_)));
    let shape = shape::<A::Entity>(Kind::Update, backend, numbers, key);
    values.extend(key.iter().map(|(_, value)| value.clone()));
    let statement = with_text(shape, backend, values, |values| {
        let set: A = with(&columns, values);
        A::Entity::update_many().set(set).filter(condition(key)).build(backend)
    });
    Ok(tx.execute_raw(statement).await?.rows_affected())
}

fn insertion<A>(backend: DbBackend, row: A, kind: Kind) -> Statement
where
    A: ActiveModelTrait,
    A::Entity: 'static,
{
    let (numbers, columns, values) = taken(row, |value| !value.is_not_set());
    let shape = shape::<A::Entity>(kind, backend, numbers, &[]);
    with_text(shape, backend, values, |values| {
        let row: A = with(&columns, values);
        if kind == Kind::InsertOrIgnore { or_ignore([row], backend) } else { A::Entity::insert(row).build(backend) }
    })
}

/// Returns the statement that inserts those of `rows` whose key does not exist.
pub(crate) fn or_ignore<A: ActiveModelTrait>(rows: impl IntoIterator<Item = A>, backend: DbBackend) -> Statement {
    let mut insert = A::Entity::insert_many(rows);
    if backend != DbBackend::MySql {
        insert.query().on_conflict(OnConflict::new().do_nothing().to_owned());
    }
    let mut statement = insert.build(backend);
    if backend == DbBackend::MySql {
        // `ON DUPLICATE KEY UPDATE` would count rows that existed as affected.
        statement.sql = statement.sql.replacen("INSERT", "INSERT IGNORE", 1);
    }
    statement
}

fn selection<E: EntityTrait>(backend: DbBackend, key: Key<'_, E::Column>) -> Statement {
    let values = key.iter().map(|(_, value)| value.clone()).collect();
    let shape = shape::<E>(Kind::Select, backend, Vec::new(), key);
    with_text(shape, backend, values, |_| E::find().filter(condition(key)).build(backend))
}

/// Returns a statement of `shape` with `values`; `build` builds the first of them.
fn with_text(
    shape: Shape,
    backend: DbBackend,
    values: Vec<Value>,
    build: impl FnOnce(&[Value]) -> Statement,
) -> Statement {
    if let Some(text) = TEXTS.read().get(&shape) {
        return Statement { sql: text.to_string(), values: Some(Values(values)), db_backend: backend };
    }
    let first = build(&values);
    // Otherwise SeaORM has added one of its own, and only it can build such a statement.
    if first.values.as_ref().is_some_and(|bound| bound.0 == values) {
        TEXTS.write().insert(shape, first.sql.as_str().into());
    }
    first
}

fn shape<E: EntityTrait>(kind: Kind, backend: DbBackend, written: Vec<u8>, key: Key<'_, E::Column>) -> Shape {
    let number = |column: &E::Column| {
        let found = (0..).zip(E::Column::iter()).find(|(_, known)| known.as_str() == column.as_str());
        found.map_or(u8::MAX, |(number, _)| number)
    };
    let found_by = key.iter().map(|(column, _)| number(column)).collect();
    let backend = match backend {
        DbBackend::Sqlite => "sqlite",
        DbBackend::Postgres => "postgres",
        _ => "mysql",
    };
    Shape { entity: TypeId::of::<E>(), kind, backend, columns: (written, found_by) }
}

/// Returns the columns of `row` whose value is written, with their numbers and values.
fn taken<A: ActiveModelTrait>(
    mut row: A,
    is_written: impl Fn(&ActiveValue<Value>) -> bool,
) -> (Vec<u8>, Vec<<A::Entity as EntityTrait>::Column>, Vec<Value>) {
    let (mut numbers, mut columns, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (number, column) in (0..).zip(<A::Entity as EntityTrait>::Column::iter()) {
        let value = row.take(column);
        if let Some(value) = is_written(&value).then(|| value.into_value()).flatten() {
            numbers.push(number);
            columns.push(column);
            values.push(value);
        }
    }
    (numbers, columns, values)
}

/// Returns a row with `values` in `columns`.
fn with<A: ActiveModelTrait>(columns: &[<A::Entity as EntityTrait>::Column], values: &[Value]) -> A {
    let mut row = A::default();
    for (column, value) in columns.iter().zip(values) {
        row.set(*column, value.clone());
    }
    row
}

fn condition<C: ColumnTrait>(key: Key<'_, C>) -> Condition {
    key.iter().fold(Condition::all(), |all, (column, value)| all.add(column.eq(value.clone())))
}
