//! The configured repositories: the default one, and each entry of `repos`.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    config::{GitConfig, RepositoryConfig},
    fetch::FetchOptions,
    origin::{Credentials, Origin, without_credentials},
    repository::RefreshOptions,
};
use crate::backend::{
    error::BackendError,
    pattern::{Template, TemplateValues, glob},
    query::Query,
};

/// Limit on the repositories of one entry that are refreshed concurrently, if its URI has placeholders.
const MAX_CONCURRENT_REFRESHES: usize = 8;

/// One repository, or one for each value of the placeholders in its URI.
#[derive(Clone)]
pub(super) struct RepositoryEntry {
    /// Name in `repos`; empty for the default repository.
    name: String,
    /// Patterns of `application/profile`; `None` matches everything.
    patterns: Option<Vec<String>>,
    pub uri: Template,
    /// The configured URI without credentials.
    pub display_uri: String,
    pub credentials: Option<Credentials>,
    pub refresh: RefreshOptions,
    /// Permits to refresh one of the entry's repositories. Each entry has its own, so that hosts that hang delay the
    /// repositories of no other entry.
    refresh_slots: Arc<Semaphore>,
    pub default_label: String,
    try_master_branch: bool,
    pub search_paths: Vec<Template>,
    pub clone_on_start: bool,
}

/// Returns the entries in the order in which they are tried.
pub(super) fn entries(config: &GitConfig) -> Result<Vec<RepositoryEntry>, BackendError> {
    let mut entries = Vec::new();
    for (name, repository) in &config.repos {
        entries.push(RepositoryEntry::new(name, repository, config)?);
    }
    if !config.uri.is_empty() {
        let default = RepositoryConfig { uri: config.uri.clone(), ..RepositoryConfig::default() };
        let default = RepositoryEntry::new("", &default, config)?;
        entries.push(RepositoryEntry { patterns: None, ..default });
    }
    if entries.is_empty() {
        return Err(BackendError::Refused("no Git repository is configured; set git.uri".to_owned()));
    }
    Ok(entries)
}

impl RepositoryEntry {
    fn new(name: &str, own: &RepositoryConfig, config: &GitConfig) -> Result<Self, BackendError> {
        let username = own.username.as_ref().unwrap_or(&config.username);
        let password = own.password.as_ref().unwrap_or(&config.password);
        let has_credentials = !username.is_empty() || !password.expose().is_empty();
        let timeout = own.timeout.unwrap_or(config.timeout);
        let patterns = if own.pattern.is_empty() { vec![name.to_owned()] } else { own.pattern.clone() };
        let search_paths = own.search_paths.as_ref().unwrap_or(&config.search_paths);
        let refresh_rate = own.refresh_rate.unwrap_or(config.refresh_rate);
        let entry = Self {
            name: name.to_owned(),
            patterns: Some(patterns.iter().flat_map(|pattern| expand(pattern)).collect()),
            uri: Template::new(&own.uri),
            display_uri: without_credentials(&own.uri),
            credentials: has_credentials
                .then(|| Credentials { username: username.clone(), password: password.clone() }),
            refresh: RefreshOptions {
                interval: u64::try_from(refresh_rate).ok().map(Duration::from_secs),
                fetch: FetchOptions {
                    timeout: Duration::from_secs(timeout),
                    skip_ssl_validation: own.skip_ssl_validation.unwrap_or(config.skip_ssl_validation),
                    delete_untracked_branches: own
                        .delete_untracked_branches
                        .unwrap_or(config.delete_untracked_branches),
                },
            },
            refresh_slots: Arc::new(Semaphore::new(MAX_CONCURRENT_REFRESHES)),
            default_label: own.default_label.as_ref().unwrap_or(&config.default_label).clone(),
            try_master_branch: own.try_master_branch.unwrap_or(config.try_master_branch),
            search_paths: search_paths.iter().map(|path| Template::new(path)).collect(),
            clone_on_start: own.clone_on_start.unwrap_or(config.clone_on_start),
        };
        entry.check(&own.uri, timeout)?;
        Ok(entry)
    }

    /// Finds as many mistakes as possible at start, instead of with the first request.
    fn check(&self, uri: &str, timeout: u64) -> Result<(), BackendError> {
        if timeout == 0 || timeout > 3_600 {
            return Err(self.error("its timeout is not between 1 and 3600 seconds"));
        }
        let example = TemplateValues { application: "application", profile: "default", label: "main" };
        let uri = if self.uri.has_placeholders() { self.uri.fill(example)? } else { uri.to_owned() };
        Origin::parse(&uri, None).map_err(|error| self.error(&error))?;
        for path in &self.search_paths {
            path.folders(example, false).map_err(|_| self.error("one of its search paths leads upwards"))?;
        }
        Ok(())
    }

    /// Returns an error of the configuration that names this entry.
    pub fn error(&self, reason: &str) -> BackendError {
        let key = if self.name.is_empty() { "git".to_owned() } else { format!("git.repos.{}", self.name) };
        BackendError::Refused(format!("{key}: the repository {} cannot be used: {reason}", self.display_uri))
    }

    pub fn matches(&self, query: &Query<'_>) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        let names = format!("{}/{}", query.applications.join(","), query.profiles.join(","));
        patterns.iter().any(|pattern| glob(pattern, &names))
    }

    /// True when a repository without the branch `label` is read at `master` instead.
    pub fn falls_back_to_master(&self, label: &str) -> bool {
        self.try_master_branch && label == "main" && self.default_label == "main"
    }

    /// Returns the permits for refreshing, which are limited only where placeholders make many repositories.
    pub fn refresh_slots(&self) -> Option<Arc<Semaphore>> {
        self.uri.has_placeholders().then(|| Arc::clone(&self.refresh_slots))
    }

    /// Returns the name of the mirror of the repository at `uri`: stable across restarts, and different for every
    /// entry.
    pub fn mirror_name(&self, uri: &str) -> String {
        let text = format!("{}\0{uri}", self.name);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        hex::encode(digest).chars().take(32).collect()
    }
}

/// Expands a configured pattern: without a slash it matches every profile, and one that does not end in `*` also
/// matches lists of profiles that begin with its own.
fn expand(pattern: &str) -> Vec<String> {
    let whole = if pattern.contains('/') { pattern.to_owned() } else { format!("{pattern}/*") };
    if whole.ends_with('*') { vec![whole] } else { vec![format!("{whole},*"), whole] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(patterns: &[&str], applications: &[&str], profiles: &[&str]) -> bool {
        let owned = |texts: &[&str]| -> Vec<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
        let repository =
            RepositoryConfig { uri: "/srv/x".to_owned(), pattern: owned(patterns), ..RepositoryConfig::default() };
        let config = GitConfig { repos: [("named".to_owned(), repository)].into(), ..GitConfig::default() };
        let applications = owned(applications);
        let profiles = owned(profiles);
        let query = Query { applications: &applications, profiles: &profiles, label: None };
        entries(&config).unwrap()[0].matches(&query)
    }

    #[test]
    fn patterns() {
        assert!(matches(&["shop*/dev*"], &["shop-api"], &["dev2"]));
        assert!(matches(&["shop"], &["shop"], &["anything"]));
        assert!(!matches(&["shop"], &["shop2"], &["anything"]));
        assert!(matches(&["*/dev"], &["shop"], &["dev", "db"]));
        assert!(!matches(&["*/dev"], &["shop"], &["db", "dev"]));
        assert!(matches(&["x", "*/db,dev"], &["shop"], &["db", "dev"]));
        assert!(matches(&[], &["named"], &["dev"]) && !matches(&[], &["shop"], &["dev"]));
    }

    #[test]
    fn a_wrong_configuration_is_reported_at_start_without_its_password() {
        let refused = |config: GitConfig| entries(&config).map(drop).unwrap_err().to_string();
        assert!(refused(GitConfig::default()).contains("set git.uri"));
        let uri = "ftp://joe:secret@host/x".to_owned();
        let text = refused(GitConfig { uri, ..GitConfig::default() });
        assert!(text.contains("ftp://host/x") && !text.contains("secret"), "{text}");
        let upwards = vec!["../x".to_owned()];
        refused(GitConfig { uri: "/srv/x".to_owned(), search_paths: upwards, ..GitConfig::default() });
        refused(GitConfig { uri: "/srv/x".to_owned(), timeout: 0, ..GitConfig::default() });
    }
}
