//! Patterns of `LIKE` for literal texts, and prefixes that an index finds.

use sea_orm::{
    ColumnTrait,
    sea_query::{LikeExpr, SimpleExpr},
};

/// Above every character that a text may have.
const LAST: char = char::MAX;

/// None of the engines gives it a meaning of its own, as MySQL does with the backslash.
const ESCAPE: char = '!';

/// Returns the pattern of all texts that contain `text`.
#[must_use]
pub fn containing(text: &str) -> LikeExpr {
    LikeExpr::new(format!("%{}%", escaped(text))).escape(ESCAPE)
}

/// Returns the pattern of all texts that begin with `text`.
#[must_use]
pub fn beginning_with(text: &str) -> LikeExpr {
    LikeExpr::new(format!("{}%", escaped(text))).escape(ESCAPE)
}

/// Returns the condition that `column` begins with `text`, as a range that its index finds. The column is
/// [`byte_ordered`](crate::byte_ordered).
pub fn from_prefix(column: impl ColumnTrait, text: &str) -> SimpleExpr {
    column.between(text.to_owned(), format!("{text}{LAST}"))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | ESCAPE) {
            out.push(ESCAPE);
        }
        out.push(letter);
    }
    out
}
