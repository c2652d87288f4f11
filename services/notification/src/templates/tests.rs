use std::{fmt::Write as _, fs};

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
    fs::create_dir(folder.path().join("de")).unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    match Templates::load("Souk", &links(), Some(folder.path())) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

/// Returns the words of an HTML text, block by block.
fn words(html: &str) -> String {
    let body = html.split_once("<body").unwrap().1;
    let mut text = String::new();
    for part in body.split('<').skip(1) {
        let (tag, words) = part.split_once('>').unwrap();
        let is_inline =
            ["strong", "/strong", "s ", "/s", "span", "/span", "a ", "/a"].iter().any(|name| tag.starts_with(name));
        text.push_str(if is_inline { "" } else { "\n" });
        text.push_str(words);
    }
    normalized(&text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
}

/// A text that is missing or wrong in one of the languages shows here, for every kind and every branch of its templates.
#[test]
fn every_kind_reads_well_in_every_language() {
    let templates = Templates::load("Souk", &links(), None).unwrap();
    let samples = samples().unwrap();
    for language in Language::ALL {
        for kind in Kind::ALL {
            let mut text = String::new();
            for facts in &samples[kind.name()] {
                let notice = templates.notice(kind, facts).unwrap();
                let NoticeText { title, body } = notice.get(language);
                writeln!(text, "== {title}\n{body}").unwrap();
                if kind.is_mailed() {
                    let mail = templates.mail(language, kind, &as_mailed(facts)).unwrap();
                    assert_eq!(mail.subject, *title);
                    assert!(mail.html.contains(&format!("<html lang=\"{}\">", language.code())), "{}", mail.html);
                    writeln!(text, "-- text\n{}-- html\n{}", mail.text, words(&mail.html)).unwrap();
                }
            }
            insta::assert_snapshot!(format!("{}_{}", kind.name(), language.code()), text);
        }
    }
}

#[test]
fn no_text_is_left_untranslated() {
    let (english, german) = (built_in(Language::English), built_in(Language::German));
    assert_eq!(english.keys().collect::<Vec<_>>(), german.keys().collect::<Vec<_>>());
    for (name, source) in &english {
        let is_shared = name == built_in::SHARED.0;
        assert_eq!(source.text == german[name].text, is_shared, "{name}");
    }
    for kind in Kind::ALL {
        assert!(!samples().unwrap()[kind.name()].is_empty(), "{}", kind.name());
        for language in Language::ALL {
            assert_eq!(built_in::sources(language, kind).mail.is_some(), kind.is_mailed(), "{}", kind.name());
        }
    }
}

#[test]
fn variables_are_escaped_in_html_only() {
    let templates = Templates::load("Fish & Chips", &links(), None).unwrap();
    let mut facts = sample(Kind::BackInStock);
    facts["product"]["name"] = Value::from("<b>Kettle</b>\r\nBcc: x@example.org");
    for language in Language::ALL {
        let mail = templates.mail(language, Kind::BackInStock, &as_mailed(&facts)).unwrap();
        assert!(mail.html.contains("&lt;b&gt;Kettle") && !mail.html.contains("<b>Kettle"), "{}", mail.html);
        assert!(mail.html.contains("Fish &amp; Chips"));
        assert!(mail.text.contains("<b>Kettle</b>"));
        assert!(!mail.subject.contains(['\r', '\n']), "a subject is one line");
    }
}

#[test]
fn a_file_of_the_folder_replaces_one_template_of_one_language() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("de")).unwrap();
    let with_file = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        Templates::load("Souk", &links(), Some(folder.path())).unwrap()
    };
    with_file("README.md", "not a template");
    let templates = with_file("welcome.subject", "Hello from {{ shop.name }}");
    let title = |templates: &Templates, language, kind| {
        templates.notice(kind, &sample(kind)).unwrap().get(language).title.clone()
    };
    assert_eq!(title(&templates, Language::English, Kind::Welcome), "Hello from Souk");
    assert_eq!(title(&templates, Language::German, Kind::Welcome), "Willkommen bei Souk");
    assert!(title(&templates, Language::English, Kind::OrderPaid).contains("payment"));
    let templates = with_file("de/welcome.subject", "Grüezi bei {{ shop.name }}");
    assert_eq!(title(&templates, Language::English, Kind::Welcome), "Hello from Souk");
    assert_eq!(title(&templates, Language::German, Kind::Welcome), "Grüezi bei Souk");
    with_file("_greeting.txt", "Hello {{ name }}!");
    with_file("de/_greeting.txt", "Grüezi {{ name }}!");
    with_file("layout.txt", "{% include \"_greeting.txt\" %}");
    with_file("de/layout.txt", "{% include \"_greeting.txt\" %}");
    let templates = with_file("base.html", "<html lang=\"{{ language }}\">{% block greeting %}{% endblock %}");
    let mail = |language| templates.mail(language, Kind::Welcome, &as_mailed(&sample(Kind::Welcome))).unwrap();
    let (english, german) = (mail(Language::English), mail(Language::German));
    assert_eq!((english.text.as_str(), english.html.as_str()), ("Hello Ada!\n", "<html lang=\"en\">Hello Ada,\n"));
    assert_eq!((german.text.as_str(), german.html.as_str()), ("Grüezi Ada!\n", "<html lang=\"de\">Guten Tag Ada,\n"));
}

#[test]
fn a_mail_that_an_earlier_release_queued_is_rendered() {
    let templates = Templates::load("Souk", &links(), None).unwrap();
    let mut facts = as_mailed(&sample(Kind::PaymentRefunded));
    facts.insert("amount".to_owned(), Value::from("39.98 EUR"));
    assert_eq!(
        templates.mail(Language::German, Kind::PaymentRefunded, &facts).unwrap().subject,
        "Wir haben Ihnen 39.98 EUR erstattet"
    );
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    let error = mistakes(&[("order_paid.txt", "one\ntwo {% if %}\n")]);
    assert!(error.contains("order_paid.txt, line 2: syntax error"), "{error}");
    let error = mistakes(&[("order_paid.html", "one\n\n{{ order.totel }}\n")]);
    assert!(error.contains("order_paid.html, line 3: undefined value"), "{error}");
    let error = mistakes(&[("de/order_paid.html", "\n{{ order.totel }}\n"), ("de/order_payed.txt", "x")]);
    assert!(error.contains("de/order_payed.txt: there is no template of this name"), "{error}");
    let error = mistakes(&[("de/order_paid.html", "\n{{ order.totel }}\n")]);
    assert!(error.contains("de/order_paid.html, line 2: undefined value"), "{error}");
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
    assert_eq!(one_line(" a\n\t b 19,99\u{a0}€\u{2028}c\n"), "a b 19,99\u{a0}€ c");
    assert_eq!(normalized("\n\na  \n\n\n\nb\n\n"), "a\n\nb\n");
}
