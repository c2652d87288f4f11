use serde_json::json;

use super::*;
use crate::environment::{
    file_format::FileFormat,
    property_sources::{Property, PropertySource},
};

/// Parses the sources from YAML, strongest first.
fn environment(sources: &[&str]) -> Environment {
    let source = |text: &&str| PropertySource {
        name: String::new(),
        source: FileFormat::Yml.parse(text.as_bytes()).unwrap().remove(0),
    };
    Environment {
        name: "shop".into(),
        profiles: vec![],
        label: None,
        version: None,
        property_sources: sources.iter().map(source).collect(),
    }
}

#[test]
fn stronger_sources_win_and_their_lists_replace_whole_lists() {
    let environment = environment(&[
        "a: {list: [x], b: strong}\n",
        "a: {list: [1, 2, {c: 3}], b: weak, d: yes}\nother: [{e: 1}, {e: 2}]\nspring.profiles: dev\n",
    ]);
    let expected = json!({"a": {"b": "strong", "d": true, "list": ["x"]}, "other": [{"e": 1}, {"e": 2}]});
    assert_eq!(json(&environment, Resolve::Yes).unwrap(), expected);
    assert_eq!(
        properties(&environment, Resolve::Yes),
        "a.b: strong\na.d: true\na.list[0]: x\nother[0].e: 1\nother[1].e: 2"
    );
    assert_eq!(
        yaml(&environment, Resolve::Yes).unwrap(),
        "a:\n  b: strong\n  d: true\n  list:\n    - x\nother:\n  - e: 1\n  - e: 2\n"
    );
}

#[test]
fn placeholders_are_replaced_on_request() {
    let environment = environment(&[
        "port: 80\nown: ${port}\nurl: 'http://${host:h}:${port}'\nkept: '\\${port}'\nquote: '\"'\nq: ${quote}\n",
    ]);
    let expected = json!({"kept": "${port}", "own": "80", "port": 80, "q": "\"", "quote": "\"", "url": "http://h:80"});
    assert_eq!(json(&environment, Resolve::Yes).unwrap(), expected);
    assert_eq!(json(&environment, Resolve::No).unwrap()["url"], "http://${host:h}:${port}");
    assert!(properties(&environment, Resolve::Yes).contains("own: 80\n"));
    assert!(properties(&environment, Resolve::No).contains("kept: \\${port}\n"));
    assert!(yaml(&environment, Resolve::Yes).unwrap().contains("own: 80\n"));
    assert!(yaml(&environment, Resolve::No).unwrap().contains("own: ${port}\n"));
}

#[test]
fn a_file_that_is_a_list_or_a_text_is_written_as_one() {
    assert_eq!(yaml(&environment(&["[a, 1]"]), Resolve::Yes).unwrap(), "- a\n- 1\n");
    assert_eq!(yaml(&environment(&["text"]), Resolve::Yes).unwrap(), "text\n");
    assert_eq!(json(&environment(&["[a, 1]"]), Resolve::Yes).unwrap(), json!({"document": ["a", 1]}));
    assert_eq!(yaml(&environment(&["document: 1\nb: 2"]), Resolve::Yes).unwrap(), "b: 2\ndocument: 1\n");
}

#[test]
fn an_empty_environment_is_written_as_empty() {
    let nothing = environment(&[]);
    assert_eq!(properties(&nothing, Resolve::Yes), "");
    assert_eq!(yaml(&nothing, Resolve::Yes).unwrap(), "{}\n");
    assert_eq!(json(&nothing, Resolve::Yes).unwrap(), json!({}));
}

#[test]
fn a_malformed_key_is_an_error_except_in_properties() {
    let mut environment = environment(&["a: 1"]);
    environment.property_sources[0].source.push(Property {
        key: "b[4000000000]".into(),
        value: Scalar::Bool(true),
        at: None,
    });
    let malformed = EnvironmentError::MalformedKey("b[4000000000]".into());
    assert_eq!(json(&environment, Resolve::Yes), Err(malformed.clone()));
    assert_eq!(yaml(&environment, Resolve::Yes), Err(malformed));
    assert_eq!(properties(&environment, Resolve::Yes), "a: 1\nb[4000000000]: true");
}
