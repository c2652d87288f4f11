//! YAML in block style that reads back as what was written, by readers of YAML 1.1 and of 1.2.

use std::fmt::Write;

use super::{super::Scalar, plain};
use crate::environment::format::Tree;

/// A key longer than this is written after a `?`, for readers do not look further for its colon.
const LONGEST_SIMPLE_KEY: usize = 128;

/// `tree` as one document.
pub(in super::super) fn write(tree: &Tree) -> String {
    let mut out = String::new();
    match tree {
        Tree::Map(map) if map.is_empty() => out.push_str("{}\n"),
        Tree::List(list) if list.is_empty() => out.push_str("[]\n"),
        Tree::Map(_) | Tree::List(_) => block(&mut out, tree, 0, true),
        Tree::Missing => out.push_str("null\n"),
        Tree::Leaf(scalar) => leaf(&mut out, scalar, 0),
    }
    out
}

/// The entries of a map or the items of a list, each on lines of its own. `is_indented`: the first line's
/// indentation is to be written.
fn block(out: &mut String, tree: &Tree, indent: usize, mut is_indented: bool) {
    let mut start = |out: &mut String| {
        if is_indented {
            spaces(out, indent);
        }
        is_indented = true;
    };
    match tree {
        Tree::Map(map) => {
            for (name, value) in map {
                start(out);
                key(out, name, indent);
                entry(out, value, indent + 2);
            }
        }
        Tree::List(list) => {
            for item in list {
                start(out);
                out.push('-');
                match item {
                    Tree::Map(inner) if !inner.is_empty() => {
                        out.push(' ');
                        block(out, item, indent + 2, false);
                    }
                    Tree::List(inner) if !inner.is_empty() => {
                        out.push(' ');
                        block(out, item, indent + 2, false);
                    }
                    _ => entry(out, item, indent + 2),
                }
            }
        }
        Tree::Missing | Tree::Leaf(_) => {}
    }
}

/// What follows `key:` or `-`, up to its line's end.
fn entry(out: &mut String, value: &Tree, indent: usize) {
    match value {
        Tree::Map(map) if map.is_empty() => out.push_str(" {}\n"),
        Tree::List(list) if list.is_empty() => out.push_str(" []\n"),
        Tree::Map(_) | Tree::List(_) => {
            out.push('\n');
            block(out, value, indent, true);
        }
        Tree::Missing => out.push_str(" null\n"),
        Tree::Leaf(scalar) => {
            out.push(' ');
            leaf(out, scalar, indent);
        }
    }
}

/// A key and its colon.
fn key(out: &mut String, name: &str, indent: usize) {
    let quoted = if name.contains('\n') { double_quoted(name) } else { one_line(name) };
    if quoted.len() > LONGEST_SIMPLE_KEY {
        out.push_str("? ");
        out.push_str(&quoted);
        out.push('\n');
        spaces(out, indent);
    } else {
        out.push_str(&quoted);
    }
    out.push(':');
}

fn leaf(out: &mut String, scalar: &Scalar, indent: usize) {
    match scalar {
        Scalar::Null => out.push_str("null"),
        Scalar::Float(float) if float.is_nan() => out.push_str(".nan"),
        Scalar::Float(float) if float.is_infinite() => out.push_str(if *float < 0.0 { "-.inf" } else { ".inf" }),
        // Readers of YAML 1.1 want a fraction before an exponent, and a sign in it.
        Scalar::Float(float) => out.push_str(&exponent_of_1_1(&scalar_text(*float))),
        Scalar::Text(text) if text.contains('\n') => return several_lines(out, text, indent),
        Scalar::Text(text) => out.push_str(&one_line(text)),
        Scalar::Bool(_) | Scalar::Integer(_) => out.push_str(&scalar.to_string()),
    }
    out.push('\n');
}

fn scalar_text(float: f64) -> String {
    Scalar::Float(float).to_string()
}

fn exponent_of_1_1(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let fraction = if mantissa.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{mantissa}{fraction}e{sign}{exponent}")
}

fn several_lines(out: &mut String, text: &str, indent: usize) {
    let (body, chomping) = match text.strip_suffix('\n') {
        Some(body) => (body, "|"),
        None => (text, "|-"),
    };
    let fits = !body.starts_with([' ', '\t', '\n']) && !body.is_empty() && !body.ends_with('\n');
    if !fits || !body.chars().all(|letter| letter == '\n' || is_printable(letter)) {
        out.push_str(&double_quoted(text));
        out.push('\n');
        return;
    }
    out.push_str(chomping);
    out.push('\n');
    for line in body.split('\n') {
        if !line.is_empty() {
            spaces(out, indent.max(2));
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A text without a line end, quoted if need be.
fn one_line(text: &str) -> String {
    if !text.chars().all(is_printable) {
        double_quoted(text)
    } else if is_safe(text) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// Whether every reader takes `text` for itself when it stands without quotes. What begins with a digit, a sign or
/// a dot might be a number or a date for one of them.
fn is_safe(text: &str) -> bool {
    let is_word = |word: &str| {
        ["y", "n", "nan", "inf"].iter().any(|other| word.eq_ignore_ascii_case(other))
            || plain::resolve(&word.to_lowercase()) != Scalar::Text(word.to_lowercase())
    };
    text.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '/' | '$'))
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([' ', ':'])
        && !is_word(text)
}

/// Whether `letter` can stand in a line as it is.
fn is_printable(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if is_printable(letter) => out.push(letter),
            // Writing to a String does not fail.
            letter => _ = write!(out, "\\U{:08x}", u32::from(letter)),
        }
    }
    out.push('"');
    out
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Number, Value, json};

    use super::*;
    use crate::environment::yaml;

    fn tree(value: &Value) -> Tree {
        match value {
            Value::Null => Tree::Leaf(Scalar::Null),
            Value::Bool(bool) => Tree::Leaf(Scalar::Bool(*bool)),
            Value::Number(number) => Tree::Leaf(match number.as_i128() {
                Some(integer) => Scalar::Integer(integer),
                None => Scalar::Float(number.as_f64().unwrap()),
            }),
            Value::String(text) => Tree::Leaf(Scalar::Text(text.clone())),
            Value::Array(items) => Tree::List(items.iter().map(tree).collect()),
            Value::Object(map) => Tree::Map(map.iter().map(|(key, value)| (key.clone(), tree(value))).collect()),
        }
    }

    #[test]
    fn a_tree_is_written_in_block_style() {
        let value = json!({
            "a": {"b": 1, "c": [true, null, {"d": "x", "e": "z"}, ["z"], [], {}]},
            "empty": "", "f": 1.0, "ip": "127.0.0.1", "no": "no", "on": "'", "text": "one\ntwo\n", "url": "${a}/b",
        });
        let expected = "a:\n  b: 1\n  c:\n    - true\n    - null\n    - d: x\n      e: z\n    - - z\n    - []\n    - {}\n\
            empty: ''\nf: 1.0\nip: '127.0.0.1'\n'no': 'no'\n'on': ''''\ntext: |\n  one\n  two\nurl: ${a}/b\n";
        assert_eq!(write(&tree(&value)), expected);
    }

    #[test]
    fn a_root_that_is_no_map_is_written() {
        assert_eq!(write(&tree(&json!({}))), "{}\n");
        assert_eq!(write(&tree(&json!([1, "2"]))), "- 1\n- '2'\n");
        assert_eq!(write(&tree(&json!("a\nb"))), "|-\n  a\n  b\n");
    }

    #[test]
    fn numbers_that_json_lacks_are_yaml() {
        let floats = [f64::NAN, f64::NEG_INFINITY, 1e300].map(|float| Tree::Leaf(Scalar::Float(float)));
        assert_eq!(write(&Tree::List(floats.into())), "- .nan\n- -.inf\n- 1.0e+300\n");
    }

    /// Texts that another reader might take for something else, or for YAML's own signs.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ -~]{0,12}",
            "[ \n\ta:#\\-'\"\\[\\]{}&*!|>%@`,?\u{e9}\u{85}\u{2028}\u{feff}\u{1f600}]{0,8}",
            "(yes|No|on|OFF|true|Null|~|y|n|<<|=|---|\\.\\.\\.|\\.inf|\\.NaN|0x1f|0b1|0o7|010|1_0|12:30|1e3|1\\.5|\\+1|2026-01-01)",
            "[a-c ]{100,200}",
            any::<String>(),
        ]
    }

    fn json_tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("finite", |float| Number::from_f64(float).map(Value::Number)),
            text().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                proptest::collection::btree_map(text(), inner, 0..5)
                    .prop_map(|map: BTreeMap<_, _>| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_written_reads_back(value in json_tree()) {
            let written = write(&tree(&value));
            let read: Value = serde_saphyr::from_str(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
            prop_assert_eq!(read, value, "{}", written);
        }

        #[test]
        fn a_text_reads_back_by_yaml_1_1(value in text(), key in text()) {
            prop_assume!(!key.is_empty());
            let written = write(&tree(&json!({"k": {key: value.clone()}})));
            let documents = yaml::parse(&written).map_err(|e| TestCaseError::fail(format!("{e:?}\n{written}")))?;
            prop_assert_eq!(documents[0][0].value.to_json(), json!(value), "{}", written);
        }
    }
}
