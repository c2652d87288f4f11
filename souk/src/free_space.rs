//! Free space of the disk that the shop's folder is on.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use metrics::{describe_gauge, gauge};
use rustix::{fs::statvfs, io::Errno};
use souk_values::gauge_value;

const FREE_RATIO: &str = "data_folder_free_ratio";
const PERIOD: Duration = Duration::from_secs(60);

/// The size of a disk in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Space {
    /// Bytes that the shop may still write.
    pub free: u64,
    pub total: u64,
}

impl Space {
    /// Reads the space of the disk that `folder` is on. Errors: the system's.
    pub fn of(folder: &Path) -> Result<Self, Errno> {
        let disk = statvfs(folder)?;
        // `f_bavail` excludes the blocks that are reserved for root. Both counts are in units of `f_frsize`.
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Ok(Self { free: bytes(disk.f_bavail), total: bytes(disk.f_blocks) })
    }
}

/// Publishes each minute which share of the disk of `folder` is free.
pub async fn publish(folder: PathBuf) {
    describe_gauge!(FREE_RATIO, "Share of the disk of the data folder that is free");
    let name = folder.display().to_string();
    loop {
        match Space::of(&folder) {
            Ok(Space { free, total }) => {
                let thousandths = gauge_value(free.saturating_mul(1_000) / total.max(1));
                gauge!(FREE_RATIO, "service" => "souk", "folder" => name.clone()).set(thousandths / 1_000.0);
            }
            Err(error) => tracing::warn!(folder = name, error = %error, "the free space of the disk cannot be read"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}
