//! The shop's folder: its lock, its secrets, its stores, and how to reach the shop that runs on it.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use souk_values::{IdGen, Secret};

use crate::CommandError;

/// Holds the first admin's password from its making until it was shown.
const FIRST_PASSWORD: &str = "first-password.json";

/// What the shop's services share, and webhooks are signed with.
const SECRETS: &str = "secrets.json";

/// A shop's folder that may be in use by another process.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

/// The hold on a folder; gone when dropped or when the process dies.
#[derive(Debug)]
pub struct Hold {
    _lock: File,
}

/// How to reach the running shop: `run.json`, readable by its owner only.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The process.
    pub pid: u32,
    /// The gateway's address.
    pub gateway: String,
    /// Auth's address.
    pub auth: String,
    /// What auth gives an operator's token for.
    pub operator_token: String,
}

/// Made once for a folder: `secrets.json`, readable by its owner only.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Secrets {
    /// What auth gives service tokens for.
    pub service_secret: String,
    /// Signs the sandbox provider's webhooks.
    pub webhook_secret: String,
    /// Encrypts the `{cipher}` values of the folder's configuration. Folders of before have none yet.
    #[serde(default)]
    pub config_key: String,
}

impl Folder {
    /// The folder at `path`, which may not exist yet.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder if it is missing, with an empty one for configuration in it.
    pub fn make(&self) -> Result<(), CommandError> {
        // Stores hold addresses and password hashes: a folder that we make is for its owner only.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.config())
            .map_err(|error| self.trouble("cannot be made", &error))
    }

    /// Fails with a sentence if there is no shop here.
    pub fn must_exist(&self) -> Result<(), CommandError> {
        // A shop whose stores are on engines has its secrets here.
        if self.store_file("order").is_file() || self.0.join(SECRETS).is_file() {
            return Ok(());
        }
        Err(CommandError::failed(format!(
            "there is no shop in {}. Start one with 'souk up --data {}', or name its folder with --data.",
            self.0.display(),
            self.0.display()
        )))
    }

    /// Takes the folder for this process. Fails with a sentence when another has it.
    pub fn hold(&self) -> Result<Hold, CommandError> {
        let path = self.0.join("souk.lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|error| self.trouble("cannot be locked", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(self.trouble("cannot be locked", &error)),
            Err(TryLockError::WouldBlock) => return Err(self.in_use(&mut lock)),
        }
        let note = lock
            .set_len(0)
            .and_then(|()| lock.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(lock, "{}", std::process::id()));
        note.map_err(|error| self.trouble("cannot be locked", &error))?;
        Ok(Hold { _lock: lock })
    }

    /// Whether another process has the folder.
    pub fn is_held(&self) -> bool {
        match File::open(self.0.join("souk.lock")) {
            Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }

    /// The secrets, made on the first start.
    pub fn secrets(&self, ids: &IdGen) -> Result<Secrets, CommandError> {
        let path = self.0.join(SECRETS);
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let mut secrets: Secrets = serde_json::from_str(&text)
                    .map_err(|error| CommandError::failed(format!("{} is damaged: {error}", path.display())))?;
                if secrets.config_key.is_empty() {
                    secrets.config_key = ids.token(32);
                    self.write_private(SECRETS, &secrets)?;
                }
                Ok(secrets)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (service_secret, webhook_secret, config_key) = (ids.token(32), ids.token(32), ids.token(32));
                let secrets = Secrets { service_secret, webhook_secret, config_key };
                self.write_private(SECRETS, &secrets)?;
                Ok(secrets)
            }
            Err(error) => Err(self.trouble("has secrets that cannot be read", &error)),
        }
    }

    /// The key of the `{cipher}` values of the folder's configuration; `None` until a shop has started here.
    pub fn config_key(&self) -> Result<Option<Secret>, CommandError> {
        let path = self.0.join(SECRETS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.trouble("has secrets that cannot be read", &error)),
        };
        let secrets: Secrets = serde_json::from_str(&text)
            .map_err(|error| CommandError::failed(format!("{} is damaged: {error}", path.display())))?;
        Ok(Some(secrets.config_key).filter(|key| !key.is_empty()).map(Secret::new))
    }

    /// The password of the first admin, made on the first start and kept until [`Folder::has_shown_password`]:
    /// a start that fails or is killed half-way must not lose it. `None` once it was shown.
    pub fn first_password(&self, ids: &IdGen) -> Result<Option<Secret>, CommandError> {
        let path = self.0.join(FIRST_PASSWORD);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Secret::new(text.trim().trim_matches('"').to_owned()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if self.store_file("auth").exists() {
                    return Ok(None);
                }
                let password = ids.token(12);
                self.write_private(FIRST_PASSWORD, &password)?;
                Ok(Some(Secret::new(password)))
            }
            Err(error) => Err(self.trouble("has a first password that cannot be read", &error)),
        }
    }

    /// Forgets the first admin's password.
    pub fn has_shown_password(&self) {
        // With auth on an engine it never was in the folder.
        if let Err(error) = std::fs::remove_file(self.0.join(FIRST_PASSWORD))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(error = %error, "the first admin's password could not be removed from the folder");
        }
    }

    /// How to reach the shop that runs here, if one does.
    pub fn running(&self) -> Option<Run> {
        if !self.is_held() {
            return None;
        }
        serde_json::from_str(&std::fs::read_to_string(self.0.join("run.json")).ok()?).ok()
    }

    /// Tells how to reach the shop that runs here.
    pub fn announce(&self, run: &Run) -> Result<(), CommandError> {
        self.write_private("run.json", run)
    }

    /// Takes the announcement back.
    pub fn withdraw(&self) {
        if let Err(error) = std::fs::remove_file(self.0.join("run.json")) {
            tracing::warn!(error = %error, "run.json could not be removed");
        }
    }

    /// The URL of a service's SQLite store, or of the bus.
    pub fn store_url(&self, name: &str) -> String {
        format!("sqlite:{}", self.store_file(name).display())
    }

    fn store_file(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.db"))
    }

    /// Configuration files, if any.
    pub fn config(&self) -> PathBuf {
        self.0.join("config")
    }

    /// Mails that are not sent.
    pub fn mailbox(&self) -> PathBuf {
        self.0.join("mailbox")
    }

    /// How far the test clock was moved.
    pub fn clock_offset(&self) -> Duration {
        let text = std::fs::read_to_string(self.0.join("test-clock")).unwrap_or_default();
        Duration::from_secs(text.trim().parse().unwrap_or(0))
    }

    /// Keeps how far the test clock is moved, on disk before it answers.
    pub fn keep_clock_offset(&self, offset: Duration) -> std::io::Result<()> {
        let (path, new) = (self.0.join("test-clock"), self.0.join("test-clock.new"));
        let mut file = File::create(&new)?;
        writeln!(file, "{}", offset.as_secs())?;
        file.sync_all()?;
        std::fs::rename(new, path)
    }

    fn write_private(&self, name: &str, content: &impl Serialize) -> Result<(), CommandError> {
        let text = serde_json::to_string_pretty(content).map_err(CommandError::failed)?;
        let (path, new) = (self.0.join(name), self.0.join(format!("{name}.new")));
        let write = || -> std::io::Result<()> {
            // A leftover of a crash might be readable by others; begin with a file of our own.
            if new.exists() {
                std::fs::remove_file(&new)?;
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&new, &path)
        };
        write().map_err(|error| self.trouble("cannot be written to", &error))
    }

    fn in_use(&self, lock: &mut File) -> CommandError {
        let mut holder = String::new();
        let process = match lock.read_to_string(&mut holder) {
            Ok(_) if !holder.trim().is_empty() => format!("process {}", holder.trim()),
            Ok(_) | Err(_) => "a process that is just starting".to_owned(),
        };
        CommandError::failed(format!(
            "{} is in use by another souk ({process}). Stop that one, or choose another folder with --data.",
            self.0.display()
        ))
    }

    fn trouble(&self, what: &str, error: &std::io::Error) -> CommandError {
        CommandError::failed(format!("the folder {} {what}: {error}", self.0.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::Arc};

    use souk_values::SystemClock;

    use super::*;

    #[test]
    fn one_process_holds_a_folder_and_the_next_is_told_so() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert!(!folder.is_held());
        let hold = folder.hold().unwrap();
        assert!(folder.is_held());
        let refused = folder.hold().unwrap_err().to_string();
        assert!(refused.contains(&std::process::id().to_string()) && refused.contains("--data"), "{refused}");
        drop(hold);
        assert!(!folder.is_held());
        folder.hold().unwrap();
    }

    #[test]
    fn secrets_are_made_once_and_only_their_owner_reads_them() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        let ids = IdGen::new(Arc::new(SystemClock));
        let first = folder.secrets(&ids).unwrap();
        assert_eq!(folder.secrets(&ids).unwrap().service_secret, first.service_secret);
        let mode = std::fs::metadata(temporary.path().join("secrets.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn the_clock_offset_is_kept() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::at(temporary.path());
        assert_eq!(folder.clock_offset(), Duration::ZERO);
        folder.keep_clock_offset(Duration::from_secs(90)).unwrap();
        assert_eq!(folder.clock_offset(), Duration::from_secs(90));
    }
}
