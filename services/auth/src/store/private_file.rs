//! Keeps a SQLite store's file readable by its owner only, from the moment it exists.

use souk_sql::SqlError;

/// Creates the file of a `sqlite:` URL with mode 0600, or changes its mode; does nothing for other engines.
pub(crate) fn make_private(url: &str) -> Result<(), SqlError> {
    let Some(path) = url.strip_prefix("sqlite:") else { return Ok(()) };
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if path.is_empty() || path == ":memory:" {
        return Ok(());
    }
    // SQLite gives its `-wal` and `-shm` files the mode of the main file.
    restrict_to_owner(path).map_err(|error| SqlError::Unavailable(format!("{path} cannot be made private: {error}")))
}

#[cfg(unix)]
fn restrict_to_owner(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let owner_only = 0o600;
    std::fs::OpenOptions::new().create(true).append(true).mode(owner_only).open(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(owner_only))
}

#[cfg(not(unix))]
fn restrict_to_owner(_: &str) -> std::io::Result<()> {
    Ok(())
}
