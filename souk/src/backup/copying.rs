//! Copies of files with their checksums.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::command_error::CommandError;

/// Bytes that are read at once.
const BUFFER: usize = 128 * 1_024;

/// A file of a shop's folder.
#[derive(Debug)]
pub struct FoundFile {
    /// Path in the folder.
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
}

/// Creates `folder`, for its owner alone, unless it exists and is empty.
///
/// Errors: it is not empty; `purpose` is what an empty one is for.
pub fn into_empty_folder(folder: &Path, purpose: &str) -> Result<(), CommandError> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(CommandError::failed(format!(
            "{} is not empty: {purpose} into an empty folder, or one that does not exist.",
            folder.display()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder, "cannot be created"))
        }
        Err(error) => Err(failed(folder, "cannot be read")(error)),
    }
}

/// Adds the file `name` of `folder`, or all files below it, if it exists.
///
/// Errors: a name is not UTF-8, or a folder below is a link, which may lead anywhere.
pub fn find(folder: &Path, name: &Path, found: &mut Vec<FoundFile>) -> Result<(), CommandError> {
    let path = folder.join(name);
    let metadata = match std::fs::metadata(&path) {
        Ok(metadata) => metadata,
        // A temporary file of the running shop.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(&path, "cannot be read")(error)),
    };
    if metadata.is_file() {
        let name =
            name.to_str().ok_or_else(|| CommandError::failed(format!("{}: its name is not UTF-8", path.display())))?;
        found.push(FoundFile { name: name.to_owned(), path, bytes: metadata.len() });
        return Ok(());
    }
    if !metadata.is_dir() {
        return Ok(());
    }
    if path.is_symlink() && name.components().count() > 1 {
        return Err(CommandError::failed(format!("{} is a link to a folder, which is not followed", path.display())));
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&path).map_err(failed(&path, "cannot be read"))? {
        names.push(entry.map_err(failed(&path, "cannot be read"))?.file_name());
    }
    names.sort();
    names.iter().try_for_each(|below| find(folder, &name.join(below), found))
}

/// Copies `source` to the new file `target`, with the folders above it, and returns the size of the copy and its SHA-256;
/// `None` when `source` no longer exists.
pub fn copy(
    source: &Path,
    target: &Path,
    on_progress: &mut dyn FnMut(u64),
) -> Result<Option<(u64, String)>, CommandError> {
    let reader = match File::open(source) {
        Ok(reader) => reader,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(source, "cannot be read")(error)),
    };
    if let Some(folder) = target.parent() {
        let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        created.map_err(failed(folder, "cannot be created"))?;
    }
    let mut writer = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(target)
        .map_err(failed(target, "cannot be created"))?;
    let mut write = |bytes: &[u8]| writer.write_all(bytes).map_err(failed(target, "cannot be written"));
    digest(reader, source, &mut |bytes| {
        on_progress(u64::try_from(bytes.len()).unwrap_or_default());
        write(bytes)
    })
    .map(Some)
}

/// Returns the size of a file and its SHA-256 in hexadecimal digits.
pub fn hash(path: &Path) -> Result<(u64, String), CommandError> {
    let reader = File::open(path).map_err(failed(path, "cannot be read"))?;
    digest(reader, path, &mut |_| Ok(()))
}

fn digest(
    mut reader: File,
    path: &Path,
    on_bytes: &mut dyn FnMut(&[u8]) -> Result<(), CommandError>,
) -> Result<(u64, String), CommandError> {
    let mut buffer = vec![0; BUFFER];
    let mut digest = Sha256::new();
    let mut size = 0_u64;
    loop {
        let count = reader.read(&mut buffer).map_err(failed(path, "cannot be read"))?;
        let bytes = buffer.get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return Ok((size, hex::encode(digest.finalize())));
        }
        digest.update(bytes);
        on_bytes(bytes)?;
        size += u64::try_from(count).unwrap_or_default();
    }
}

/// Writes everything on the file system of `folder` to its disk: sooner than a flush for each of many pictures.
pub fn persist(folder: &Path) -> Result<(), CommandError> {
    let handle = File::open(folder).map_err(failed(folder, "cannot be read"))?;
    rustix::fs::syncfs(&handle).map_err(|error| failed(folder, "cannot be written to disk")(error.into()))
}

pub fn failed(path: &Path, what: &str) -> impl Fn(std::io::Error) -> CommandError {
    move |error| CommandError::failed(format!("{} {what}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_below_a_name_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("pictures/ab")).unwrap();
        std::fs::write(at("pictures/ab/page"), b"a page").unwrap();
        std::fs::write(at("secrets.json"), b"{}").unwrap();
        std::os::unix::fs::symlink(at("secrets.json"), at("pictures/link")).unwrap();
        let mut found = Vec::new();
        for name in ["secrets.json", "pictures", "missing"] {
            find(folder.path(), Path::new(name), &mut found).unwrap();
        }
        let found: Vec<(&str, u64)> = found.iter().map(|file| (file.name.as_str(), file.bytes)).collect();
        assert_eq!(found, [("secrets.json", 2), ("pictures/ab/page", 6), ("pictures/link", 2)]);
        std::os::unix::fs::symlink(at("pictures"), at("pictures/again")).unwrap();
        let refused = find(folder.path(), Path::new("pictures"), &mut Vec::new()).unwrap_err().to_string();
        assert!(refused.contains("link to a folder"), "{refused}");
    }

    #[test]
    fn a_copy_has_the_checksum_of_its_source() {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (folder.path().join("a"), folder.path().join("b/c"));
        let content: Vec<u8> = (0_u8..=255).cycle().take(300_000).collect();
        std::fs::write(&source, &content).unwrap();
        let mut reported = 0;
        let copied = copy(&source, &target, &mut |bytes| reported += bytes).unwrap().unwrap();
        assert_eq!((copied.0, reported), (300_000, 300_000));
        assert_eq!(std::fs::read(&target).unwrap(), content);
        assert_eq!(hash(&target).unwrap(), copied);
        std::fs::write(&target, b"").unwrap();
        assert_eq!(
            hash(&target).unwrap(),
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".to_owned())
        );
        assert_eq!(copy(&folder.path().join("gone"), &folder.path().join("d"), &mut |_| ()).unwrap(), None);
        assert!(copy(&source, &target, &mut |_| ()).is_err(), "an existing file is not replaced");
    }

    #[test]
    fn only_an_empty_folder_is_filled() {
        let folder = tempfile::tempdir().unwrap();
        into_empty_folder(folder.path(), "x").unwrap();
        into_empty_folder(&folder.path().join("new/one"), "x").unwrap();
        assert!(into_empty_folder(folder.path(), "x").unwrap_err().to_string().contains("is not empty"));
    }
}
