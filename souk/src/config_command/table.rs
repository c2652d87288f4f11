//! Formats rows as a table with aligned columns.

use serde_json::Value;

use super::rows::Row;

/// Upper bound of the width of the values' column. A longer value moves its origin to the right.
const MAX_VALUE_WIDTH: usize = 60;

/// Returns a line for each row: key, value, origin.
pub fn lines(rows: &[Row]) -> Vec<String> {
    let cells: Vec<(String, String)> = rows.iter().map(|row| (row.key.clone(), text(&row.value))).collect();
    let key_width = cells.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
    let value_width =
        cells.iter().map(|(_, value)| value.chars().count().min(MAX_VALUE_WIDTH)).max().unwrap_or_default();
    rows.iter()
        .zip(&cells)
        .map(|(row, (key, value))| format!("{key:<key_width$}  {value:<value_width$}  {}", one_line(&row.origin)))
        .collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null | Value::Object(_) => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => one_line(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Escapes control characters, which a terminal would execute.
fn one_line(text: &str) -> String {
    let escaped =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.to_string() };
    text.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_control_characters_escaped() {
        let row = |key: &str, value: Value| Row { key: key.to_owned(), value, origin: "default".to_owned() };
        let shown = lines(&[
            row("order.a", json!("x\u{1b}[2J\ny")),
            row("order.store-url", json!("")),
            row("order.c", json!(["a", 1])),
        ]);
        assert_eq!(
            shown,
            [
                r"order.a          x\u{1b}[2J\ny  default",
                "order.store-url  -              default",
                "order.c          a, 1           default",
            ]
        );
    }
}
