//! `souk backup`: copies an embedded shop as it is at one instant, whether it runs or not.

pub mod copying;
pub mod manifest;

use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use souk_sql::freeze;
use souk_values::{Clock, SystemClock};

use crate::{
    cli::{BackupArgs, ShopArgs},
    command_error::CommandError,
    folder::Folder,
    free_space::Space,
    settings::Settings,
    sqlite_file,
};

use copying::{FoundFile, copy, find, hash, into_empty_folder, persist};
use manifest::{Manifest, ManifestFile};

/// The parts of a shop that a back-up consists of.
struct Parts {
    folder: PathBuf,
    /// The files of the stores, by their names in the folder.
    stores: Vec<(String, PathBuf)>,
}

pub async fn run(args: BackupArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&ShopArgs { data: args.data, distributed: false }).await?;
    let parts = Parts::of(&settings)?;
    let target = args.target;
    // Copying blocks, and so does waiting for the locks of the files.
    let written = tokio::task::spawn_blocking(move || write(&parts, &target));
    written.await.map_err(CommandError::failed)?
}

impl Parts {
    /// Errors: a part of the shop is not in its folder, and so needs the tools of its engine.
    fn of(settings: &Settings) -> Result<Self, CommandError> {
        let Some(folder) = settings.folder() else { return Err(CommandError::failed("only a folder is backed up")) };
        let elsewhere = |what: &str| {
            CommandError::failed(format!(
                "{what} of this shop is outside {}, and is backed up with tools of its own: see docs/backup.md",
                folder.path().display()
            ))
        };
        let mut stores = Vec::new();
        for (name, url) in settings.all_stores().map_err(CommandError::failed)? {
            if url != folder.store_url(name) {
                return Err(elsewhere(&format!("the store '{name}'")));
            }
            // Created at its first start, unless that failed.
            if let Some(path) = sqlite_file::path_of(&url).filter(|path| path.is_file()) {
                stores.push((format!("{name}.db"), path));
            }
        }
        if !settings.bus().and_then(|bus| bus.is_local()).map_err(CommandError::failed)? {
            return Err(elsewhere("the bus"));
        }
        let pictures = settings.sources().text("product", "pictures_dir").filter(|path| !path.is_empty());
        if pictures.is_some_and(|path| Path::new(&path) != folder.pictures()) {
            return Err(elsewhere("the folder of pictures"));
        }
        if stores.is_empty() {
            return Err(CommandError::failed(format!("{} has no store yet", folder.path().display())));
        }
        Ok(Self { folder: folder.path().to_owned(), stores })
    }

    /// Returns the files beside the stores. They are listed after the stores' instant: a picture is on disk before the
    /// product that shows it, and no picture is ever deleted.
    fn files(&self) -> Result<Vec<FoundFile>, CommandError> {
        let mut files = Vec::new();
        for name in Folder::kept_beside_stores() {
            find(&self.folder, Path::new(name), &mut files)?;
        }
        Ok(files)
    }
}

fn write(parts: &Parts, target: &Path) -> Result<(), CommandError> {
    into_empty_folder(target, "a back-up is written")?;
    write_into(parts, target).map_err(|error| {
        CommandError::failed(format!("{error}\nThe back-up in {} is not complete: delete it.", target.display()))
    })
}

fn write_into(parts: &Parts, target: &Path) -> Result<(), CommandError> {
    let paths: Vec<PathBuf> = parts.stores.iter().map(|(_, path)| path.clone()).collect();
    let frozen = freeze(&paths).map_err(CommandError::failed)?;
    let taken_at = SystemClock.now();
    let files = parts.files()?;
    let mut bytes: u64 = files.iter().map(|file| file.bytes).sum();
    for file in &frozen {
        bytes += file.bytes().map_err(CommandError::failed)?;
    }
    must_have_room(target, bytes)?;
    let bar = progress_bar(bytes);
    let mut listed = Vec::new();
    for (file, (name, _)) in frozen.into_iter().zip(&parts.stores) {
        let copied = target.join(name);
        file.copy_to(&copied, &mut |bytes| bar.inc(bytes)).map_err(CommandError::failed)?;
        let (bytes, sha256) = hash(&copied)?;
        listed.push(ManifestFile { path: name.clone(), bytes, sha256 });
        // Its write-ahead log may be emptied again.
        drop(file);
    }
    for file in &files {
        if let Some((bytes, sha256)) = copy(&file.path, &target.join(&file.name), &mut |bytes| bar.inc(bytes))? {
            listed.push(ManifestFile { path: file.name.clone(), bytes, sha256 });
        }
    }
    // Before the manifest, which makes the back-up complete.
    persist(target)?;
    let count = listed.len();
    Manifest::new(taken_at, listed).write(target)?;
    bar.finish_and_clear();
    say!("{} has the shop as of {taken_at}: {count} files, {}.", target.display(), indicatif::HumanBytes(bytes));
    Ok(())
}

fn must_have_room(target: &Path, bytes: u64) -> Result<(), CommandError> {
    let free = Space::of(target).map_err(CommandError::failed)?.free;
    if free > bytes {
        return Ok(());
    }
    Err(CommandError::failed(format!(
        "{} has room for {}, and the back-up needs {}",
        target.display(),
        indicatif::HumanBytes(free),
        indicatif::HumanBytes(bytes)
    )))
}

/// Returns a bar that counts bytes, and is shown on a terminal only.
pub fn progress_bar(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}
