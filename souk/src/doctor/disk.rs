//! Checks the free space of every folder that the shop writes to on this machine.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::finding::{Finding, State};
use crate::{free_space::Space, services::with_store, settings::Settings, sqlite_file};

const GIB: u64 = 1024 * 1024 * 1024;

pub fn check(settings: &Settings) -> Vec<Finding> {
    let ledger = settings.sandbox_ledger_url().ok().flatten();
    let urls = with_store().filter_map(|service| settings.store_url(service.name).ok()).chain(ledger);
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for file in urls.filter_map(|url| sqlite_file::path_of(&url)) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.insert(folder.to_owned());
    }
    folders.extend(settings.mailbox());
    folders.into_iter().filter(|folder| folder.is_dir()).map(|folder| check_folder(&folder)).collect()
}

fn check_folder(folder: &Path) -> Finding {
    let path = folder.display().to_string();
    match Space::of(folder) {
        Ok(Space { free, total }) => of_space(&path, free, total),
        Err(error) => Finding::warning("disk", path, format!("its free space cannot be read: {error}")),
    }
}

/// Returns the finding for `free` bytes of `total`.
fn of_space(path: &str, free: u64, total: u64) -> Finding {
    let share = free.saturating_mul(100) / total.max(1);
    let message = format!("{}.{} GiB free, {share} %", free / GIB, free % GIB * 10 / GIB);
    let state = match (free, share) {
        (free, _) if free < GIB / 8 => State::Wrong,
        (free, share) if free < GIB || share < 3 => State::Warning,
        _ => State::Good,
    };
    let finding = Finding { state, ..Finding::good("disk", path, message) };
    if state == State::Good {
        return finding;
    }
    finding.with_advice("free some space: a store on a full disk rejects every write")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_free_space_is_a_finding() {
        let state = |free, total| of_space("x", free, total).state;
        assert_eq!(state(50 * GIB, 100 * GIB), State::Good);
        assert_eq!(state(2 * GIB, 100 * GIB), State::Warning);
        assert_eq!(state(GIB / 2, GIB), State::Warning);
        assert_eq!(state(GIB / 10, GIB), State::Wrong);
        assert_eq!(of_space("x", 3 * GIB / 2, 3 * GIB).message, "1.5 GiB free, 50 %");
    }
}
