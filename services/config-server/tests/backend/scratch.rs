//! Repositories made for a test, and backends that read them.

use std::{path::Path, process::Command, sync::Arc, time::Duration};

use souk_config_server::backend::{Backend, BackendError, GitBackend, GitConfig, Query, Snapshot};
use souk_values::{IdGen, ShiftedClock};
use tempfile::TempDir;

/// A repository with a work tree.
pub struct Scratch {
    pub folder: TempDir,
}

impl Scratch {
    /// Creates a repository with one commit on `main` that contains `files`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let scratch = Self { folder: tempfile::tempdir().unwrap() };
        scratch.git(&["init", "--quiet", "--initial-branch", "main"]);
        scratch.commit(files);
        scratch
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn uri(&self) -> String {
        format!("file://{}", self.path().display())
    }

    /// Runs `git` and returns its output.
    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    /// Writes `files`, commits them, and returns the commit id.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", "test"]);
        self.head()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["-c", "user.name=test", "-c", "user.email=test@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A backend with its clock.
#[derive(Debug)]
pub struct Reader {
    pub backend: Arc<GitBackend>,
    pub clock: Arc<ShiftedClock>,
}

impl Reader {
    pub fn new(config: &GitConfig) -> Self {
        let clock = ShiftedClock::new(Duration::ZERO);
        let backend = GitBackend::new(config, clock.clone(), &IdGen::new(clock.clone())).unwrap();
        Self { backend: Arc::new(backend), clock }
    }

    pub fn of(uri: &str) -> Self {
        Self::new(&GitConfig { uri: uri.to_owned(), ..GitConfig::default() })
    }

    pub async fn snapshot(&self, label: Option<&str>) -> Result<Snapshot, BackendError> {
        snapshot_of(&*self.backend, &["shop"], &["dev"], label).await
    }

    /// Returns the file `shop.yml` in the root.
    pub async fn shop(&self, label: Option<&str>) -> Result<String, BackendError> {
        Ok(text(&self.snapshot(label).await?, "shop.yml").unwrap_or_default())
    }
}

pub async fn snapshot_of(
    backend: &dyn Backend,
    applications: &[&str],
    profiles: &[&str],
    label: Option<&str>,
) -> Result<Snapshot, BackendError> {
    let owned = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let applications = owned(applications);
    let profiles = owned(profiles);
    backend.snapshot(&Query { applications: &applications, profiles: &profiles, label }).await
}

/// Returns the file at `path` in the weakest location.
pub fn text(snapshot: &Snapshot, path: &str) -> Option<String> {
    let file = snapshot.read(&snapshot.locations[0], path).unwrap()?;
    Some(String::from_utf8(file.bytes.to_vec()).unwrap())
}

/// Returns the names of the property source `shop.yml` in each location.
pub fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot.locations.iter().map(|location| location.source_name("shop.yml")).collect()
}
