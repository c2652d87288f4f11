//! `manifest.json`, the list of a back-up's files, without which it is not complete.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};
use souk_values::Timestamp;

use super::copying::{failed, persist};
use crate::command_error::CommandError;

const FILE: &str = "manifest.json";
/// Form of back-ups that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    format: u32,
    /// Version of souk that wrote it.
    pub version: String,
    /// The instant that the stores are of.
    pub taken_at: Timestamp,
    pub files: Vec<ManifestFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path in the back-up, and in the shop's folder.
    pub path: String,
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    pub fn new(taken_at: Timestamp, files: Vec<ManifestFile>) -> Self {
        Self { format: FORMAT, version: VERSION.to_owned(), taken_at, files }
    }

    /// Writes it into `folder`. It is on disk when this returns.
    pub fn write(&self, folder: &Path) -> Result<(), CommandError> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(CommandError::failed)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed(&path, "cannot be created"))?;
        file.write_all(text.as_bytes()).map_err(failed(&path, "cannot be written"))?;
        persist(folder)
    }

    /// Reads the manifest of the back-up in `folder`.
    ///
    /// Errors: there is none, it is damaged, or a newer souk wrote it.
    pub fn read(folder: &Path) -> Result<Self, CommandError> {
        let path = folder.join(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(CommandError::failed(format!(
                    "there is no complete back-up in {}: {FILE} is missing",
                    folder.display()
                )));
            }
            Err(error) => return Err(failed(&path, "cannot be read")(error)),
        };
        let damaged =
            |cause: &dyn std::fmt::Display| CommandError::failed(format!("{} is damaged: {cause}", path.display()));
        let manifest: Self = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        if manifest.format != FORMAT || is_newer(&manifest.version, VERSION) {
            return Err(CommandError::failed(format!(
                "the back-up is of souk {}, and this is souk {VERSION}: restore it with that version or a later one",
                manifest.version
            )));
        }
        match manifest.files.iter().find(|file| !is_inside(&file.path)) {
            Some(file) => Err(damaged(&format_args!("'{}' is no path in a folder", file.path))),
            None => Ok(manifest),
        }
    }

    /// Returns the size of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// True for a path that cannot lead out of the folder that it is joined to.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// True if `version` is later than `own`. A version that cannot be read counts as later.
fn is_newer(version: &str, own: &str) -> bool {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let release = text.split(['-', '+']).next().unwrap_or_default();
        release.split('.').map(|number| number.parse().ok()).collect()
    };
    match (numbers(version), numbers(own)) {
        (Some(version), Some(own)) => version > own,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        for (version, own, newer) in [
            ("0.1.0", "0.1.0", false),
            ("0.10.0", "0.9.0", true),
            ("0.9.9", "0.10.0", false),
            ("1.0.0-rc.1", "0.1.0", true),
            ("0.1.0+build", "0.1.0", false),
            ("next", "0.1.0", true),
        ] {
            assert_eq!(is_newer(version, own), newer, "{version} {own}");
        }
    }

    #[test]
    fn no_path_of_a_manifest_leads_out_of_its_folder() {
        for path in ["order.db", "config/order.yml", "pictures/a b/page"] {
            assert!(is_inside(path), "{path}");
        }
        for path in ["", "/etc/passwd", "../order.db", "pictures/../../order.db", "./order.db"] {
            assert!(!is_inside(path), "{path}");
        }
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = || Manifest::read(folder.path()).unwrap_err().to_string();
        assert!(refusal().contains("no complete back-up"));
        let files = vec![ManifestFile { path: "order.db".to_owned(), bytes: 7, sha256: "00".to_owned() }];
        Manifest::new(Timestamp::from_millis(0), files.clone()).write(folder.path()).unwrap();
        let read = Manifest::read(folder.path()).unwrap();
        assert_eq!((read.files, read.taken_at), (files, Timestamp::from_millis(0)));
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        for (from, to, expected) in [
            ("order.db", "../order.db", "no path in a folder"),
            ("\"format\": 1", "\"format\": 2", "that version or a later one"),
            (VERSION, "99.0.0", "souk 99.0.0"),
            ("{", "", "is damaged"),
        ] {
            std::fs::write(folder.path().join(FILE), text.replacen(from, to, 1)).unwrap();
            assert!(refusal().contains(expected), "{}", refusal());
        }
    }
}
