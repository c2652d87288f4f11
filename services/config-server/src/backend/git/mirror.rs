//! The private copy of one repository, and the folder that all copies are in.
//!
//! A copy is what requests are answered from, of local repositories too: it is still there when the repository is
//! not. Its branches and tags are in one file, which is replaced as a whole.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use gix::Repository;
use souk_values::IdGen;

use super::{
    refs::{COPIED_BRANCHES, Refs},
    why,
};

/// How often a lock that was removed under our hands is made again.
const LOCKS_TRIED: usize = 8;

/// What folders of our own are called, before a random name.
const OURS: &str = "souk-config-";
/// Locked in a folder of our own for as long as its process lives.
const HELD: &str = "held";

/// The folder of all copies.
#[derive(Debug)]
pub(super) struct Basedir {
    path: PathBuf,
    /// Of a folder of our own, its lock.
    held: Option<fs::File>,
}

impl Basedir {
    /// `configured`, or a new folder that nobody else can read and that is removed with this value.
    pub fn new(configured: &Path, ids: &IdGen) -> Result<Arc<Self>, String> {
        let is_ours = configured.as_os_str().is_empty();
        let path = if is_ours {
            remove_abandoned(&std::env::temp_dir());
            std::env::temp_dir().join(format!("{OURS}{}", ids.token(12)))
        } else {
            std::path::absolute(configured).map_err(|error| format!("basedir {}: {error}", configured.display()))?
        };
        let mut builder = fs::DirBuilder::new();
        // Never one that exists already, which might be somebody's trap.
        builder.recursive(!is_ours).mode(0o700);
        let made = builder.create(&path).and_then(|()| if is_ours { hold(&path).map(Some) } else { Ok(None) });
        let held = made.map_err(|error| {
            format!("the folder {} for copies of repositories cannot be made: {error}; set basedir", path.display())
        })?;
        Ok(Arc::new(Self { path, held }))
    }
}

impl Drop for Basedir {
    fn drop(&mut self) {
        if self.held.is_some() {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// Shows that `folder` is in use. The file gets its name when it is locked, so that nobody finds it unlocked.
fn hold(folder: &Path) -> io::Result<fs::File> {
    let unnamed = folder.join("held.new");
    let held = fs::File::create_new(&unnamed)?;
    held.lock()?;
    fs::rename(unnamed, folder.join(HELD))?;
    Ok(held)
}

/// Removes the folders of our own in `temporary` whose process was killed. What is not ours, or cannot be removed, is
/// nothing to us.
fn remove_abandoned(temporary: &Path) {
    let Ok(entries) = fs::read_dir(temporary) else { return };
    let is_ours = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with(OURS) && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    for folder in entries.flatten().filter(is_ours).map(|entry| entry.path()) {
        // Without this file it is just being made.
        if fs::File::open(folder.join(HELD)).is_ok_and(|held| held.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// One copy. While this value lives, no other process uses it.
#[derive(Debug)]
pub(super) struct Mirror {
    pub folder: PathBuf,
    lock: PathBuf,
    _locked: fs::File,
    _basedir: Arc<Basedir>,
}

impl Mirror {
    /// The copy called `name`; it is made by [`Mirror::repository`]. Errors: another process has it.
    pub fn new(basedir: &Arc<Basedir>, name: &str) -> Result<Self, String> {
        let lock = basedir.path.join(format!("{name}.lock"));
        let locked = locked(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
        let Some(locked) = locked else {
            let folder = basedir.path.display();
            return Err(format!("another config server uses {folder}; give each its own basedir"));
        };
        let folder = basedir.path.join(format!("{name}.git"));
        remove_leftovers(&folder);
        Ok(Self { folder, lock, _locked: locked, _basedir: Arc::clone(basedir) })
    }

    pub fn exists(&self) -> bool {
        self.folder.join("HEAD").is_file()
    }

    /// The copy as a repository, which is made if it is not there.
    pub fn repository(&self) -> Result<Repository, String> {
        if self.exists() {
            return open(&self.folder);
        }
        let failed = |error: io::Error| format!("{}: {error}", self.folder.display());
        // What has no HEAD was never finished.
        self.remove();
        fs::DirBuilder::new().mode(0o700).create(&self.folder).map_err(failed)?;
        let made = gix::ThreadSafeRepository::init_opts(
            &self.folder,
            gix::create::Kind::Bare,
            gix::create::Options::default(),
            gix::open::Options::isolated(),
        );
        made.map(|made| made.to_thread_local()).map_err(|error| why(&error))
    }

    /// What was known when it was last written.
    pub fn refs(&self) -> Result<Refs, String> {
        Refs::read(&open(&self.folder)?, COPIED_BRANCHES)
    }

    /// Replaces all branches and tags.
    pub fn write(&self, refs: &Refs) -> Result<(), String> {
        let (path, new) = (self.folder.join("packed-refs"), self.folder.join("packed-refs.souk"));
        let written = fs::write(&new, refs.packed()).and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| format!("{}: {error}", path.display()))
    }

    pub fn remove(&self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Removes it and its lock. Nobody may use it any more.
    pub fn discard(&self) {
        self.remove();
        let _ = fs::remove_file(&self.lock);
    }
}

/// The file at `path`, locked; `None` when somebody else has it.
fn locked(path: &Path) -> io::Result<Option<fs::File>> {
    for _ in 0..LOCKS_TRIED {
        let file = fs::File::create(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        // Whoever had it before may just have removed it: then the next one makes another file, and locks that.
        let (ours, there) = (file.metadata()?, fs::metadata(path));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// Opens the repository in `folder`, bare or not, whoever owns it, and without any configuration but its own.
pub(super) fn open(folder: &Path) -> Result<Repository, String> {
    gix::open_opts(folder, gix::open::Options::isolated()).map_err(|error| why(&error))
}

/// A process that was killed leaves its locks; whoever has the copy's own lock may remove them.
fn remove_leftovers(folder: &Path) {
    let is_leftover = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".lock") || name.starts_with(".tmp")
    };
    let mut ahead = vec![folder.to_owned(), folder.join("objects/pack"), folder.join("refs")];
    while let Some(looked_into) = ahead.pop() {
        for entry in fs::read_dir(&looked_into).into_iter().flatten().flatten() {
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
    use super::*;

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = temporary.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let (left, used, new, other) =
            (folder("souk-config-a"), folder("souk-config-b"), folder("souk-config-c"), folder("other"));
        drop(hold(&left).unwrap());
        let _held = hold(&used).unwrap();
        drop(hold(&other).unwrap());
        remove_abandoned(temporary.path());
        assert!(!left.exists() && used.exists() && new.exists() && other.exists());
    }
}
