//! A value in a JSON column.

use sea_orm::{
    ColIdx, DbErr, QueryResult, TryGetError, TryGetable,
    sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr},
};
use serde::{Serialize, de::DeserializeOwned};

/// A value that its row stores as JSON. On SQLite it is read from the text, without a tree of JSON values in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> TryGetable for Json<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let unfit = |error: serde_json::Error| TryGetError::DbErr(DbErr::Json(error.to_string()));
        match String::try_get_by(row, index) {
            Ok(text) => serde_json::from_str(&text).map(Self).map_err(unfit),
            Err(TryGetError::Null(column)) => Err(TryGetError::Null(column)),
            // An engine with a type for JSON does not give it out as text.
            Err(TryGetError::DbErr(_)) => {
                serde_json::from_value(serde_json::Value::try_get_by(row, index)?).map(Self).map_err(unfit)
            }
        }
    }
}

impl<T: Serialize> From<Json<T>> for Value {
    fn from(Json(value): Json<T>) -> Self {
        // Only a map whose keys are no texts has no form in JSON, and no column is one; NOT NULL would refuse it.
        Self::Json(serde_json::to_value(value).ok().map(Box::new))
    }
}

impl<T: DeserializeOwned> ValueType for Json<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let Value::Json(Some(tree)) = value else { return Err(ValueTypeErr) };
        serde_json::from_value(*tree).map(Self).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        "Json".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::Json
    }

    fn column_type() -> ColumnType {
        ColumnType::Json
    }
}

impl<T> Nullable for Json<T> {
    fn null() -> Value {
        Value::Json(None)
    }
}
