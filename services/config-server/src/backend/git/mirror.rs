//! The private copy of one repository, and the folder that contains all copies.
//!
//! Requests are answered from copies, of local repositories too, because a copy outlives its repository. Its branches
//! and tags are in one file, which is replaced as a whole.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use gix::Repository;
use souk_values::{IdGen, error_chain};

use super::refs::{MIRRORED_BRANCHES, Refs};

/// Attempts to lock a file that other processes keep removing.
const MAX_LOCK_ATTEMPTS: usize = 8;

/// Prefix of the temporary folders of this program; a random name follows.
const TEMPORARY_PREFIX: &str = "souk-config-";
/// File in a temporary folder that stays locked for as long as its process lives.
const LOCK_NAME: &str = "held";

/// The folder of all copies; Spring's `basedir`.
#[derive(Debug)]
pub(super) struct Basedir {
    path: PathBuf,
    /// Lock of a temporary folder; `None` for a configured one, which outlives the process.
    lock: Option<fs::File>,
}

impl Basedir {
    /// Creates the `configured` folder, or if that is empty, a temporary one that no other user can read and that is
    /// removed when this value is dropped.
    pub fn new(configured: &Path, ids: &IdGen) -> Result<Arc<Self>, String> {
        let is_temporary = configured.as_os_str().is_empty();
        let path = if is_temporary {
            remove_abandoned(&std::env::temp_dir());
            std::env::temp_dir().join(format!("{TEMPORARY_PREFIX}{}", ids.token(12)))
        } else {
            std::path::absolute(configured).map_err(|error| format!("basedir {}: {error}", configured.display()))?
        };
        let mut builder = fs::DirBuilder::new();
        // In the shared temporary folder another user may have put a folder or link of this name, so it must be new.
        builder.recursive(!is_temporary).mode(0o700);
        let lock = builder.create(&path).and_then(|()| is_temporary.then(|| lock_folder(&path)).transpose());
        let lock = lock.map_err(|error| {
            let folder = path.display();
            format!("the folder {folder} for copies of repositories cannot be created: {error}; set basedir")
        })?;
        Ok(Arc::new(Self { path, lock }))
    }
}

impl Drop for Basedir {
    fn drop(&mut self) {
        if self.lock.is_some() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Marks `folder` as in use. The file gets its name only once it is locked: otherwise another process could find it
/// unlocked in between, and remove the folder.
fn lock_folder(folder: &Path) -> io::Result<fs::File> {
    let unnamed = folder.join("held.new");
    let lock = fs::File::create_new(&unnamed)?;
    lock.lock()?;
    fs::rename(unnamed, folder.join(LOCK_NAME))?;
    Ok(lock)
}

/// Removes the temporary folders of this program whose process was killed. Failures are ignored: the folder may belong
/// to another user.
fn remove_abandoned(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    let is_candidate = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with(TEMPORARY_PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    for folder in entries.flatten().filter(is_candidate).map(|entry| entry.path()) {
        // A folder without this file is just being created.
        if fs::File::open(folder.join(LOCK_NAME)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// One copy. While this value lives, no other process uses it.
#[derive(Debug)]
pub(super) struct Mirror {
    pub folder: PathBuf,
    lock: PathBuf,
    locked: fs::File,
    _basedir: Arc<Basedir>,
}

impl Mirror {
    /// Locks the copy called `name`, which [`Mirror::repository`] creates.
    ///
    /// Errors: another process uses it.
    pub fn new(basedir: &Arc<Basedir>, name: &str) -> Result<Self, String> {
        let lock = basedir.path.join(format!("{name}.lock"));
        let locked = lock_file(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
        let Some(locked) = locked else {
            let folder = basedir.path.display();
            return Err(format!("another config server uses {folder}; give each its own basedir"));
        };
        let folder = basedir.path.join(format!("{name}.git"));
        remove_leftovers(&folder);
        Ok(Self { folder, lock, locked, _basedir: Arc::clone(basedir) })
    }

    pub fn exists(&self) -> bool {
        self.folder.join("HEAD").is_file()
    }

    /// Opens the copy as a repository, and creates it if it does not exist.
    pub fn repository(&self) -> Result<Repository, String> {
        if self.exists() {
            return open(&self.folder);
        }
        let failed = |error: io::Error| format!("{}: {error}", self.folder.display());
        // A folder without HEAD is left over from a creation that was interrupted.
        self.remove();
        fs::DirBuilder::new().mode(0o700).create(&self.folder).map_err(failed)?;
        let created = gix::ThreadSafeRepository::init_opts(
            &self.folder,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            gix::open::Options::isolated(),
        );
        created.map(|created| created.to_thread_local()).map_err(|error| error_chain(&error))
    }

    /// Reads the branches and tags that the last [`Mirror::write`] stored.
    pub fn refs(&self) -> Result<Refs, String> {
        Refs::read(&open(&self.folder)?, MIRRORED_BRANCHES)
    }

    /// Replaces all branches and tags.
    pub fn write(&self, refs: &Refs) -> Result<(), String> {
        let path = self.folder.join("packed-refs");
        let new = self.folder.join("packed-refs.souk");
        let written = fs::write(&new, refs.packed()).and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Removes the copy and its lock, after which it must not be used.
    pub fn discard(&self) {
        self.remove();
        let _ = fs::remove_file(&self.lock);
    }
}

impl Drop for Mirror {
    /// Unlocks explicitly: closing the file is not enough while a child process that was just forked (`ssh`, by the
    /// transport) still holds its inherited descriptor, until it executes its program.
    fn drop(&mut self) {
        let _ = self.locked.unlock();
    }
}

/// Locks the file at `path`; `None` when another process holds it.
fn lock_file(path: &Path) -> io::Result<Option<fs::File>> {
    for _ in 0..MAX_LOCK_ATTEMPTS {
        let file = fs::File::create(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // The previous holder may have removed the file between the open and the lock. The next process would then
        // create and lock another one, so a lock counts only while its file is still the one at `path`.
        let own = file.metadata()?;
        let current = fs::metadata(path);
        if current.is_ok_and(|current| (current.dev(), current.ino()) == (own.dev(), own.ino())) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Opens the repository in `folder`, bare or not, whoever owns it, under no configuration but its own.
pub(super) fn open(folder: &Path) -> Result<Repository, String> {
    gix::open_opts(folder, gix::open::Options::isolated()).map_err(|error| error_chain(&error))
}

/// Removes the lock files of Git that a killed process left; the holder of the copy's own lock may do so.
fn remove_leftovers(folder: &Path) {
    let is_leftover = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".lock") || name.starts_with(".tmp")
    };
    let mut ahead = vec![folder.to_owned(), folder.join("objects/pack"), folder.join("refs")];
    while let Some(parent) = ahead.pop() {
        for entry in fs::read_dir(&parent).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && path.starts_with(folder.join("refs")) {
                ahead.push(path);
            } else if path.is_file() && is_leftover(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use souk_values::ShiftedClock;

    use super::*;

    #[test]
    fn folders_of_killed_processes_are_removed_and_no_others() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = temporary.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let left = folder("souk-config-a");
        let used = folder("souk-config-b");
        let new = folder("souk-config-c");
        let other = folder("other");
        drop(lock_folder(&left).unwrap());
        let _lock = lock_folder(&used).unwrap();
        drop(lock_folder(&other).unwrap());
        remove_abandoned(temporary.path());
        assert!(!left.exists() && used.exists() && new.exists() && other.exists());
    }

    #[test]
    fn a_dropped_copy_is_unlocked_though_a_forked_child_still_has_its_descriptor() {
        let folder = tempfile::tempdir().unwrap();
        let clock = ShiftedClock::new(std::time::Duration::ZERO);
        let basedir = Basedir::new(folder.path(), &IdGen::new(clock)).unwrap();
        let mirror = Mirror::new(&basedir, "shop").unwrap();
        let inherited = mirror.locked.try_clone().unwrap();
        assert!(Mirror::new(&basedir, "shop").is_err());
        drop(mirror);
        assert!(Mirror::new(&basedir, "shop").is_ok());
        drop(inherited);
    }
}
