use std::{collections::BTreeSet, fs};

use serde_json::{Map, Value};

use super::*;

fn links() -> Links {
    Links::new("http://localhost:8080").unwrap()
}

fn sample(kind: Kind) -> Map<String, Value> {
    samples().unwrap().remove(kind.name()).unwrap().remove(0)
}

/// Returns the error of loading when `files` replace built-in templates.
fn mistakes(files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    match Templates::load("Souk", &links(), Some(folder.path())) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_kind_has_its_templates_and_samples() {
    let names: BTreeSet<String> = built_in().into_keys().collect();
    let samples = samples().unwrap();
    for kind in Kind::ALL {
        let wanted: &[&str] = if kind.is_mailed() { &SUFFIXES } else { &SUFFIXES[..2] };
        for suffix in wanted {
            assert!(names.contains(&format!("{}.{suffix}", kind.name())), "{}.{suffix}", kind.name());
        }
        assert!(!samples[kind.name()].is_empty(), "{}", kind.name());
    }
    Templates::load("Souk", &links(), None).unwrap();
}

#[test]
fn variables_are_escaped_in_html_only() {
    let templates = Templates::load("Fish & Chips", &links(), None).unwrap();
    let mut facts = sample(Kind::BackInStock);
    facts.insert("name".to_owned(), Value::from("Ada"));
    facts.insert("link".to_owned(), Value::from("http://localhost:8080/"));
    facts["product"]["name"] = Value::from("<b>Kettle</b>\r\nBcc: x@example.org");
    let bodies = templates.bodies(Kind::BackInStock, &facts).unwrap();
    assert!(bodies.html.contains("&lt;b&gt;Kettle") && !bodies.html.contains("<b>Kettle"), "{}", bodies.html);
    assert!(bodies.html.contains("Fish &amp; Chips"));
    assert!(bodies.text.contains("<b>Kettle</b>"));
    assert!(!templates.subject(Kind::BackInStock, &facts).unwrap().contains('\n'), "a subject is one line");
}

#[test]
fn a_file_of_the_folder_replaces_one_template() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("welcome.subject"), "Willkommen bei {{ shop.name }}").unwrap();
    fs::write(folder.path().join("README.md"), "not a template").unwrap();
    let templates = Templates::load("Souk", &links(), Some(folder.path())).unwrap();
    assert_eq!(templates.subject(Kind::Welcome, &sample(Kind::Welcome)).unwrap(), "Willkommen bei Souk");
    assert!(templates.subject(Kind::OrderPaid, &sample(Kind::OrderPaid)).unwrap().contains("payment"));
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let error = mistakes(&[("order_paid.txt", "one\ntwo {% if %}\n")]);
    assert!(error.contains("order_paid.txt, line 2: syntax error"), "{error}");
    let error = mistakes(&[("order_paid.html", "one\n\n{{ order.totel }}\n")]);
    assert!(error.contains("order_paid.html, line 3: undefined value"), "{error}");
    let error = mistakes(&[("layout.txt", "{% block body %}{% endblock %}\n{{ shop.nam }}")]);
    assert!(error.contains("layout.txt, line 2"), "{error}");
    let error = mistakes(&[("welcome.notice", "Dear {{ name }}")]);
    assert!(error.contains("welcome.notice, line 1"), "a notice in the shop does not know its owner's name: {error}");
    let error = mistakes(&[("welcome.notice", "{{ shop.name | shout }}"), ("order_payed.txt", "x")]);
    assert!(error.contains("order_payed.txt: there is no template of this name"), "{error}");
    let error = mistakes(&[("order_confirmed.notice", "{{ order.pay_by | date_time('%Q') }}")]);
    assert!(error.contains("order_confirmed.notice, line 1"), "{error}");
    assert!(Templates::load("Souk", &links(), Some(Path::new("/nowhere/at/all"))).is_err());
}

#[test]
fn text_is_normalized() {
    assert_eq!(normalized("\n\na  \n\n\n\nb\n\n"), "a\n\nb\n");
}
