//! The variables `SOUK_*` of this process: those of its environment, and secrets in files, as Docker and Kubernetes mount
//! them.
//!
//! `SOUK_ORDER__STORE_URL_FILE=/run/secrets/order` reads `SOUK_ORDER__STORE_URL` from a file. Each file `SOUK_*` in the
//! folder `SOUK_SECRETS_DIR` is the variable of its name. Line ends at the end of a file are not part of its text.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::ErrorKind,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use crate::config::ConfigError;

const FOLDER: &str = "SOUK_SECRETS_DIR";
const SUFFIX: &str = "_FILE";
/// Variables whose own names end like those that name a file.
const NO_FILES: [&str; 1] = ["SOUK_CONFIG_SERVER__ENCRYPT__KEY_FILE"];
/// Limit of a file's size in bytes. A key in PEM form has some thousands.
const MAX_BYTES: u64 = 1_048_576;

/// The variables of the files, read once at the start of the process.
static FROM_FILES: OnceLock<BTreeMap<String, Variable>> = OnceLock::new();

/// A variable's text and its source.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub text: String,
    /// Such as `SOUK_ORDER__STORE_URL in the environment`, or the path of a file.
    pub origin: String,
}

/// Reads the variables that are in files. Call it once at the start of the process, before it reads its configuration.
///
/// Errors: every file that is named and cannot be read, and every variable that is set in two ways.
pub fn read_files() -> Result<(), ConfigError> {
    let found = from_files(&environment())?;
    // A second call, in tests, keeps the first.
    let _ = FROM_FILES.set(found);
    Ok(())
}

/// Returns the text of one variable; `None` when it is not set. Those of the environment win over those of the folder.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    let own = std::env::var_os(name).map(|text| text.to_string_lossy().into_owned());
    own.or_else(|| FROM_FILES.get()?.get(name).map(|variable| variable.text.clone()))
}

/// Returns all variables `SOUK_*`, by name.
pub(crate) fn variables() -> BTreeMap<String, Variable> {
    merged(environment(), FROM_FILES.get().cloned().unwrap_or_default())
}

fn environment() -> BTreeMap<String, String> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let all = std::env::vars_os().map(|(name, value)| (text(name), text(value)));
    all.filter(|(name, _)| name.starts_with("SOUK_")).collect()
}

fn merged(environment: BTreeMap<String, String>, files: BTreeMap<String, Variable>) -> BTreeMap<String, Variable> {
    let mut all = files;
    for (name, text) in environment {
        if target(&name).is_none() {
            let origin = format!("{name} in the environment");
            all.insert(name, Variable { text, origin });
        }
    }
    all
}

/// Returns the variable whose file `name` names.
fn target(name: &str) -> Option<&str> {
    if NO_FILES.contains(&name) { None } else { name.strip_suffix(SUFFIX) }
}

fn from_files(environment: &BTreeMap<String, String>) -> Result<BTreeMap<String, Variable>, ConfigError> {
    let mut mistakes = Vec::new();
    let mut found = match environment.get(FOLDER).filter(|folder| !folder.is_empty()) {
        Some(folder) => in_folder(Path::new(folder), &mut mistakes),
        None => BTreeMap::new(),
    };
    for (name, path) in environment {
        let Some(target) = target(name).filter(|_| !path.is_empty()) else { continue };
        if environment.contains_key(target) {
            mistakes.push(format!("{target} and {name} are both set: one of them is enough"));
            continue;
        }
        found.extend(read(Path::new(path), name, &mut mistakes).map(|variable| (target.to_owned(), variable)));
    }
    if mistakes.is_empty() { Ok(found) } else { Err(ConfigError(mistakes)) }
}

/// Reads the files `SOUK_*` of a folder. One that does not exist has none: the image names it, mounted or not.
fn in_folder(folder: &Path, mistakes: &mut Vec<String>) -> BTreeMap<String, Variable> {
    let mistake = |error: std::io::Error| format!("{FOLDER}: {} cannot be read: {error}", folder.display());
    let mut paths: Vec<PathBuf> = Vec::new();
    match std::fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => paths.push(entry.path()),
                    Err(error) => mistakes.push(mistake(error)),
                }
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => mistakes.push(mistake(error)),
    }
    let mut found = BTreeMap::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("SOUK_") && path.is_file() {
            found.extend(read(&path, FOLDER, mistakes).map(|variable| (name.to_owned(), variable)));
        }
    }
    found
}

/// Reads a file that `named_by` names. The mistake has its path, never its text.
fn read(path: &Path, named_by: &str, mistakes: &mut Vec<String>) -> Option<Variable> {
    let shown = path.display();
    let text = std::fs::metadata(path).and_then(|metadata| {
        if metadata.len() > MAX_BYTES {
            return Err(std::io::Error::other("it is larger than a secret"));
        }
        std::fs::read_to_string(path)
    });
    match text {
        Ok(text) => Some(Variable { text: text.trim_end_matches(['\n', '\r']).to_owned(), origin: shown.to_string() }),
        Err(error) => {
            mistakes.push(format!("{named_by}: {shown} cannot be read: {error}"));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn secrets_are_read_from_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("SOUK_SHOP__SERVICE_SECRET"), "from the folder\n").unwrap();
        std::fs::write(at("SOUK_DISCOVERY_URL"), "http://a\n").unwrap();
        std::fs::write(at("rabbitmq.conf"), "not souk's").unwrap();
        // Kubernetes mounts links into a folder of the same volume.
        std::fs::create_dir(at("..data")).unwrap();
        std::fs::write(at("..data/password"), " two words \r\n\n").unwrap();
        std::os::unix::fs::symlink(at("..data/password"), at("SOUK_AUTH__ADMIN_PASSWORD")).unwrap();
        let (path, dir) = (at("..data/password"), folder.path().display().to_string());
        let pairs = environment(&[
            ("SOUK_SECRETS_DIR", &dir),
            ("SOUK_BUS__URL_FILE", &path),
            ("SOUK_CART__STORE_URL_FILE", ""),
            ("SOUK_DISCOVERY_URL", "http://b"),
            ("SOUK_CONFIG_SERVER__ENCRYPT__KEY_FILE", "/key.pem"),
        ]);
        let files = from_files(&pairs).unwrap();
        let all = merged(pairs, files);
        let text = |name: &str| all.get(name).map(|variable| variable.text.as_str());
        assert_eq!(text("SOUK_SHOP__SERVICE_SECRET"), Some("from the folder"));
        assert_eq!(text("SOUK_AUTH__ADMIN_PASSWORD"), Some(" two words "));
        assert_eq!(text("SOUK_BUS__URL"), Some(" two words "));
        assert_eq!(text("SOUK_DISCOVERY_URL"), Some("http://b"), "the environment wins");
        assert_eq!(text("SOUK_CONFIG_SERVER__ENCRYPT__KEY_FILE"), Some("/key.pem"), "it names a file itself");
        assert_eq!((text("SOUK_BUS__URL_FILE"), text("SOUK_CART__STORE_URL")), (None, None));
        assert_eq!(all["SOUK_BUS__URL"].origin, path);
        assert_eq!(all["SOUK_DISCOVERY_URL"].origin, "SOUK_DISCOVERY_URL in the environment");
    }

    #[test]
    fn every_mistake_is_reported_without_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let (gone, binary) = (folder.path().join("gone"), folder.path().join("binary"));
        std::fs::write(&binary, [0xff, 0xfe]).unwrap();
        let pairs = environment(&[
            ("SOUK_BUS__URL_FILE", &gone.display().to_string()),
            ("SOUK_SHOP__SERVICE_SECRET_FILE", &binary.display().to_string()),
            ("SOUK_ORDER__STORE_URL", "postgres://secret"),
            ("SOUK_ORDER__STORE_URL_FILE", "/order"),
            ("SOUK_SECRETS_DIR", &binary.display().to_string()),
        ]);
        let Err(ConfigError(mistakes)) = from_files(&pairs) else { panic!("it was accepted") };
        let text = mistakes.join("\n");
        assert_eq!(mistakes.len(), 4, "{text}");
        for part in ["SOUK_BUS__URL_FILE: ", "SOUK_SHOP__SERVICE_SECRET_FILE: ", "are both set", "SOUK_SECRETS_DIR: "] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        assert!(!text.contains("postgres"), "{text}");
        let nowhere = environment(&[("SOUK_SECRETS_DIR", "/no/such/folder")]);
        assert!(from_files(&nowhere).unwrap().is_empty());
    }
}
