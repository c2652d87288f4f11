//! Git repositories for tests, made by the `git` program.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use crate::rig::write;

/// A repository in a temporary folder.
pub struct Repository(pub TempDir);

impl Repository {
    /// Creates a repository with one commit on `main`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.commit(files);
        repository
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Commits these files to the current branch and returns the commit id.
    pub fn commit(&self, files: &[(&str, &str)]) -> String {
        write(self.path(), files);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Creates a branch from `main` with these files and returns its commit id.
    pub fn branch(&self, name: &str, files: &[(&str, &str)]) -> String {
        self.git(&["checkout", "--quiet", "-b", name, "main"]);
        let commit = self.commit(files);
        self.git(&["checkout", "--quiet", "main"]);
        commit
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@example.org",
                "-c",
                "commit.gpgsign=false",
                "-c",
                "gc.auto=0",
            ])
            .args(arguments)
            .current_dir(self.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
