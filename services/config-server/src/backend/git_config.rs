//! The configuration of the Git backend.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use souk_values::Secret;

use super::git::shown;

/// Where the Git backend reads from, and how.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent keys")]
pub struct GitConfig {
    /// The repository of whatever no entry of `repos` answers: a path, `file:`, `http:`, `https:`, `ssh:`, `git:` or
    /// `user@host:path`. May hold `{application}`, `{profile}` and `{label}`. Empty: there is no such repository.
    #[serde(serialize_with = "without_credentials")]
    pub uri: String,
    /// The label of a request that names none. `main`.
    pub default_label: String,
    /// Folders that are looked into after the root, with placeholders and `*`. None.
    pub search_paths: Vec<String>,
    /// Seconds: 0 fetches for every request, more at most that often, less never again after the first time. 0.
    pub refresh_rate: i64,
    /// Whether `master` is tried where the default label is `main` and there is none. Yes.
    pub try_master_branch: bool,
    /// Accepted for the sake of existing configurations: what was pushed always wins, by force or not.
    pub force_pull: bool,
    /// Whether repositories without placeholders are fetched before the first request. No.
    pub clone_on_start: bool,
    /// Seconds that a request waits for a fetch before it is answered from what is known. 5.
    pub timeout: u64,
    /// Where copies are kept. Empty: a folder of its own below the system's temporary one, removed at the end; then
    /// what was known is not known any more after a restart.
    pub basedir: PathBuf,
    /// For remotes that ask who it is. Empty: what the URI says before its `@`.
    pub username: String,
    /// The password or token that goes with it.
    pub password: Secret,
    /// Whether the certificates of `https:` remotes go unchecked. No.
    pub skip_ssl_validation: bool,
    /// Whether branches and tags that were removed from a remote are forgotten. No.
    pub delete_untracked_branches: bool,
    /// Repositories for certain applications and profiles, by name. The first in the order of their names that
    /// matches and answers wins.
    pub repos: BTreeMap<String, RepositoryConfig>,
}

impl Default for GitConfig {
    fn default() -> Self {
        Self {
            uri: String::new(),
            default_label: "main".to_owned(),
            search_paths: Vec::new(),
            refresh_rate: 0,
            try_master_branch: true,
            force_pull: false,
            clone_on_start: false,
            timeout: 5,
            basedir: PathBuf::new(),
            username: String::new(),
            password: Secret::default(),
            skip_ssl_validation: false,
            delete_untracked_branches: false,
            repos: BTreeMap::new(),
        }
    }
}

/// One entry of `repos`. What is absent is as the whole backend has it.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryConfig {
    /// The repository.
    #[serde(serialize_with = "without_credentials")]
    pub uri: String,
    /// `application/profile` with `*`; without a slash every profile. None: `{name}/*`.
    pub pattern: Vec<String>,
    /// In place of the backend's.
    pub search_paths: Option<Vec<String>>,
    /// In place of the backend's.
    pub default_label: Option<String>,
    /// In place of the backend's.
    pub try_master_branch: Option<bool>,
    /// In place of the backend's.
    pub refresh_rate: Option<i64>,
    /// In place of the backend's.
    pub clone_on_start: Option<bool>,
    /// In place of the backend's.
    pub timeout: Option<u64>,
    /// In place of the backend's; with its own `password`.
    pub username: Option<String>,
    /// In place of the backend's.
    pub password: Option<Secret>,
    /// In place of the backend's.
    pub skip_ssl_validation: Option<bool>,
    /// In place of the backend's.
    pub delete_untracked_branches: Option<bool>,
    /// Accepted, as the backend's is.
    pub force_pull: Option<bool>,
}

fn without_credentials<S: Serializer>(uri: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(uri))
}

// A URI may hold a password.
impl fmt::Debug for GitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("GitConfig");
        shape.field("uri", &shown(&self.uri)).field("repos", &self.repos).finish_non_exhaustive()
    }
}

impl fmt::Debug for RepositoryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepositoryConfig").field("uri", &shown(&self.uri)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_json_has_a_password() {
        let uri = "https://joe:secret@host/{application}".to_owned();
        let repository = RepositoryConfig { uri: uri.clone(), ..RepositoryConfig::default() };
        let config = GitConfig {
            uri,
            password: Secret::new("secret".to_owned()),
            repos: [("one".to_owned(), repository)].into(),
            ..GitConfig::default()
        };
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(shown.contains("https://host/{application}") && !shown.contains("secret"), "{shown}");
    }
}
