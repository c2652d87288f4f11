//! A SQLite store's file, readable to its owner only from the moment it exists.

use souk_sql::SqlError;

/// Makes the file of a `sqlite:` URL, or closes it to others; does nothing for another engine, which
/// has its own access rules. SQLite gives its `-wal` and `-shm` files the same mode.
pub fn keep_private(url: &str) -> Result<(), SqlError> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(()) };
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Ok(());
    }
    close_to_others(path).map_err(|error| SqlError::Unavailable(format!("{path} cannot be made private: {error}")))
}

#[cfg(unix)]
fn close_to_others(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let owner_only = 0o600;
    std::fs::OpenOptions::new().create(true).append(true).mode(owner_only).open(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(owner_only))
}

#[cfg(not(unix))]
fn close_to_others(_: &str) -> std::io::Result<()> {
    Ok(())
}
