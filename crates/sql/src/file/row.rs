//! Rows of a SQLite file, as SeaORM reads them.
//!
//! SQLite stores values of few types, while SeaORM reads a column as exactly one type of its own. Where a type is not that
//! of the stored values, the declared type of the column says so. All integers are 64 bits wide: SQLite declares none
//! otherwise, so that no entity may have a smaller one. JSON is text, which [`crate::Json`] reads.
//!
//! Of SeaORM's constructors of results only those of its mock are public: those of its proxy do not compile beside the
//! drivers of sqlx (2.0.4).

use std::collections::BTreeMap;

use rusqlite::{Row, Statement, types::ValueRef};
use sea_orm::{
    DbBackend, DbErr, ExecResult, MockDatabase, MockDatabaseTrait, MockExecResult, QueryResult, sea_query::Value,
};

/// The values of a row by the names of their columns.
pub(super) type Values = BTreeMap<String, Value>;

/// Maximum number of columns that SeaORM reads by their numbers, as a tuple.
const MAX_TUPLE: usize = 12;

/// A column of a result.
#[derive(Debug)]
struct Column {
    name: String,
    /// Its number as a name, if the order of the names is not that of the columns.
    number: Option<String>,
    declared: Declared,
}

/// The type of a column, where it says more than the type of its values.
#[derive(Debug)]
enum Declared {
    Boolean,
    Other,
}

/// The columns of a result.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

pub(super) fn columns(statement: &Statement<'_>) -> Columns {
    let declared = |kind: Option<&str>| match kind {
        Some("boolean") => Declared::Boolean,
        _ => Declared::Other,
    };
    let column = |column: &rusqlite::Column<'_>| Column {
        name: column.name().to_owned(),
        number: None,
        declared: declared(column.decl_type()),
    };
    let mut all: Vec<Column> = statement.columns().iter().map(column).collect();
    if all.len() <= MAX_TUPLE && !all.is_sorted_by_key(|column| &column.name) {
        for (index, column) in all.iter_mut().enumerate() {
            // SeaORM finds the column of a number by the order of the names, which these precede.
            column.number = Some(format!("\0{index:04}"));
        }
    }
    Columns(all)
}

/// Errors: a value that does not fit the type of its column.
pub(super) fn read(columns: &Columns, row: &Row<'_>) -> Result<Values, DbErr> {
    let mut values = Values::new();
    for (index, column) in columns.0.iter().enumerate() {
        let found = row.get_ref(index).map_err(|error| DbErr::Type(error.to_string()))?;
        let value = column.read(found)?;
        if let Some(number) = &column.number {
            values.insert(number.clone(), value.clone());
        }
        values.insert(column.name.clone(), value);
    }
    Ok(values)
}

/// Returns rows in SeaORM's type.
pub(super) fn results(rows: Vec<Values>) -> Result<Vec<QueryResult>, DbErr> {
    MockDatabase::new(DbBackend::Sqlite).append_query_results([rows]).query(0, no_statement())
}

/// Returns the outcome of a statement that changed `rows_affected` rows, in SeaORM's type.
pub(super) fn outcome(rows_affected: u64) -> Result<ExecResult, DbErr> {
    let result = MockExecResult { last_insert_id: 0, rows_affected };
    MockDatabase::new(DbBackend::Sqlite).append_exec_results([result]).execute(0, no_statement())
}

fn no_statement() -> sea_orm::Statement {
    sea_orm::Statement::from_string(DbBackend::Sqlite, "")
}

impl Column {
    fn read(&self, value: ValueRef<'_>) -> Result<Value, DbErr> {
        let unfit = |reason: String| DbErr::Type(format!("column {}: {reason}", self.name));
        let text =
            |bytes: &[u8]| str::from_utf8(bytes).map(ToOwned::to_owned).map_err(|error| unfit(error.to_string()));
        Ok(match (&self.declared, value) {
            (Declared::Boolean, ValueRef::Integer(value)) => Value::Bool(Some(value != 0)),
            (_, ValueRef::Null) => Value::BigInt(None),
            (_, ValueRef::Integer(value)) => Value::BigInt(Some(value)),
            (_, ValueRef::Real(value)) => Value::Double(Some(value)),
            (_, ValueRef::Text(value)) => Value::String(Some(text(value)?)),
            (_, ValueRef::Blob(value)) => Value::Bytes(Some(value.to_vec())),
        })
    }
}
