//! The section `config-server.git`.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use souk_values::Secret;

use super::origin::without_credentials;

/// Repositories that the Git backend reads, and how it fetches them.
#[derive(Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent keys")]
pub struct GitConfig {
    /// The repository for whatever no entry of `repos` answers: a path, `file:`, `http:`, `https:`, `ssh:`, `git:` or
    /// `user@host:path`. May contain `{application}`, `{profile}` and `{label}`. Empty: there is no such repository.
    #[serde(serialize_with = "serialize_without_credentials")]
    pub uri: String,
    /// Label of a request that names none. Default: `main`.
    pub default_label: String,
    /// Folders that are searched after the root, with placeholders and `*`. Default: none.
    pub search_paths: Vec<String>,
    /// Seconds between two fetches: 0 fetches for every request, a negative number only once. Default: 0.
    pub refresh_rate: i64,
    /// Reads `master` where the default label is `main` and no such branch exists. Default: true.
    pub try_master_branch: bool,
    /// Accepted for the sake of existing configurations, without effect: a forced push always wins.
    pub force_pull: bool,
    /// Fetches repositories without placeholders before the first request. Default: false.
    pub clone_on_start: bool,
    /// Seconds that a request waits for a fetch before it is answered from the last known state. Default: 5.
    pub timeout: u64,
    /// Folder for the copies of repositories. Empty: one below the system's temporary folder that is removed at the
    /// end, so that a restart begins without a last known state.
    pub basedir: PathBuf,
    /// User for remotes that require one. Empty: the user in the URI.
    pub username: String,
    /// Password or token that belongs to `username`.
    pub password: Secret,
    /// Accepts any certificate of an `https:` remote. Default: false.
    pub skip_ssl_validation: bool,
    /// Deletes branches and tags that were removed from the remote. Default: false.
    pub delete_untracked_branches: bool,
    /// Repositories for certain applications and profiles, by name. In the order of their names, the first one that
    /// matches and has the label wins.
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

/// One entry of `repos`. An absent key has the value of [`GitConfig`]'s.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct RepositoryConfig {
    #[serde(serialize_with = "serialize_without_credentials")]
    pub uri: String,
    /// Patterns `application/profile` with `*`; one without a slash matches every profile. Empty: `{name}/*`.
    pub pattern: Vec<String>,
    pub search_paths: Option<Vec<String>>,
    pub default_label: Option<String>,
    pub try_master_branch: Option<bool>,
    pub refresh_rate: Option<i64>,
    pub clone_on_start: Option<bool>,
    pub timeout: Option<u64>,
    pub username: Option<String>,
    pub password: Option<Secret>,
    pub skip_ssl_validation: Option<bool>,
    pub delete_untracked_branches: Option<bool>,
    pub force_pull: Option<bool>,
}

fn serialize_without_credentials<S: Serializer>(uri: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_credentials(uri))
}

// A URI may contain a password.
impl fmt::Debug for GitConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shape = f.debug_struct("GitConfig");
        shape.field("uri", &without_credentials(&self.uri)).field("repos", &self.repos).finish_non_exhaustive()
    }
}

impl fmt::Debug for RepositoryConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepositoryConfig").field("uri", &without_credentials(&self.uri)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_json_contain_no_password() {
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
