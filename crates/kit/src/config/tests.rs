//! Layers of a configuration and how they combine.

use serde::Deserialize;
use serde_json::json;
use souk_values::Secret;

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    store_url: String,
    pay_within_seconds: u64,
    admin_password: Secret,
    peers: Vec<String>,
}

fn env(pairs: &[(&str, &str)]) -> Sources {
    Sources::default().with_env(pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())))
}

#[test]
fn every_spelling_is_read_and_later_sources_win() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("application.yml"), "order:\n  store-url: a\n  payWithinSeconds: 5\n").unwrap();
    std::fs::write(folder.path().join("order.yml"), "order:\n  storeUrl: b\n").unwrap();
    let sources = Sources::default().with_files(folder.path(), &["order"]).unwrap().with_env([
        ("SOUK_ORDER__ADMIN_PASSWORD".to_owned(), "12345".to_owned()),
        ("SOUK_ORDER__PEERS".to_owned(), "one, two".to_owned()),
    ]);
    let config: Config = sources.section("order").unwrap();
    assert_eq!((config.store_url.as_str(), config.pay_within_seconds), ("b", 5));
    assert_eq!(config.admin_password.expose(), "12345");
    assert_eq!(config.peers, ["one", "two"]);
}

#[test]
fn all_mistakes_are_reported_together() {
    let sources = env(&[
        ("SOUK_ORDER__STORE_URI", "x"),
        ("SOUK_ORDER__PAY_WITHIN_SECONDS", "soon"),
        ("SOUK_ORDER__COLOUR", "red"),
        ("SOUK_CART__ANYTHING", "is another section's"),
    ]);
    let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
    assert_eq!(mistakes.len(), 3, "{mistakes:?}");
    let text = mistakes.join("\n");
    assert!(text.contains("order.store-uri") && text.contains("order.colour"), "{text}");
    assert!(text.contains("order.pay-within-seconds"), "{text}");
}

fn flat(origin: &str, pairs: &[(&str, Value)]) -> Sources {
    Sources::default().with_properties(origin, pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())))
}

#[test]
fn every_value_knows_where_it_is_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("order.yml"), "order:\n  store-url: a\n  peers: [one, two]\n").unwrap();
    let sources = Sources::default()
        .with_files(folder.path(), &["order"])
        .unwrap()
        .then(&flat("http://config:8888 order.yml", &[("order.pay-within-seconds", json!(5))]))
        .then(&env(&[("SOUK_ORDER__STORE_URL", "b")]))
        .with_from("--colour", "order", "colour", "red");
    let file = folder.path().join("order.yml").display().to_string();
    assert_eq!(sources.origin_of("order", "store-url"), Some("SOUK_ORDER__STORE_URL in the environment"));
    assert_eq!(sources.origin_of("order", "peers[1]"), Some(file.as_str()));
    assert_eq!(sources.origin_of("order", "payWithinSeconds"), Some("http://config:8888 order.yml"));
    assert_eq!(sources.origin_of("order", "colour"), Some("--colour"));
    assert_eq!(sources.origin_of("order", "admin-password"), None);
    assert_eq!(sources.origin_of("order", "peers[2]"), None);
    let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
    assert!(mistakes.len() == 1 && mistakes[0].starts_with("order.colour: unknown field"), "{mistakes:?}");
    assert!(mistakes[0].ends_with("(--colour)"), "{mistakes:?}");
}

#[test]
fn a_stronger_source_replaces_lists_whole_and_merges_mappings() {
    let weak = flat(
        "weak",
        &[("order.peers[0]", json!("a")), ("order.peers[1]", json!("b")), ("order.store-url", json!("x"))],
    );
    let sources = weak.then(&flat("strong", &[("order.peers[0]", json!("c")), ("order", json!(""))]));
    let config: Config = sources.section("order").unwrap();
    assert_eq!((config.peers, config.store_url.as_str()), (vec!["c".to_owned()], "x"));
    let emptied: Config = sources.then(&flat("", &[("order.peers", json!(""))])).section("order").unwrap();
    assert!(emptied.peers.is_empty());
    let one: Config = env(&[("SOUK_ORDER__PEERS", "one")]).section("order").unwrap();
    assert_eq!(one.peers, ["one"]);
}

#[test]
fn items_of_a_list_in_the_environment_replace_a_weaker_list_together() {
    let weak =
        flat("weak", &[("t.rows[0].id", json!("a")), ("t.rows[1].id", json!("b")), ("t.rows[2].id", json!("c"))]);
    let variables = env(&[
        ("SOUK_T__ROWS__1__ID", "e"),
        ("SOUK_T__ROWS__0__ID", "d"),
        ("SOUK_T__ROWS__0__TAGS__0", "x"),
        ("SOUK_T__ROWS__0__TAGS__1", "y"),
    ]);
    let tree: Value = weak.then(&variables).section("t").unwrap();
    assert_eq!(tree, json!({"rows": [{"id": "d", "tags": ["x", "y"]}, {"id": "e"}]}));
    let ConfigError(mistakes) = env(&[("SOUK_T__ROWS__1__ID", "e")]).section::<Value>("t").unwrap_err();
    assert_eq!(mistakes, ["t.rows: there are later items, but no [0]"]);
}

#[test]
fn texts_of_properties_fit_at_any_depth() {
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Table {
        rows: Vec<Row>,
    }
    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Row {
        id: String,
        order: i32,
        is_on: bool,
    }
    let right =
        flat("x", &[("t.rows[0].order", json!("3")), ("t.rows[0].isOn", json!("true")), ("t.rows[0].id", json!("7"))]);
    let table: Table = right.section("t").unwrap();
    assert_eq!((table.rows[0].order, table.rows[0].is_on, table.rows[0].id.as_str()), (3, true, "7"));
    let wrong = right.then(&flat(
        "y",
        &[("t.rows[0].order", json!("soon")), ("t.rows[1].colour", json!("red")), ("t.rows[1].id", json!(1e5))],
    ));
    let (rest, mistakes) = wrong.section_and_mistakes::<Table>("t");
    assert_eq!((rest.unwrap().rows.len(), mistakes.len()), (2, 3), "{mistakes:?}");
    for part in ["t.rows[0].order: ", "t.rows[1].colour: unknown", "t.rows[1].id: a text is expected"] {
        assert!(mistakes.iter().any(|mistake| mistake.starts_with(part)), "{part}: {mistakes:?}");
    }
}

#[test]
fn placeholders_are_filled_in_from_all_sources() {
    let sources = flat(
        "file",
        &[
            ("order.store-url", json!("postgres://${db.user:souk}:${db.password}@${db.host:${fallback}}/x")),
            ("order.pay-within-seconds", json!("${times.pay}")),
            ("order.peers[0]", json!(r"\${order.colour} ${db.list[1]} ${db.list}")),
            ("order.admin-password", json!("${nobody:{\"a\":1}}")),
            ("fallback", json!("h")),
            ("times.pay", json!(60)),
            ("db.list", json!([1, 2])),
        ],
    )
    .then(&env(&[("SOUK_DB__PASSWORD", "$${not:filled}")]));
    let config: Config = sources.section("order").unwrap();
    assert_eq!(config.store_url, "postgres://souk:$${not:filled}@h/x");
    assert_eq!((config.pay_within_seconds, config.peers[0].as_str()), (60, "${order.colour} 2 1,2"));
    assert_eq!(config.admin_password.expose(), r#"{"a":1}"#);
    assert_eq!(sources.text("order", "store-url").as_deref(), Some(config.store_url.as_str()));
    assert!(sources.is_from_secret("order", "store-url") && !sources.is_from_secret("order", "peers[0]"));
    let literal: Config = env(&[("SOUK_ORDER__STORE_URL", "${x}")]).section("order").unwrap();
    assert_eq!(literal.store_url, "${x}");
}

#[test]
fn placeholders_that_lead_nowhere_are_mistakes() {
    let grows: Vec<(String, Value)> = (0..20)
        .map(|nth| (format!("grow.a{nth}"), json!(format!("${{grow.a{}}}", nth + 1).repeat(20))))
        .chain([("grow.a20".to_owned(), json!("x")), ("order.peers".to_owned(), json!("${grow.a0}"))])
        .collect();
    let deep = format!("{}x{}", "${a:".repeat(5_000), "}".repeat(5_000));
    for (text, told) in [
        ("${db.host}", "${db.host}: db.host is not set"),
        ("${order.store-url}", "order.store-url → order.store-url"),
        ("${order.peers}", "circle"),
        ("${db.host", "has no '}'"),
        ("${}", "is not set"),
        ("${services}", "not one value"),
        (deep.as_str(), "more than 32 times"),
    ] {
        let sources = flat(
            "order.yml",
            &[
                ("order.store-url", json!(text)),
                ("order.peers", json!("${order.store-url}")),
                ("services", json!({"a": "b"})),
            ],
        );
        let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
        let of_url = mistakes.iter().find(|mistake| mistake.starts_with("order.store-url: ")).unwrap();
        assert!(of_url.contains(told) || text == "${services}", "{of_url}");
        assert!(of_url.ends_with("(order.yml)"), "{of_url}");
    }
    let ConfigError(mistakes) = Sources::default().with_properties("x", grows).section::<Config>("order").unwrap_err();
    assert!(mistakes[0].contains("bytes"), "{mistakes:?}");
}

#[test]
fn what_the_server_could_not_decrypt_is_never_taken_from_elsewhere() {
    let sources = flat("weak", &[("order.admin-password", json!("weak"))]).then(&flat(
        "http://c order.yml",
        &[("invalid.order.admin-password", json!("<n/a>")), ("invalid.x.y", json!("<n/a>"))],
    ));
    let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].contains("the config server cannot decrypt order.admin-password"), "{mistakes:?}");
    assert!(mistakes[0].contains("http://c order.yml"), "{mistakes:?}");
    let refers = sources.clone().then(&flat("strong", &[("cart.store-url", json!("${order.admin-password:none}"))]));
    assert!(refers.section::<Config>("cart").is_err(), "neither the weaker value nor the default is right");
    let mended = sources.then(&env(&[("SOUK_ORDER__ADMIN_PASSWORD", "strong")]));
    assert_eq!(mended.section::<Config>("order").unwrap().admin_password.expose(), "strong");
    let left = env(&[("SOUK_ORDER__ADMIN_PASSWORD", "{cipher}00")]).section::<Config>("order").unwrap_err().to_string();
    assert!(left.contains("still encrypted") && !left.contains("{cipher}00"), "{left}");
}

#[test]
fn what_the_server_says_is_not_available_is_no_value() {
    let sources = flat("weak", &[("order.admin-password", json!("weak"))])
        .then(&flat("http://c order.yml", &[("order.admin-password", json!("<n/a>")), ("invalid.x", json!("<n/a>"))]));
    let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].contains("the config server cannot decrypt order.admin-password"), "{mistakes:?}");
    assert_eq!(env(&[("SOUK_ORDER__STORE_URL", "<n/a>")]).section::<Config>("order").unwrap().store_url, "<n/a>");
}

#[test]
fn a_secret_that_looks_like_a_placeholder_is_not_shown() {
    for secret in ["ab${heim}cd", "ab${heim", "ab${order.heim:${heim}}", "${order.admin-password}heim", "a${${heim}}"] {
        let sources = flat(
            "order.yml",
            &[
                ("order.admin-password", json!(secret)),
                ("order.store-url", json!("x:${order.admin-password}")),
                ("order.peers[0]", json!("${no.token:${heim}}")),
            ],
        );
        let ConfigError(mistakes) = sources.section::<Config>("order").unwrap_err();
        assert_eq!(mistakes.len(), 3, "{mistakes:?}");
        for mistake in mistakes {
            assert!(!mistake.contains("heim") && mistake.contains(r"write \${ for a literal ${"), "{mistake}");
        }
    }
    let error = flat("order.yml", &[("order.store-url", json!("${db.host}"))]).section::<Config>("order").unwrap_err();
    assert!(error.to_string().contains(r"db.host is not set") && error.to_string().contains(r"write \${"), "{error}");
}

#[test]
fn no_secret_is_shown_with_a_mistake() {
    let sources = flat(
        "order.yml",
        &[
            ("order.admin-password", json!(987_654)),
            ("order.pay-within-seconds", json!("${db.password}")),
            ("db.password", json!("geheim")),
        ],
    );
    let error = sources.section::<Config>("order").unwrap_err().to_string();
    assert!(!error.contains("987654") && !error.contains("geheim"), "{error}");
    assert!(error.contains("order.admin-password: a text is expected") && error.contains("not shown"), "{error}");
    let url = env(&[("SOUK_ORDER__PAY_WITHIN_SECONDS", "http://u:geheim@h")]);
    assert!(!url.section::<Config>("order").unwrap_err().to_string().contains("geheim"));
    assert!(!format!("{url:?}").contains("geheim"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("application.yml"), "order:\n  password: geheim\n  x: [1\n").unwrap();
    let broken = Sources::default().with_files(folder.path(), &[]).unwrap_err().to_string();
    assert!(broken.contains("application.yml") && !broken.contains("geheim"), "{broken}");
}

#[test]
fn what_changed_is_named_and_not_shown() {
    let old = flat(
        "a",
        &[
            ("order.storeUrl", json!("${db.host}")),
            ("order.peers", json!(["a", "b"])),
            ("order.pay-within-seconds", json!("5")),
            ("cart.gone", json!(1)),
            ("db.host", json!("one")),
        ],
    );
    let new = flat(
        "b",
        &[
            ("order.store-url", json!("${db.host}")),
            ("order.peers", json!(["a", "c", "d"])),
            ("order.pay_within_seconds", json!(5)),
            ("db.host", json!("two")),
            ("x.[A.b]", json!(true)),
        ],
    );
    let keys = ["cart.gone", "db.host", "order.peers[1]", "order.peers[2]", "order.store-url", "x[A.b]"];
    assert_eq!(old.changed_keys(&new), keys);
    assert!(old.changed_keys(&old).is_empty());
}

#[test]
fn texts_are_read_from_lists_and_numbers_too() {
    let sources =
        flat("x", &[("services.order", json!(["http://a", "http://b"])), ("services.cart", json!("${h:http://c}"))]);
    let texts = sources.texts("services");
    assert_eq!(texts["order"], "http://a,http://b");
    assert_eq!(texts["cart"], "http://c");
}
