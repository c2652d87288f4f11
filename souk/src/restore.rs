//! `souk restore`: writes a back-up into an empty folder, complete or not at all.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    backup::{
        copying::{copy, failed, into_empty_folder, persist},
        manifest::Manifest,
        progress_bar,
    },
    cli::RestoreArgs,
    command_error::CommandError,
    folder::Folder,
};

pub async fn run(args: RestoreArgs) -> Result<(), CommandError> {
    // Copying blocks.
    let written = tokio::task::spawn_blocking(move || write(&args.source, &Folder::at(&args.data)));
    written.await.map_err(CommandError::failed)?
}

fn write(source: &Path, folder: &Folder) -> Result<(), CommandError> {
    let manifest = Manifest::read(source)?;
    into_empty_folder(folder.path(), "a shop is restored")?;
    // As long as this folder exists, no shop starts on a part of the back-up.
    let staging = folder.restoring();
    fs::create_dir(&staging).map_err(failed(&staging, "cannot be created"))?;
    if let Err(error) = copy_all(&manifest, source, &staging) {
        fs::remove_dir_all(&staging).map_err(failed(&staging, "cannot be removed"))?;
        return Err(error);
    }
    move_into_place(&manifest, &staging, folder.path())?;
    let shown = folder.path().display();
    say!("{shown} has the shop as of {}, backed up by souk {}.", manifest.taken_at, manifest.version);
    say!("Check it with 'souk audit --data {shown}', start it with 'souk up --data {shown}'.");
    Ok(())
}

/// Copies each file, and compares what was copied with the manifest.
fn copy_all(manifest: &Manifest, source: &Path, staging: &Path) -> Result<(), CommandError> {
    let bar = progress_bar(manifest.bytes());
    for file in &manifest.files {
        let path = source.join(&file.path);
        let found = copy(&path, &staging.join(&file.path), &mut |bytes| bar.inc(bytes))?;
        match found {
            Some((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256 => {}
            Some(_) => return Err(unusable(&path, "is damaged: its checksum is not the one of the manifest")),
            None => return Err(unusable(&path, "is missing")),
        }
    }
    persist(staging)?;
    bar.finish_and_clear();
    Ok(())
}

fn unusable(path: &Path, what: &str) -> CommandError {
    CommandError::failed(format!("{} {what}. Nothing was restored; use another back-up.", path.display()))
}

fn move_into_place(manifest: &Manifest, staging: &Path, folder: &Path) -> Result<(), CommandError> {
    let names: BTreeSet<_> =
        manifest.files.iter().filter_map(|file| Path::new(&file.path).components().next()).collect();
    for name in names {
        fs::rename(staging.join(name), folder.join(name)).map_err(failed(folder, "cannot be filled"))?;
    }
    // The folder must not be found empty of this one before it has the others, whatever the disk writes first.
    persist(folder)?;
    fs::remove_dir(staging).map_err(failed(staging, "cannot be removed"))?;
    persist(folder)
}
