//! SQLite stores outside `souk up`: each file is locked by the one process that may use it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use crate::{command_error::CommandError, folder::Folder};

/// Returns the file of a SQLite URL; `None` for any other engine.
pub fn path_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    Some(PathBuf::from(path.split('?').next().unwrap_or(path)))
}

/// Locks the file at `path` for this process, until the returned handle is dropped.
///
/// Errors: another process has it, or a running `souk up` owns its folder.
pub fn lock(path: &Path) -> Result<File, CommandError> {
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if Folder::at(folder).is_locked() {
        return Err(CommandError::failed(format!(
            "{shown} belongs to the shop that 'souk up' runs in {}. Stop that one, or name another store.",
            folder.display()
        )));
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // Not the file itself: SQLite takes its own locks on that.
    name.push(".lock");
    let failed = |error: std::io::Error| CommandError::failed(format!("{shown} cannot be locked: {error}"));
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join(name)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::Error(error)) => Err(failed(error)),
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
        assert_eq!(path_of(&format!("sqlite:{}?mode=rwc", path.display())), Some(path.clone()));
        assert_eq!(path_of("sqlite:///a/b.db"), Some(PathBuf::from("/a/b.db")));
        assert_eq!(path_of("postgres://h/d"), None);
        let locked = lock(&path).unwrap();
        assert!(lock(&path).unwrap_err().to_string().contains("one process"));
        drop(locked);
        lock(&path).unwrap();
        assert!(lock(Path::new("/no/such/folder/x.db")).is_err());
        let _shop = Folder::at(folder.path()).lock().unwrap();
        assert!(lock(&path).unwrap_err().to_string().contains("souk up"));
    }
}
