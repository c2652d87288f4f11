//! Durations in configuration: `500ms`, `60s`, `5m`, `1h`, or a whole number of milliseconds. Use it as
//! `#[serde(with = "souk_resilience::duration_text")]`.

use std::{fmt, time::Duration};

use serde::{Deserializer, Serializer, de};

/// Deserializes a duration. Errors: the value has none of the forms above.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

/// Serializes a duration in the largest unit of which it is a multiple, truncated to whole milliseconds.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*duration))
}

fn text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let largest = units.into_iter().find(|(size, _)| millis > 0 && millis.is_multiple_of(*size));
    let (size, unit) = largest.unwrap_or((1, "ms"));
    format!("{}{unit}", millis / size)
}

struct DurationVisitor;

impl de::Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 500ms, 60s, 5m or 1h, or a whole number of milliseconds")
    }

    fn visit_u64<E: de::Error>(self, millis: u64) -> Result<Duration, E> {
        Ok(Duration::from_millis(millis))
    }

    fn visit_i64<E: de::Error>(self, millis: i64) -> Result<Duration, E> {
        let millis = u64::try_from(millis).map_err(|_| E::invalid_value(de::Unexpected::Signed(millis), &self))?;
        self.visit_u64(millis)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text.trim()).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let millis_per_unit = match unit.trim_start() {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(millis_per_unit).map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_parsed() {
        for (text, millis) in
            [("0", 0), ("250", 250), ("500ms", 500), ("60s", 60_000), ("5 m", 300_000), ("1h", 3_600_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn the_written_form_parses_to_the_same_duration() {
        for (millis, written) in [(0, "0ms"), (500, "500ms"), (1_500, "1500ms"), (60_000, "1m"), (7_200_000, "2h")] {
            let duration = Duration::from_millis(millis);
            assert_eq!((text(duration).as_str(), parse(&text(duration))), (written, Some(duration)));
        }
    }

    #[test]
    fn other_forms_are_rejected() {
        for text in ["", "s", "-1s", "+1s", "1.5s", "1d", "PT1S", "1s1", "18446744073709551615h"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
