//! A property's value.

use std::fmt;

use serde_json::{Number, Value};

/// A value that is not made of others. Its `Debug` shows no text, because that may be a secret.
///
/// An integer is from `i64::MIN` to `u64::MAX`, so that JSON carries it exactly; what a file writes beyond that is
/// kept as text, digit for digit, instead of being rounded.
#[derive(Clone, PartialEq)]
pub enum Scalar {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number; also infinite or not a number.
    Float(f64),
    /// A text.
    Text(String),
}

impl Scalar {
    /// The value in JSON, which has no infinite numbers: they are texts there, as Java's writers have it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Integer(integer) => integer_number(*integer).map_or_else(|| self.to_text(), Value::Number),
            Self::Float(float) => Number::from_f64(*float).map_or_else(|| self.to_text(), Value::Number),
            Self::Text(text) => Value::String(text.clone()),
        }
    }

    fn to_text(&self) -> Value {
        Value::String(self.to_string())
    }
}

/// `integer` as JSON's number, if 64 bits hold it.
pub(super) fn integer_number(integer: i128) -> Option<Number> {
    let signed = i64::try_from(integer).ok().map(Number::from);
    signed.or_else(|| u64::try_from(integer).ok().map(Number::from))
}

/// The value as it stands in a text: what a placeholder is replaced by.
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
            // `1.0` stays `1.0`.
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool(..)"),
            Self::Integer(_) => f.write_str("Integer(..)"),
            Self::Float(_) => f.write_str("Float(..)"),
        }
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
    fn a_whole_float_is_written_as_one() {
        assert_eq!(Scalar::Float(3.0).to_string(), "3.0");
    }
}
