//! The folder that scripts/clients.sh creates, and a check that it has the versions that docs/clients.md names.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Returns true when the real clients are to be run. Otherwise prints how to run them.
///
/// # Panics
/// When `SOUK_TEST_CLIENTS` names an incomplete folder, so that no test is skipped by mistake.
#[must_use]
pub fn needs_clients() -> bool {
    if std::env::var_os("SOUK_TEST_CLIENTS").is_none_or(|folder| folder.is_empty()) {
        println!(
            "this test runs the real clients only: make test-clients, or scripts/clients.sh and SOUK_TEST_CLIENTS=FOLDER"
        );
        return false;
    }
    let folder = folder();
    for needed in ["complete", "python/bin/python", "node_modules"] {
        let is_there = folder.join(needed).exists();
        assert!(is_there, "{} has no {needed}; run scripts/clients.sh {}", folder.display(), folder.display());
    }
    true
}

/// Returns the absolute path of the folder.
#[must_use]
pub fn folder() -> PathBuf {
    let named = std::env::var_os("SOUK_TEST_CLIENTS").unwrap();
    std::path::absolute(Path::new(&named)).unwrap()
}

fn package_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn the_clients_have_the_versions_that_the_documentation_names() {
    if !needs_clients() {
        return;
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let documentation = std::fs::read_to_string(here.join("../../../docs/clients.md")).unwrap();

    let modules = folder().join("node_modules");
    let wanted = package_json(&here.join("package.json"));
    for (name, version) in wanted["dependencies"].as_object().unwrap() {
        assert_eq!(package_json(&modules.join(name).join("package.json"))["version"], *version, "{name}");
        assert!(documentation.contains(&format!("`{name}` {}", version.as_str().unwrap())), "{name} {version}");
    }

    let freeze = ["-m", "pip", "--disable-pip-version-check", "freeze"];
    let installed = Command::new(folder().join("python/bin/python")).args(freeze).output().unwrap();
    let installed = String::from_utf8(installed.stdout).unwrap().replace('_', "-");
    let requirements = std::fs::read_to_string(here.join("requirements.txt")).unwrap();
    let mut pins: Vec<&str> = requirements.lines().filter(|line| line.contains("==")).collect();
    assert!(pins.len() > 4);
    for pin in &pins {
        assert!(installed.lines().any(|line| line == *pin), "{pin} is not installed: {installed}");
    }
    // The first four are the clients, the others their dependencies.
    pins.truncate(4);
    for pin in pins {
        let (name, version) = pin.split_once("==").unwrap();
        assert!(documentation.contains(&format!("`{name}` {version}")), "{pin}");
    }
}
