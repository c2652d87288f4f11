//! Copies a repository of this machine into its mirror: branches, tags, and their objects. The repository is only read,
//! and its work tree plays no part.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use souk_values::error_chain;

use super::{
    mirror::{Mirror, open},
    refs::{BRANCHES, Refs},
};

/// Attempts to copy a repository that is being packed at the same time.
const MAX_ATTEMPTS: usize = 4;

/// Brings `mirror` to the state of the repository at `source`. Copies nothing while that is still `known`.
///
/// Errors: there is no repository; it cannot be read; the mirror cannot be written.
pub(super) fn copy(source: &Path, mirror: &Mirror, known: Option<&Refs>) -> Result<Refs, String> {
    let repository = open(source)?;
    let mut refs = Refs::read(&repository, BRANCHES)?;
    if known == Some(&refs) && mirror.exists() {
        return Ok(refs);
    }
    mirror.repository()?;
    let mut stores = vec![repository.objects.store_ref().path().to_owned()];
    stores.extend(repository.objects.store_ref().alternate_db_paths().map_err(|error| error_chain(&error))?);
    let into = mirror.folder.join("objects");
    for attempt in 1.. {
        match stores.iter().try_for_each(|store| copy_objects(store, &into)) {
            Ok(()) => break,
            // Git packs by writing the pack and removing the single objects, which may vanish during the copy.
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < MAX_ATTEMPTS && source.exists() => {
                refs = Refs::read(&open(source)?, BRANCHES)?;
            }
            Err(error) => return Err(format!("its objects cannot be copied: {error}")),
        }
    }
    mirror.write(&refs)?;
    Ok(refs)
}

/// Copies single objects before packs: those that are packed in the meantime are then found in the new pack.
fn copy_objects(from: &Path, into: &Path) -> io::Result<()> {
    for folder in fs::read_dir(from)? {
        let folder = folder?;
        let name = folder.file_name().to_string_lossy().into_owned();
        if name.len() == 2 && is_hexadecimal(&name) {
            copy_new(&folder.path(), &into.join(&name), |name| name.len() == 38 && is_hexadecimal(name))?;
        }
    }
    let packs = from.join("pack");
    if packs.is_dir() {
        // A reader finds a pack by its index, so the index is copied last.
        let copied = into.join("pack");
        copy_new(&packs, &copied, |name| name.strip_suffix(".pack").is_some_and(|stem| stem.starts_with("pack-")))?;
        copy_new(&packs, &copied, |name| {
            name.strip_suffix(".idx").is_some_and(|stem| copied.join(format!("{stem}.pack")).exists())
        })?;
    }
    Ok(())
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|letter| letter.is_ascii_hexdigit())
}

/// Copies the files whose names `is_wanted` accepts. A file never changes, so one that exists already is complete.
fn copy_new(from: &Path, into: &Path, is_wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = into.join(&name);
        // A symbolic link could bring in any file of the machine.
        if is_wanted(&name) && entry.file_type()?.is_file() && !target.exists() {
            link_or_copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn link_or_copy(from: &Path, to: &PathBuf) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        // Another file system, or one without hard links. The rename makes a copy visible only once it is complete.
        Err(_) => {
            let unfinished = to.with_extension("tmp-souk");
            fs::copy(from, &unfinished)?;
            fs::rename(&unfinished, to)
        }
    }
}
