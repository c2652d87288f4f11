//! The key `overrides`: properties that win over every file.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// Keys and values in the configured order. They are written as a list of `key=value`, as lines of the same form in one
/// text, or as a mapping. A mapping loses capital letters and hyphens in keys, as all configuration does.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Overrides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut pairs = Vec::new();
        collect(Value::deserialize(deserializer)?, "", &mut pairs).map_err(de::Error::custom)?;
        Ok(Self(pairs))
    }
}

// Values may be secrets.
impl fmt::Debug for Overrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(key, _)| (key, format_args!("(hidden)")))).finish()
    }
}

// As a mapping, so that `souk config show` can hide values by their keys.
impl Serialize for Overrides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn collect(value: Value, key: &str, pairs: &mut Vec<(String, String)>) -> Result<(), String> {
    match value {
        Value::Object(entries) => {
            for (name, value) in entries {
                let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                collect(value, &key, pairs)?;
            }
        }
        Value::Array(items) if key.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                let line = item.as_str().ok_or("a list of overrides holds texts, such as 'a.b=c'")?;
                pairs.push(pair(at, line)?);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.into_iter().enumerate() {
                collect(item, &format!("{key}[{at}]"), pairs)?;
            }
        }
        Value::String(text) if key.is_empty() => {
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                pairs.push(pair(at, line)?);
            }
        }
        Value::String(text) => pairs.push((key.to_owned(), text)),
        Value::Null if key.is_empty() => {}
        Value::Null => pairs.push((key.to_owned(), String::new())),
        other => pairs.push((key.to_owned(), other.to_string())),
    }
    Ok(())
}

/// The error does not quote the line, which may be the rest of a secret.
fn pair(at: usize, line: &str) -> Result<(String, String), String> {
    let (key, value) = line
        .split_once('=')
        .ok_or_else(|| format!("override {} is not of the form key=value", at.saturating_add(1)))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_notations_are_read() {
        let list = vec![("a.b-c".to_owned(), "1".to_owned()), ("D".to_owned(), "x=y".to_owned())];
        for written in [json!(["a.b-c=1", "D = x=y"]), json!("a.b-c=1\nD=x=y\n")] {
            assert_eq!(serde_json::from_value::<Overrides>(written).unwrap().0, list);
        }
        let mapped: Overrides = serde_json::from_value(json!({"a": {"b": [true, 2]}, "c": null})).unwrap();
        let expected = [("a.b[0]", "true"), ("a.b[1]", "2"), ("c", "")];
        assert_eq!(mapped.0, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn debug_and_errors_show_no_values() {
        let overrides: Overrides = serde_json::from_value(json!(["db.password=s3cret"])).unwrap();
        let shown = format!("{overrides:?}");
        assert!(shown.contains("db.password") && !shown.contains("s3cret"), "{shown}");
        let wrong = serde_json::from_value::<Overrides>(json!(["a=1", "s3cret"])).unwrap_err().to_string();
        assert!(wrong.contains("override 2") && !wrong.contains("s3cret"), "{wrong}");
    }
}
