use proptest::prelude::*;

use super::*;
use crate::environment::property_sources::{Property, PropertySource};

fn environment(sources: &[&[(&str, &str)]]) -> Environment {
    let source = |values: &&[(&str, &str)]| PropertySource {
        name: String::new(),
        source: values
            .iter()
            .map(|(key, text)| Property { key: (*key).into(), value: Scalar::Text((*text).into()), at: None })
            .collect(),
    };
    Environment {
        name: String::new(),
        profiles: vec![],
        label: None,
        version: None,
        property_sources: sources.iter().map(source).collect(),
    }
}

fn resolve(environment: &Environment, text: &str) -> String {
    Placeholders::of(environment).resolve(text)
}

#[test]
fn placeholders_are_replaced() {
    let environment = environment(&[
        &[("host", "db"), ("url", "http://${host}:${port:80}/"), ("which", "host"), ("a:b", "colon"), ("empty", "")],
        &[("host", "weaker"), ("self", "<${self}>"), ("ping", "${pong}"), ("pong", "${ping}")],
    ]);
    for (text, expected) in [
        ("none", "none"),
        ("${host}", "db"),
        ("a ${host} b ${host}", "a db b db"),
        ("${url}", "http://db:80/"),
        ("${${which}}", "db"),
        ("${missing:${host}}", "db"),
        ("${missing:${none:x}}", "x"),
        ("${missing:}", ""),
        ("${empty:x}", ""),
        ("${missing}", "${missing}"),
        ("${${missing}}", "${${missing}}"),
        ("${mis ${host}", "${mis ${host}"),
        ("${missing:a:b}", "a:b"),
        ("${a:b}", "colon"),
        ("${missing:{x}}", "{x}"),
        (r"\${host} ${host}", "${host} db"),
        ("${self}", "<${self}>"),
        ("${ping}", "${ping}"),
        ("${}", "${}"),
        ("$ {host} $host {host}", "$ {host} $host {host}"),
        ("${", "${"),
        ("\u{e9}${host}\u{e9}", "\u{e9}db\u{e9}"),
    ] {
        assert_eq!(resolve(&environment, text), expected, "{text}");
    }
}

#[test]
fn a_chain_that_is_too_deep_is_left_unchanged() {
    let links: Vec<_> = (0..100).map(|link| (format!("k{link}"), format!("${{k{}}}", link + 1))).collect();
    let links: Vec<_> = links.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert!(resolve(&environment(&[&links]), "${k0}").starts_with("${k"));
}

#[test]
fn values_that_multiply_are_bounded() {
    for payload in ["", "some text"] {
        let bomb: Vec<_> =
            (0..30).map(|level| (format!("k{level}"), format!("${{k{}}}", level + 1).repeat(10))).collect();
        let mut bomb: Vec<_> = bomb.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        bomb.push(("k30", payload));
        assert!(resolve(&environment(&[&bomb]), "${k0}").len() < 2 * MAX_BYTES);
    }
}

#[test]
fn braces_that_are_never_closed_take_little_time() {
    let text = "${".repeat(200_000);
    assert_eq!(resolve(&environment(&[]), &text), text);
}

proptest! {
    #[test]
    fn no_text_makes_the_resolver_panic(text in "(\\$\\{|[}{:\\\\$ab\u{e9}]){0,60}", value in "(\\$\\{|[}{:\\\\$ab]){0,20}") {
        let _ = resolve(&environment(&[&[("a", &value), ("b", "${a}")]]), &text);
    }
}
