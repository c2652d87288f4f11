//! The meaning of an unquoted scalar in YAML 1.1, as Java's reader implements it: `yes` is true, `010` is eight,
//! `12:30` is 750. Dates are kept as texts.

use crate::environment::scalar::Scalar;

pub(super) fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    let known = bool(text).map(Scalar::Bool).or_else(|| integer(text)).or_else(|| float(text).map(Scalar::Float));
    known.unwrap_or_else(|| Scalar::Text(text.to_owned()))
}

/// Parses a boolean, which YAML 1.1 spells in many ways.
pub(super) fn bool(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

/// Parses an integer, and returns one that does not fit into 64 bits as text.
pub(super) fn integer(text: &str) -> Option<Scalar> {
    let (negative, digits) = sign(text);
    let magnitude = magnitude(digits)?;
    let value = if negative { -magnitude } else { magnitude };
    let fits = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value);
    Some(if fits { Scalar::Integer(value) } else { Scalar::Text(text.to_owned()) })
}

/// Parses an integer without sign; `None` if it is not one. A larger one than `i128::MAX` becomes that.
fn magnitude(text: &str) -> Option<i128> {
    if let Some(digits) = text.strip_prefix("0b") {
        return radix(digits, 2);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if text == "0" {
        return Some(0);
    }
    if let Some(digits) = text.strip_prefix('0') {
        return radix(digits, 8);
    }
    let mut parts = text.split(':');
    let mut total = radix(parts.next()?, 10)?;
    for part in parts {
        let next = i128::from(sexagesimal_digit(part)?);
        total = total.saturating_mul(60).saturating_add(next);
    }
    Some(total)
}

/// Parses digits and underscores, with at least one digit.
fn radix(text: &str, radix: u32) -> Option<i128> {
    let mut digits = text.chars().filter(|letter| *letter != '_').peekable();
    digits.peek()?;
    if radix == 10 && !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let mut total = 0_i128;
    for digit in digits {
        let digit = i128::from(digit.to_digit(radix)?);
        total = total.saturating_mul(i128::from(radix)).saturating_add(digit);
    }
    Some(total)
}

/// Parses one or two digits whose value is below 60.
fn sexagesimal_digit(text: &str) -> Option<u8> {
    let is_digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|digit| is_digits && *digit < 60)
}

/// Parses a number with a fraction or an exponent; `None` for one that is too large for `f64`.
pub(super) fn float(text: &str) -> Option<f64> {
    let (negative, digits) = sign(text);
    let value = match digits {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        _ => finite(digits, digits.len() != text.len())?,
    };
    Some(if negative { -value } else { value })
}

fn finite(text: &str, is_signed: bool) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    if let Some(exponent) = exponent {
        let digits = sign(exponent).1;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None if exponent.is_some() => (mantissa, ""),
        None => return None,
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !is_digits(fraction) {
        return None;
    }
    if whole.contains(':') {
        return sexagesimal(whole, fraction, exponent);
    }
    let first = if whole.is_empty() && !is_signed { fraction } else { whole };
    if !is_digits(whole) || !first.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

/// Parses a number to base 60: `1:30.5` is 90.5.
fn sexagesimal(whole: &str, fraction: &str, exponent: Option<&str>) -> Option<f64> {
    let mut parts = whole.split(':');
    let first = parts.next().filter(|first| first.starts_with(|first: char| first.is_ascii_digit()))?;
    if exponent.is_some() || !first.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        return None;
    }
    let mut total: f64 = first.replace('_', "").parse().ok()?;
    for part in parts {
        total = total * 60.0 + f64::from(sexagesimal_digit(part)?);
    }
    let fraction: f64 = format!("0.{}", fraction.replace('_', "")).parse().ok()?;
    Some(total + fraction).filter(|value| value.is_finite())
}

/// Splits off the sign; true for a negative number.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn unquoted_scalars_mean_what_yaml_1_1_says() {
        let cases: &[(&str, Value)] = &[
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("yEs", json!("yEs")),
            ("y", json!("y")),
            ("Null", json!(null)),
            ("~", json!(null)),
            ("0", json!(0)),
            ("-0", json!(0)),
            ("+12", json!(12)),
            ("1_000", json!(1000)),
            ("_1", json!("_1")),
            ("010", json!(8)),
            ("-010", json!(-8)),
            ("08", json!("08")),
            ("0o14", json!("0o14")),
            ("0x1F", json!(31)),
            ("0x", json!("0x")),
            ("0x_", json!("0x_")),
            ("0b101", json!(5)),
            ("0b2", json!("0b2")),
            ("12:30", json!(750)),
            ("12:30:45", json!(45045)),
            ("-1:30", json!(-90)),
            ("12:60", json!("12:60")),
            ("08:30", json!("08:30")),
            ("1:2:3:", json!("1:2:3:")),
            ("18446744073709551615", json!(u64::MAX)),
            ("18446744073709551616", json!("18446744073709551616")),
            ("0xffffffffffffffffffffffffffffffffffffff", json!("0xffffffffffffffffffffffffffffffffffffff")),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("-.5", json!("-.5")),
            ("1e3", json!(1000.0)),
            ("-1.5E-2", json!(-0.015)),
            ("1e", json!("1e")),
            ("12e4567", json!("12e4567")),
            ("1:30.5", json!(90.5)),
            ("1.2.3", json!("1.2.3")),
            ("127.0.0.1", json!("127.0.0.1")),
            (".", json!(".")),
            ("-", json!("-")),
            ("+", json!("+")),
            (".inf", json!("Infinity")),
            ("-.INF", json!("-Infinity")),
            (".NaN", json!("NaN")),
            ("-.nan", json!("-.nan")),
            ("nan", json!("nan")),
            ("infinity", json!("infinity")),
            ("2026-11-22", json!("2026-11-22")),
            ("2026-11-22 10:00:00", json!("2026-11-22 10:00:00")),
            ("10 s", json!("10 s")),
        ];
        for (text, expected) in cases {
            assert_eq!(resolve(text).to_json(), *expected, "{text}");
        }
    }
}
