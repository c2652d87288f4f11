//! Copies a repository of this machine: its branches, its tags, and the objects behind them. It is only read; its
//! work tree does not matter.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    mirror::{Mirror, open},
    refs::{BRANCHES, Refs},
    why,
};

/// How often a copy is begun again because the repository was being packed meanwhile.
const ATTEMPTS: usize = 4;

/// Brings `mirror` to what the repository at `source` has. Nothing is copied while it has what is `known`.
///
/// Errors: there is no repository, it or the copy cannot be read or written.
pub(super) fn copy(source: &Path, mirror: &Mirror, known: Option<&Refs>) -> Result<Refs, String> {
    let repository = open(source)?;
    let mut refs = Refs::read(&repository, BRANCHES)?;
    if known == Some(&refs) && mirror.exists() {
        return Ok(refs);
    }
    mirror.repository()?;
    let mut stores = vec![repository.objects.store_ref().path().to_owned()];
    stores.extend(repository.objects.store_ref().alternate_db_paths().map_err(|error| why(&error))?);
    let into = mirror.folder.join("objects");
    for attempt in 1.. {
        match stores.iter().try_for_each(|store| copy_objects(store, &into)) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempt < ATTEMPTS && source.exists() => {
                refs = Refs::read(&open(source)?, BRANCHES)?;
            }
            Err(error) => return Err(format!("its objects cannot be copied: {error}")),
        }
    }
    mirror.write(&refs)?;
    Ok(refs)
}

/// Single objects come first: when they are packed and removed meanwhile, the pack is there when packs are looked at.
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
        // A pack is known by its index, so the index is copied last.
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

/// Files called as `is_meant` says, which never change, so those that are there already are done.
fn copy_new(from: &Path, into: &Path, is_meant: impl Fn(&str) -> bool) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let target = into.join(&name);
        // A symbolic link could bring in any file of the machine.
        if is_meant(&name) && entry.file_type()?.is_file() && !target.exists() {
            link_or_copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn link_or_copy(from: &Path, to: &PathBuf) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::AlreadyExists) => {
            if error.kind() == io::ErrorKind::NotFound { Err(error) } else { Ok(()) }
        }
        // Another file system, or one without hard links.
        Err(_) => {
            let unfinished = to.with_extension("tmp-souk");
            fs::copy(from, &unfinished)?;
            fs::rename(&unfinished, to)
        }
    }
}
