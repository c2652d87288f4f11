use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::environment::{body::BodyVersion, scalar::Scalar};

fn read_files(files: &[(&str, &str)], apps: &str, profiles: &str) -> Result<Environment, EnvironmentError> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    let snapshot = Snapshot::in_memory("mem:", files).with_folder("sub");
    let split = |list: &str| list.split(',').map(str::to_owned).collect::<Vec<_>>();
    read(&snapshot, &Query { applications: &split(apps), profiles: &split(profiles), label: Some("main") })
}

/// Returns the names of the sources, strongest first, without their common prefix.
fn order(files: &[&str], apps: &str, profiles: &str) -> Vec<String> {
    let contents = |path: &str| match path.rsplit_once('.').unwrap().1 {
        "xml" => "<properties><entry key=\"a\">1</entry></properties>",
        "properties" => "a=1",
        _ => "a: 1",
    };
    let files: Vec<_> = files.iter().map(|path| (*path, contents(path))).collect();
    let environment = read_files(&files, apps, profiles).unwrap();
    let name = |source: &PropertySource| source.name.strip_prefix("mem:/").unwrap().to_owned();
    environment.property_sources.iter().map(name).collect()
}

#[test]
fn stronger_files_come_first() {
    type Case = (&'static str, &'static str, &'static str, &'static [&'static str]);
    let cases: &[Case] = &[
        (
            "the example of the protocol",
            "shop",
            "dev,db",
            &[
                "shop-db.yml",
                "application-db.yml",
                "shop-dev.yml",
                "application-dev.yml",
                "shop.yml",
                "application.yml",
            ],
        ),
        (
            "a profile before application and folder",
            "shop",
            "dev",
            &["application-dev.yml", "sub/shop.yml", "sub/application.yml", "shop.yml", "application.yml"],
        ),
        (
            "a folder before the application",
            "shop",
            "dev",
            &["sub/application-dev.yml", "shop-dev.yml", "sub/application.yml", "shop.yml"],
        ),
        (
            "the last application",
            "a,b",
            "dev",
            &["b-dev.yml", "a-dev.yml", "application-dev.yml", "b.yml", "a.yml", "application.yml"],
        ),
        (
            "kinds of one stem",
            "shop",
            "dev",
            &["shop.properties", "shop.xml", "shop.yml", "shop.yaml", "application.properties"],
        ),
        ("the profile default", "shop", "default", &["shop-default.yml", "application-default.yml", "shop.yml"]),
        ("the shared files alone", "application", "dev", &["application-dev.yml", "application.yml"]),
        ("a repeated name", "a,b,a", "x,y,x", &["a-x.yml", "a-y.yml", "a.yml", "b.yml"]),
    ];
    for (why, apps, profiles, expected) in cases {
        let mut shuffled = expected.to_vec();
        shuffled.sort_unstable();
        shuffled.extend(["other.yml", "shop-other.yml", "shop.json", "sub/other.yml"]);
        assert_eq!(order(&shuffled, apps, profiles), *expected, "{why}");
    }
}

#[test]
fn an_unknown_application_has_the_shared_files() {
    assert_eq!(order(&["application.yml"], "unknown", "dev"), ["application.yml"]);
    assert!(order(&["shop.yml"], "unknown", "dev").is_empty());
}

#[test]
fn later_documents_are_stronger_and_conditional_ones_keep_their_place() {
    let text =
        "a: 1\n---\nspring.config.activate.on-profile: dev\na: 2\n---\na: 3\n---\nspring:\n  profiles: '!dev'\na: 4\n";
    let properties = "b=1\n#---\nspring.config.activate.on-profile=dev | db\nb=2\n";
    let files = [("shop.yml", text), ("shop.properties", properties), ("application-dev.yml", "c: 1")];
    let names = |profiles: &str| {
        let environment = read_files(&files, "shop", profiles).unwrap();
        environment.property_sources.iter().map(|source| source.name.replace("mem:/", "")).collect::<Vec<_>>()
    };
    assert_eq!(
        names("dev"),
        [
            "application-dev.yml",
            "shop.properties (document #1)",
            "shop.properties (document #0)",
            "shop.yml (document #2)",
            "shop.yml (document #1)",
            "shop.yml (document #0)",
        ]
    );
    assert_eq!(
        names("default"),
        ["shop.properties (document #0)", "shop.yml (document #3)", "shop.yml (document #2)", "shop.yml (document #0)"]
    );
}

#[test]
fn a_file_of_one_profile_has_no_conditional_documents() {
    let text = "a: 1\n---\nspring.config.activate.on-profile: db\na: 2\n";
    let error = read_files(&[("shop-dev.yml", text)], "shop", "dev").unwrap_err();
    assert!(error.to_string().starts_with("mem:/shop-dev.yml: a file of one profile"), "{error}");
    assert!(read_files(&[("shop-dev.yml", text)], "shop", "db").is_ok());
}

#[test]
fn a_broken_file_fails_the_request_with_its_name_and_line() {
    for (path, text, line) in [
        ("shop.yml", "a: 1\na: top secret\n", 2),
        ("application-dev.properties", "a=\\u00\n", 1),
        ("shop.xml", "<properties>\n<entry/></properties>", 2),
        ("shop.yml", "a: 1\n---\nspring.profiles: a &\n", 3),
    ] {
        let error = read_files(&[(path, text)], "shop", "dev").unwrap_err();
        assert!(error.to_string().starts_with(&format!("mem:/{path}, line {line}: ")), "{error}");
        assert!(!error.to_string().contains("secret"));
        assert!(read_files(&[(path, text)], "other", "db").is_ok() || path.starts_with("application"));
    }
}

#[test]
fn the_request_is_echoed() {
    let environment = read_files(&[("shop.yml", "a: 1\nb: yes")], "shop,cart", "dev,db").unwrap();
    let json: Value = serde_json::from_str(&environment.body(BodyVersion::V1).unwrap()).unwrap();
    assert_eq!((&json["name"], &json["profiles"]), (&json!("shop,cart"), &json!(["dev", "db"])));
    assert_eq!((&json["label"], &json["version"]), (&json!("main"), &Value::Null));
    assert_eq!(json["propertySources"], json!([{"name": "mem:/shop.yml", "source": {"a": 1, "b": true}}]));
    assert_eq!(environment.get("a"), Some(&Scalar::Integer(1)));
}

#[test]
fn a_request_for_very_many_files_is_refused() {
    let many = (0..200).map(|number| format!("n{number}")).collect::<Vec<_>>().join(",");
    let error = read_files(&[], &many, &many).unwrap_err();
    assert!(matches!(error, EnvironmentError::TooManyFiles { .. }));
}

#[test]
fn a_name_that_leaves_the_location_finds_nothing() {
    let found = read_files(&[("shop.yml", "a: 1")], "../shop", "dev");
    assert!(matches!(found, Err(EnvironmentError::Backend(_))) || found.is_ok_and(|e| e.property_sources.is_empty()));
}

#[test]
fn other_files_are_not_parsed() {
    let names: Vec<_> = (0..10_000).map(|number| format!("service{number}.yml")).collect();
    let files: Vec<_> = names.iter().map(|name| (name.as_str(), "a: [broken")).collect();
    assert!(read_files(&files, "shop", "dev,db").unwrap().property_sources.is_empty());
}

proptest! {
    #[test]
    fn no_file_makes_reading_and_writing_panic(
        yml in "([ab]: |- |\n|---\n|  |[\\[\\]{}&*!'\".$:0-9ab]|\\$\\{|spring.profiles: ){0,40}",
        properties in "([ab.\\[\\]0-9]|=|\n|\\$\\{|#---\n|\\\\){0,60}",
    ) {
        use crate::environment::format::{self, Resolve};
        if let Ok(environment) = read_files(&[("shop.yml", &yml), ("shop.properties", &properties)], "shop", "dev") {
            for resolve in [Resolve::Yes, Resolve::No] {
                let _ = format::properties(&environment, resolve);
                let _ = format::json(&environment, resolve);
                let _ = format::yaml(&environment, resolve);
            }
        }
    }
}
