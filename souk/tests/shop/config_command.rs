//! `souk config`: values with their origin, and `{cipher}` values.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::process::BINARY;

/// Runs `souk config` without the `SOUK_*` variables of the test's own environment.
fn souk_config(args: &[&str], data: Option<&Path>, variables: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("config").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SOUK_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns a folder as a shop leaves it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let secrets = r#"{"serviceSecret": "geheim1", "webhookSecret": "geheim2",
                      "configKey": "0123456789abcdef0123456789abcdef"}"#;
    std::fs::write(folder.path().join("secrets.json"), secrets).unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    folder
}

#[test]
fn values_are_shown_with_their_origin_and_secrets_are_hidden() {
    let folder = folder();
    let encrypted = souk_config(&["encrypt"], Some(folder.path()), &[], "geheim4\n");
    let cipher = text(&encrypted.stdout).trim().to_owned();
    assert!(cipher.starts_with("{cipher}") && !cipher.contains("geheim"), "{cipher} {}", text(&encrypted.stderr));
    let decrypted = souk_config(&["decrypt", "-"], Some(folder.path()), &[], &cipher);
    assert_eq!(text(&decrypted.stdout), "geheim4\n");

    let file = format!("auth:\n  admin-email: ${{people.boss:boss}}@example.org\n  admin-password: '{cipher}'\n");
    std::fs::write(folder.path().join("config/auth.yml"), file).unwrap();
    let environment =
        [("SOUK_AUTH__STORE_URL", "postgres://souk:geheim3@db/auth"), ("SOUK_BUS__URL", "amqp://u:geheim5@mq")];
    let shown = souk_config(&["show", "auth", "--json"], Some(folder.path()), &environment, "");
    let report = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{report}{}", text(&shown.stderr));
    assert!(!report.contains("geheim"), "{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let row = |key: &str| {
        let rows = report["values"].as_array().unwrap();
        let row = rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key} is not in {report}"));
        (row["value"].clone(), row["origin"].as_str().unwrap().to_owned())
    };
    let (store, origin) = row("auth.store-url");
    assert_eq!(store, "postgres://souk:******@db/auth");
    assert_eq!(origin, "SOUK_AUTH__STORE_URL in the environment");
    assert_eq!(row("auth.admin-email").0, "boss@example.org");
    assert!(row("auth.admin-email").1.contains("auth.yml"), "{report}");
    assert_eq!(row("auth.admin-password").0, "******");
    assert_eq!(row("auth.trusted-proxies").1, "default");
    assert_eq!(row("bus.url").0, "******");
}

#[test]
fn mistakes_are_listed_and_the_exit_code_is_1() {
    let folder = folder();
    let text_of_file = "order:\n  colour: red\n  pay-within-seconds: soon\n  lapse-after-seconds: ${not.set}\n";
    std::fs::write(folder.path().join("config/order.yml"), text_of_file).unwrap();
    let shown = souk_config(&["show", "order"], Some(folder.path()), &[], "");
    let table = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(1), "{table}{}", text(&shown.stderr));
    for part in ["3 mistake(s)", "order.colour: unknown", "order.pay-within-seconds: ", "${not.set}", "order.yml)"] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    let store = table.lines().find(|line| line.starts_with("order.store-url ")).unwrap();
    assert!(store.contains("order.db") && store.ends_with("the shop's folder"), "{store}");
}

#[test]
fn an_unreachable_config_server_is_named_without_its_password() {
    let away = [("SOUK_CONFIG_URL", "http://u:geheim@127.0.0.1:1")];
    let shown = souk_config(&["show", "order", "--distributed"], None, &away, "");
    let error = text(&shown.stderr);
    assert_eq!(shown.status.code(), Some(1));
    assert!(error.contains("http://127.0.0.1:1") && !error.contains("geheim"), "{error}");
    let missing = souk_config(&["show", "order", "--distributed"], None, &[], "");
    assert!(text(&missing.stdout).contains("SOUK_ORDER__STORE_URL"), "{}", text(&missing.stdout));
    let no_key = souk_config(&["encrypt", "--distributed"], None, &[], "x");
    assert!(text(&no_key.stderr).contains("SOUK_CONFIG_SERVER__ENCRYPT__KEY"), "{}", text(&no_key.stderr));
    let usage = souk_config(&["show", "nothing"], None, &[], "");
    assert_eq!(usage.status.code(), Some(2));
}
