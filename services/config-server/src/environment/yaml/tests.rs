use std::fmt::Write;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn flat(document: &Document) -> Value {
    let values = document.iter().map(|property| (property.key.clone(), property.value.to_json()));
    Value::Object(values.collect::<Map<_, _>>())
}

fn one(text: &str) -> Value {
    let documents = parse(text).unwrap();
    assert_eq!(documents.len(), 1, "{text}");
    flat(&documents[0])
}

#[test]
fn maps_and_lists_are_flattened() {
    let text = "a:\n  b: 1\n  c: [x, {d: true}, [1.5, 2]]\n  e: []\n  f: {}\n  g:\n  h: ~\n'i.j': k\n'[/x/**]': l\nm: {'[n o]': p, q/r: s}\n";
    let expected = json!({
        "a.b": 1, "a.c[0]": "x", "a.c[1].d": true, "a.c[2][0]": 1.5, "a.c[2][1]": 2, "a.e": "", "a.f": "", "a.g": "",
        "a.h": "", "i.j": "k", "[/x/**]": "l", "m[n o]": "p", "m.q/r": "s",
    });
    assert_eq!(one(text), expected);
}

#[test]
fn files_of_any_editor_are_read() {
    let text = "%YAML 1.1\r\n---\r\na: on   # c\r\nb:\r\n- 'x'\r\n- two\r\n  lines\r\nc: >-\r\n  d\r\n  e\r\nurl: http://h:80/#f\r\n";
    assert_eq!(one(text), json!({"a": true, "b[0]": "x", "b[1]": "two lines", "c": "d e", "url": "http://h:80/#f"}));
}

#[test]
fn keys_that_are_not_texts_are_in_brackets() {
    let expected = json!({"[8080]": "a", "b[true]": "c", "b[8]": "d", "b.9": "e", "b.yes": "f"});
    assert_eq!(one("8080: a\nb:\n  on: c\n  010: d\n  '9': e\n  'yes': f\n"), expected);
}

#[test]
fn quotes_and_tags_decide_the_type_of_a_scalar() {
    let text = "a: 'yes'\nb: \"010\"\nc: |\n  1\nd: !!str 1\ne: !!int '7'\nf: !!float 1\ng: ! 1\nh: !!bool 'on'\ni: '{cipher}x'\nj: 2026-11-22\n";
    let expected = json!({
        "a": "yes", "b": "010", "c": "1\n", "d": "1", "e": 7, "f": 1.0, "g": "1", "h": true, "i": "{cipher}x",
        "j": "2026-11-22",
    });
    assert_eq!(one(text), expected);
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\none: {<<: *b, x: 9}\nboth:\n  <<: [*b, *m]\nlist: &l [1]\nagain: *l\nquoted: {'<<': 5}\n";
    let all = one(text);
    let expected = json!({
        "one.x": 9, "one.y": 2, "both.x": 1, "both.y": 2, "both.z": 4, "again[0]": 1, "quoted.<<": 5,
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(all[key], *value, "{key}");
    }
}

#[test]
fn documents_are_separate_and_empty_ones_are_omitted() {
    let documents = parse("---\na: 1\n---\n# nothing\n---\n{}\n---\na: 2\n...\n").unwrap();
    assert_eq!(documents.iter().map(flat).collect::<Vec<_>>(), [json!({"a": 1}), json!({"a": 2})]);
    assert!(parse("").unwrap().is_empty());
}

#[test]
fn a_root_that_is_not_a_map_is_the_document() {
    assert_eq!(one("- a\n- b: c\n"), json!({"document[0]": "a", "document[1].b": "c"}));
    assert_eq!(one("just text"), json!({"document": "just text"}));
}

#[test]
fn the_last_of_two_spellings_of_a_key_wins() {
    assert_eq!(one("a.b: 1\na:\n  b: 2\n"), json!({"a.b": 2}));
}

#[test]
fn values_have_their_positions() {
    let documents = parse("a:\n  b: 1\n  c:\n    - x\n").unwrap();
    let positions: Vec<_> = documents[0].iter().map(|p| (p.at.unwrap().line, p.at.unwrap().column)).collect();
    assert_eq!(positions, [(2, 6), (4, 7)]);
}

#[test]
fn errors_have_the_line_of_the_mistake() {
    for (text, line) in [
        ("a: 1\nb: [", 2),
        ("a: 1\na: 2\n", 2),
        ("a: 1\n'a': 2\n", 2),
        ("a: 1\nb: *none\n", 2),
        ("a: &x\n  b: *x\n", 2),
        ("a: 1\nb: !java.util.Date x\n", 2),
        ("a: 1\nb: !!javax.script.Manager [x]\n", 2),
        ("a: 1\nb: !!int x\n", 2),
        ("a: 1\n[b]: 2\n", 2),
        ("a: 1\n<<: 2\n", 2),
        ("a: 1\n~: 2\n", 2),
        ("a: 1\n@x: 2\n", 2),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.line, Some(line), "{text}: {error:?}");
    }
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut empty = "a0: &a0 []\n".to_owned();
    let mut merges = "a0: &a0 {x: 1}\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        for text in [&mut bomb, &mut empty] {
            writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
        }
    }
    writeln!(merges, "b: {{<<: [{}]}}", vec!["*a0"; 200_000].join(", ")).unwrap();
    for text in [bomb, empty, merges] {
        assert_eq!(parse(&text).unwrap_err().cause, TOO_LARGE);
    }
    let texts = format!("a: &a {}\nb: [{}]\n", "x".repeat(10_000), vec!["*a"; 50_000].join(", "));
    assert_eq!(parse(&texts).unwrap_err().cause, TOO_LARGE);
    let documents = "a: &a xxxxxxxxxx\nb: [*a, *a]\n---\n".repeat(100_000);
    assert_eq!(parse(&documents).unwrap_err().cause, TOO_LARGE);
}

#[test]
fn nesting_through_aliases_is_bounded() {
    let mut chain = "a0: &a0 [x]\n".to_owned();
    for level in 1..5000 {
        writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    assert!(parse(&chain).unwrap_err().cause.contains("nested"));
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&"- ".repeat(100_000)).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_number_makes_the_reader_panic(text in "[-+]?(0x|0b|0)?[0-9a-f_:.eE+-]{0,50}") {
        let _ = plain::resolve(&text);
    }
}
