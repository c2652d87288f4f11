//! Prints rows.

use serde_json::Value;

use super::rows::Row;

/// The widest that the column of values is made for; longer ones move what follows.
const WIDEST: usize = 60;

/// The rows as aligned lines: key, value, origin.
pub fn lines(rows: &[Row]) -> Vec<String> {
    let cells: Vec<(String, String)> = rows.iter().map(|row| (row.key.clone(), text(&row.value))).collect();
    let key_width = cells.iter().map(|(key, _)| key.chars().count()).max().unwrap_or_default();
    let value_width = cells.iter().map(|(_, value)| value.chars().count().min(WIDEST)).max().unwrap_or_default();
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

/// What a terminal would act on is shown as an escape.
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
    fn columns_are_aligned_and_harmless() {
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
