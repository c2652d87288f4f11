//! The index of carts by due time, which contains every stored cart of its partition.

use redis::{FromRedisValue, ParsingError, Value};
use souk_sql::SqlError;
use souk_values::{Timestamp, UserId};

use super::damaged;

/// Score of a cart in the index; `None` for a cart that is never due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DueAt(pub Option<Timestamp>);

impl DueAt {
    pub fn score(self) -> String {
        self.0.map_or_else(|| "+inf".to_owned(), |due| due.millis().to_string())
    }
}

impl FromRedisValue for DueAt {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let score = f64::from_redis_value(value)?;
        if score.is_infinite() {
            return Ok(Self(None));
        }
        // Milliseconds fit into a double exactly: without a fraction the text is the number that was written.
        let millis = format!("{score:.0}").parse();
        millis.map(|millis| Self(Some(Timestamp::from_millis(millis)))).map_err(|_| "the score is not a time".into())
    }
}

pub(super) fn user_id(text: &str) -> Result<UserId, SqlError> {
    text.parse().map_err(|_| damaged("an index of carts", &text))
}
