//! The value of a property: null, boolean, number or text.

use std::fmt;

use serde::Serialize;
use serde_json::{Number, Value};

/// A value without parts. Its `Debug` shows no content, which may be a secret.
///
/// An integer is between `i64::MIN` and `u64::MAX`, so that JSON represents it exactly. A larger one in a file is kept
/// as text, digit for digit, instead of being rounded.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    Null,
    Bool(bool),
    Integer(i128),
    /// A number with a fraction or an exponent; may be infinite or not a number.
    Float(f64),
    Text(String),
}

impl Scalar {
    /// Returns the value as JSON. Infinite numbers, which JSON lacks, become texts as in Java's writers.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Integer(integer) => {
                Number::from_i128(*integer).map_or_else(|| self.to_string().into(), Value::Number)
            }
            Self::Float(float) => Number::from_f64(*float).map_or_else(|| self.to_string().into(), Value::Number),
            Self::Text(text) => Value::String(text.clone()),
        }
    }
}

/// Writes the value as it replaces a placeholder.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Float(float) if float.is_nan() => f.write_str("NaN"),
            Self::Float(float) if float.is_infinite() => {
                f.write_str(if float.is_sign_negative() { "-Infinity" } else { "Infinity" })
            }
            // Debug formatting keeps `1.0`, which Display would shorten to `1`.
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scalar(..)")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_keeps_the_type_and_every_digit() {
        let cases = [
            (Scalar::Null, json!(null)),
            (Scalar::Bool(true), json!(true)),
            (Scalar::Integer(i128::from(u64::MAX)), json!(u64::MAX)),
            (Scalar::Integer(i128::from(i64::MIN)), json!(i64::MIN)),
            (Scalar::Float(1.0), json!(1.0)),
            (Scalar::Float(f64::NEG_INFINITY), json!("-Infinity")),
            (Scalar::Float(f64::NAN), json!("NaN")),
            (Scalar::Text("1".into()), json!("1")),
        ];
        for (scalar, expected) in cases {
            assert_eq!(scalar.to_json(), expected);
        }
    }

    #[test]
    fn a_whole_float_is_written_with_a_fraction() {
        assert_eq!(Scalar::Float(3.0).to_string(), "3.0");
    }
}
