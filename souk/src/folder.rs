//! The folder of an embedded shop: its lock, secrets and stores, and the file that describes the running process.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use souk_values::{IdGen, Secret};

use crate::command_error::CommandError;

/// Origin of configuration values that the folder sets, as `souk config show` prints it.
pub const ORIGIN: &str = "the shop's folder";

const FIRST_PASSWORD_FILE: &str = "first-password.json";
const RUN_FILE: &str = "run.json";
const SECRETS_FILE: &str = "secrets.json";
const CLOCK_FILE: &str = "test-clock";
const RESTORING: &str = "restoring";

/// An embedded shop's folder, which another process may have locked.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// The lock of a folder, released when it is dropped or the process dies.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Content of `run.json`: the addresses of the running shop. Readable by the owner only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunningShop {
    pub pid: u32,
    /// Base URL of the gateway, without a slash at its end.
    pub gateway: String,
    /// Base URL of auth, without a slash at its end.
    pub auth: String,
    /// Secret that auth exchanges for an operator's token.
    pub operator_token: String,
}

/// Content of `secrets.json`, generated once for each folder. Readable by the owner only.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    /// Secret that services exchange for service tokens.
    pub service_secret: String,
    /// Signing secret of the sandbox provider's webhooks.
    pub webhook_secret: String,
    /// Key of the `{cipher}` values in the folder's configuration. Empty in folders of older versions.
    #[serde(default)]
    pub config_key: String,
}

impl Folder {
    /// `path` need not exist.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Creates the folder with its subfolder for configuration, unless they exist.
    pub fn create(&self) -> Result<(), CommandError> {
        // Stores hold postal addresses and password hashes: only the owner may enter.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.config())
            .map_err(|error| self.failure("cannot be created", &error))
    }

    /// Errors: no shop has run in this folder.
    pub fn must_exist(&self) -> Result<(), CommandError> {
        // A shop whose stores are all on engines leaves only its secrets here.
        if self.store_file("order").is_file() || self.0.join(SECRETS_FILE).is_file() {
            return Ok(());
        }
        Err(CommandError::failed(format!(
            "there is no shop in {}. Start one with 'souk up --data {}', or name its folder with --data.",
            self.0.display(),
            self.0.display()
        )))
    }

    /// Locks the folder for this process.
    ///
    /// Errors: another process has locked it; the message names its process id. Or a restore did not end.
    pub fn lock(&self) -> Result<FolderLock, CommandError> {
        if self.restoring().exists() {
            return Err(CommandError::failed(format!(
                "{} has a part of a back-up: 'souk restore' still writes it, or was ended. Then delete the folder, and \
                 restore again.",
                self.0.display()
            )));
        }
        let path = self.0.join("souk.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            // The process that holds the lock has written its id into the file.
            .truncate(false)
            .open(&path)
            .map_err(|error| self.failure("cannot be locked", &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(self.failure("cannot be locked", &error)),
            Err(TryLockError::WouldBlock) => return Err(self.in_use(&mut file)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| self.failure("cannot be locked", &error))?;
        Ok(FolderLock { _file: file })
    }

    /// Returns true while a process has the folder locked.
    pub fn is_locked(&self) -> bool {
        match File::open(self.0.join("souk.lock")) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }

    /// Returns the files with secrets of the shop and its operator, whether they exist or not.
    pub fn secret_files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            [FIRST_PASSWORD_FILE, RUN_FILE, SECRETS_FILE, "bus.db"].iter().map(|name| self.0.join(name)).collect();
        let configuration = std::fs::read_dir(self.config()).into_iter().flatten().flatten();
        files.extend(configuration.map(|entry| entry.path()).filter(|path| path.is_file()));
        files
    }

    /// Reads the secrets, and generates those that are missing.
    pub fn secrets(&self, ids: &IdGen) -> Result<Secrets, CommandError> {
        let path = self.0.join(SECRETS_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut secrets: Secrets = serde_json::from_str(&text)
                    .map_err(|error| CommandError::failed(format!("{} is damaged: {error}", path.display())))?;
                if secrets.config_key.is_empty() {
                    secrets.config_key = ids.token(32);
                    self.write_private(SECRETS_FILE, &secrets)?;
                }
                Ok(secrets)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets =
                    Secrets { service_secret: ids.token(32), webhook_secret: ids.token(32), config_key: ids.token(32) };
                self.write_private(SECRETS_FILE, &secrets)?;
                Ok(secrets)
            }
            Err(error) => Err(self.failure("has secrets that cannot be read", &error)),
        }
    }

    /// Reads the key of the `{cipher}` values in the folder's configuration; `None` before the first start.
    pub fn config_key(&self) -> Result<Option<Secret>, CommandError> {
        let path = self.0.join(SECRETS_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failure("has secrets that cannot be read", &error)),
        };
        let secrets: Secrets = serde_json::from_str(&text)
            .map_err(|error| CommandError::failed(format!("{} is damaged: {error}", path.display())))?;
        Ok(Some(secrets.config_key).filter(|key| !key.is_empty()).map(Secret::new))
    }

    /// Returns the first admin's password, generated on the first start; `None` once it has been shown. It stays on
    /// disk until [`Folder::delete_first_password`], so that a start that fails or is killed does not lose it.
    pub fn first_password(&self, ids: &IdGen) -> Result<Option<Secret>, CommandError> {
        let path = self.0.join(FIRST_PASSWORD_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Secret::new(text.trim().trim_matches('"').to_owned()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.store_file("auth").exists() {
                    return Ok(None);
                }
                let password = ids.token(12);
                self.write_private(FIRST_PASSWORD_FILE, &password)?;
                Ok(Some(Secret::new(password)))
            }
            Err(error) => Err(self.failure("has a first password that cannot be read", &error)),
        }
    }

    pub fn delete_first_password(&self) {
        // It never was in the folder when auth's store is on an engine.
        if let Err(error) = std::fs::remove_file(self.0.join(FIRST_PASSWORD_FILE))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(error = %error, "the first admin's password could not be removed from the folder");
        }
    }

    /// Returns the shop that runs in this folder, if there is one.
    pub fn running_shop(&self) -> Option<RunningShop> {
        // The file of a killed process is stale; its lock is gone.
        if !self.is_locked() {
            return None;
        }
        serde_json::from_str(&std::fs::read_to_string(self.0.join(RUN_FILE)).ok()?).ok()
    }

    pub fn write_run_file(&self, shop: &RunningShop) -> Result<(), CommandError> {
        self.write_private(RUN_FILE, shop)
    }

    pub fn remove_run_file(&self) {
        if let Err(error) = std::fs::remove_file(self.0.join(RUN_FILE)) {
            tracing::warn!(error = %error, "run.json could not be removed");
        }
    }

    /// Returns the SQLite URL of the store `name`: a service's, `bus` or `sandbox`.
    pub fn store_url(&self, name: &str) -> String {
        format!("sqlite:{}", self.store_file(name).display())
    }

    fn store_file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.db"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the names of files and folders that are the shop's beside its stores, whether they exist or not. The index
    /// is made again, and everything else belongs to the running process.
    pub fn kept_beside_stores() -> [&'static str; 6] {
        [SECRETS_FILE, FIRST_PASSWORD_FILE, CLOCK_FILE, "config", "mailbox", "pictures"]
    }

    /// Returns the folder that 'souk restore' fills, and which exists until all of a back-up is in place.
    pub fn restoring(&self) -> PathBuf {
        self.0.join(RESTORING)
    }

    /// Returns the folder of uploaded pictures, which product creates.
    pub fn pictures(&self) -> PathBuf {
        self.0.join("pictures")
    }

    /// Returns the folder of configuration files, which may be empty.
    pub fn config(&self) -> PathBuf {
        self.0.join("config")
    }

    /// Returns the folder of mails that are written instead of sent.
    pub fn mailbox(&self) -> PathBuf {
        self.0.join("mailbox")
    }

    /// Reads the offset of the test clock; zero when it was never moved.
    pub fn clock_offset(&self) -> Duration {
        let text = std::fs::read_to_string(self.0.join(CLOCK_FILE)).unwrap_or_default();
        Duration::from_secs(text.trim().parse().unwrap_or(0))
    }

    /// Stores the offset of the test clock. It is on disk when this returns.
    pub fn store_clock_offset(&self, offset: Duration) -> std::io::Result<()> {
        let new = self.0.join("test-clock.new");
        let mut file = File::create(&new)?;
        writeln!(file, "{}", offset.as_secs())?;
        file.sync_all()?;
        std::fs::rename(new, self.0.join(CLOCK_FILE))
    }

    fn write_private(&self, name: &str, content: &impl Serialize) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(content).map_err(CommandError::failed)?;
        let new = self.0.join(format!("{name}.new"));
        let write = || -> std::io::Result<()> {
            // A file left by a crash may have other permissions: never write a secret into it.
            if new.exists() {
                std::fs::remove_file(&new)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(text.as_bytes())?;
            // Synced before the rename: a crash leaves the old file or the new one, never a part of one.
            file.sync_all()?;
            std::fs::rename(&new, self.0.join(name))
        };
        write().map_err(|error| self.failure("cannot be written to", &error))
    }

    fn in_use(&self, file: &mut File) -> CommandError {
        let mut holder = String::new();
        let process = match file.read_to_string(&mut holder) {
            Ok(_) if !holder.trim().is_empty() => format!("process {}", holder.trim()),
            Ok(_) | Err(_) => "a process that is just starting".to_owned(),
        };
        CommandError::failed(format!(
            "{} is in use by another souk ({process}). Stop that one, or choose another folder with --data.",
            self.0.display()
        ))
    }

    fn failure(&self, what: &str, error: &std::io::Error) -> CommandError {
        CommandError::failed(format!("the folder {} {what}: {error}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::Arc};

    use souk_values::SystemClock;

    use super::*;

    #[test]
    fn a_folder_is_locked_by_one_process_and_the_next_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert!(!folder.is_locked());
        let lock = folder.lock().unwrap();
        assert!(folder.is_locked());
        let refused = folder.lock().unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()) && refused.contains("--data"), "{refused}");
        drop(lock);
        assert!(!folder.is_locked());
        folder.lock().unwrap();
    }

    #[test]
    fn secrets_are_generated_once_and_readable_by_their_owner_only() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        let ids = IdGen::new(Arc::new(SystemClock));
        let first = folder.secrets(&ids).unwrap();
        assert_eq!(folder.secrets(&ids).unwrap().service_secret, first.service_secret);
        let mode = std::fs::metadata(temporary.path().join("secrets.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_clock_offset_is_stored() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert_eq!(folder.clock_offset(), Duration::ZERO);
        folder.store_clock_offset(Duration::from_secs(90)).unwrap();
        assert_eq!(folder.clock_offset(), Duration::from_secs(90));
    }
}
