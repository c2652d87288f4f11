//! SQLite files outside `souk up`: right for one replica alone, so each is held by one process.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::{CommandError, folder::Folder};

/// The file of a SQLite store's URL.
pub fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Takes the file at `path` for this process, until it is dropped. Fails with a sentence when another has it.
pub fn take(path: &Path) -> Result<File, CommandError> {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if Folder::at(folder).is_held() {
        return Err(CommandError::failed(format!(
            "{shown} belongs to the shop that 'souk up' runs in {}. Stop that one, or name another store.",
            folder.display()
        )));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let trouble = |error: std::io::Error| CommandError::failed(format!("{shown} cannot be locked: {error}"));
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(name)).map_err(trouble)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::Error(error)) => Err(trouble(error)),
        Err(TryLockError::WouldBlock) => Err(CommandError::failed(format!(
            "{shown} is in use by another souk: a SQLite file is for one process. Replicas need a store that they \
             share, such as postgres://…"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_for_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order.db");
        assert_eq!(file_of(&format!("sqlite:{}?mode=rwc", path.display())), Some(path.clone()));
        assert_eq!(file_of("sqlite:///a/b.db"), Some(PathBuf::from("/a/b.db")));
        assert_eq!(file_of("postgres://h/d"), None);
        let held = take(&path).unwrap();
        assert!(take(&path).unwrap_err().to_string().contains("one process"));
        drop(held);
        take(&path).unwrap();
        assert!(take(Path::new("/no/such/folder/x.db")).is_err());
        let _shop = Folder::at(folder.path()).hold().unwrap();
        assert!(take(&path).unwrap_err().to_string().contains("souk up"));
    }
}
