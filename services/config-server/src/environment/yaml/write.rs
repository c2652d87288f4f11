//! Writes YAML in block style that readers of YAML 1.1 and of 1.2 read back unchanged.

use serde_saphyr::ser::Error;

use crate::environment::format::tree::Tree;

pub(crate) fn write(tree: &Tree) -> Result<String, Error> {
    let options = serde_saphyr::ser_options! {
        compact_list_indent: false,
        // A long text stays on its line, whose spaces a folded one would leave to the reader.
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(tree, options)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::{Number, Value, json};

    use super::*;
    use crate::environment::{scalar::Scalar, yaml};

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
            empty: \"\"\nf: 1.0\nip: \"127.0.0.1\"\n\"no\": \"no\"\n\"on\": \"'\"\ntext: |\n  one\n  two\nurl: ${a}/b\n";
        assert_eq!(write(&tree(&value)).unwrap(), expected);
    }

    #[test]
    fn a_root_that_is_not_a_map_is_written() {
        assert_eq!(write(&tree(&json!({}))).unwrap(), "{}\n");
        assert_eq!(write(&tree(&json!([1, "2"]))).unwrap(), "- 1\n- \"2\"\n");
        assert_eq!(write(&tree(&json!("a\nb"))).unwrap(), "|-\n  a\n  b\n");
    }

    #[test]
    fn numbers_that_json_lacks_are_yaml() {
        let floats = [f64::NAN, f64::NEG_INFINITY, 1e300].map(|float| Tree::Leaf(Scalar::Float(float)));
        assert_eq!(write(&Tree::List(floats.into())).unwrap(), "- .nan\n- -.inf\n- 1.0e+300\n");
    }

    #[test]
    fn a_text_that_yaml_1_1_takes_for_another_type_is_quoted() {
        let words = "~ null Null NULL yes Yes NO on Off true FALSE y N << = 0 12 -12 +1 1_000 012 0_7_ 09 0o7 0x1F -0x_ \
            0b101 1:20 -1:20:30 190:20:30.15 1.5 1. .5 1e3 1.5E-2 1_0.5_ .inf -.INF .NaN nan 2026-01-31 \
            2026-01-31T10:00:00Z --- ... #a &a *a !a %a @a `a a: [a] {a}";
        let others = ["", "2026-01-31 10:00:00", "- a", "? a", "a: b", "a #b", " a", "a "];
        let escaped = ["\u{7f}", "\u{85}", "\u{2028}", "\u{feff}", "a\u{fffe}", "a\u{ffff}b"];
        for text in words.split(' ').chain(others).chain(escaped) {
            let value = write(&tree(&json!({"k": text, "l": [text]}))).unwrap();
            assert!(value.starts_with("k: \"") && value.contains("- \""), "{value}");
            let key = write(&tree(&json!({text: 1}))).unwrap();
            assert!(key.starts_with('"'), "{key}");
        }
    }

    /// Generates texts that a reader could take for other types, or for the signs of YAML.
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
        fn documents_read_back_unchanged(value in json_tree()) {
            let written = write(&tree(&value)).unwrap();
            let read: Value = serde_saphyr::from_str(&written).map_err(|e| TestCaseError::fail(format!("{e}\n{written}")))?;
            prop_assert_eq!(read, value, "{}", written);
        }

        #[test]
        fn a_text_reads_back_by_yaml_1_1(value in text(), key in text()) {
            prop_assume!(!key.is_empty());
            let written = write(&tree(&json!({"k": {key: value.clone()}}))).unwrap();
            let documents = yaml::parse(&written).map_err(|e| TestCaseError::fail(format!("{e:?}\n{written}")))?;
            prop_assert_eq!(documents[0][0].value.to_json(), json!(value), "{}", written);
        }
    }
}
