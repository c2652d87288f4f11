//! Room for what is kept in files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{Finding, State};
use crate::{files, services::with_store, settings::Settings};

const GIB: u64 = 1024 * 1024 * 1024;

/// Looks at the room left for every file that the shop keeps on this machine.
pub fn check(settings: &Settings) -> Vec<Finding> {
    let ledger = settings.uses_sandbox().then(|| settings.sandbox_ledger_url().ok()).flatten();
    let urls = with_store().filter_map(|name| settings.store_url(name).ok()).chain(ledger);
    let mut folders: BTreeSet<PathBuf> = BTreeSet::new();
    for file in urls.filter_map(|url| files::file_of(&url)) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.insert(folder.to_owned());
    }
    if let Some(mailbox) = settings.mailbox() {
        folders.insert(mailbox);
    }
    folders.into_iter().filter(|folder| folder.is_dir()).map(|folder| of_folder(&folder)).collect()
}

fn of_folder(folder: &Path) -> Finding {
    let place = folder.display().to_string();
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let block = disk.f_frsize;
            judge(&place, disk.f_bavail.saturating_mul(block), disk.f_blocks.saturating_mul(block))
        }
        Err(error) => Finding::warning("disk", place, format!("its room cannot be read: {error}")),
    }
}

fn judge(place: &str, free: u64, whole: u64) -> Finding {
    let share = free.saturating_mul(100) / whole.max(1);
    let says = format!("{}.{} GiB free, {share} %", free / GIB, free % GIB * 10 / GIB);
    let state = match (free, share) {
        (free, _) if free < GIB / 8 => State::Wrong,
        (free, share) if free < GIB || share < 3 => State::Warning,
        _ => State::Good,
    };
    let finding = Finding { state, ..Finding::good("disk", place, says) };
    if state == State::Good {
        return finding;
    }
    finding.advising("make room: a store on a full disk accepts nothing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged() {
        let judged = |free, whole| judge("x", free, whole).state;
        assert_eq!(judged(50 * GIB, 100 * GIB), State::Good);
        assert_eq!(judged(2 * GIB, 100 * GIB), State::Warning);
        assert_eq!(judged(GIB / 2, GIB), State::Warning);
        assert_eq!(judged(GIB / 10, GIB), State::Wrong);
        assert_eq!(judge("x", 3 * GIB / 2, 3 * GIB).says, "1.5 GiB free, 50 %");
    }
}
