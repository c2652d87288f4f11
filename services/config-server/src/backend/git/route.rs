//! Which repository is for whom, and how it is read: the default, and each entry of `repos`.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{
    super::{
        BackendError, GitConfig, Query, RepositoryConfig,
        pattern::{Template, glob},
    },
    fetch::Manner,
    origin::{Credentials, Origin, shown},
    repository::Terms,
};

/// How many repositories of a route whose URI has placeholders are looked at at once.
const LOOKS_AT_ONCE: usize = 8;

/// One repository, or one for each value of the placeholders in its URI.
#[derive(Clone)]
pub(super) struct Route {
    /// Empty for the default.
    name: String,
    /// `None`: for everything.
    patterns: Option<Vec<String>>,
    pub uri: Template,
    /// The URI without credentials.
    pub shown: String,
    pub credentials: Option<Credentials>,
    pub terms: Terms,
    /// For its repositories, if its URI has placeholders: hosts that hang keep no other route's waiting.
    pub looks: Arc<Semaphore>,
    pub default_label: String,
    tries_master: bool,
    pub search_paths: Vec<Template>,
    pub clones_on_start: bool,
}

/// In the order in which they are asked.
pub(super) fn all(config: &GitConfig) -> Result<Vec<Route>, BackendError> {
    let mut routes = Vec::new();
    for (name, entry) in &config.repos {
        routes.push(Route::new(name, entry, config)?);
    }
    if !config.uri.is_empty() {
        let whole = RepositoryConfig { uri: config.uri.clone(), ..RepositoryConfig::default() };
        let mut route = Route::new("", &whole, config)?;
        route.patterns = None;
        routes.push(route);
    }
    if routes.is_empty() {
        return Err(BackendError::Refused("no Git repository is configured; set git.uri".to_owned()));
    }
    Ok(routes)
}

impl Route {
    fn new(name: &str, entry: &RepositoryConfig, config: &GitConfig) -> Result<Self, BackendError> {
        let username = entry.username.as_ref().unwrap_or(&config.username);
        let password = entry.password.as_ref().unwrap_or(&config.password);
        let credentials = (!username.is_empty() || !password.expose().is_empty())
            .then(|| Credentials { username: username.clone(), password: password.clone() });
        let timeout = entry.timeout.unwrap_or(config.timeout);
        let patterns = if entry.pattern.is_empty() { vec![name.to_owned()] } else { entry.pattern.clone() };
        let search_paths = entry.search_paths.as_ref().unwrap_or(&config.search_paths);
        let route = Self {
            name: name.to_owned(),
            patterns: Some(patterns.iter().flat_map(|pattern| spelled_out(pattern)).collect()),
            uri: Template::new(&entry.uri),
            shown: shown(&entry.uri),
            credentials,
            terms: Terms {
                refresh_rate: entry.refresh_rate.unwrap_or(config.refresh_rate),
                manner: Manner {
                    timeout: Duration::from_secs(timeout),
                    skip_ssl_validation: entry.skip_ssl_validation.unwrap_or(config.skip_ssl_validation),
                    forgets: entry.delete_untracked_branches.unwrap_or(config.delete_untracked_branches),
                },
            },
            looks: Arc::new(Semaphore::new(LOOKS_AT_ONCE)),
            default_label: entry.default_label.as_ref().unwrap_or(&config.default_label).clone(),
            tries_master: entry.try_master_branch.unwrap_or(config.try_master_branch),
            search_paths: search_paths.iter().map(|path| Template::new(path)).collect(),
            clones_on_start: entry.clone_on_start.unwrap_or(config.clone_on_start),
        };
        route.check(&entry.uri, timeout)?;
        Ok(route)
    }

    /// What can be found wrong at the start is.
    fn check(&self, uri: &str, timeout: u64) -> Result<(), BackendError> {
        if timeout == 0 || timeout > 3_600 {
            return Err(self.refused("its timeout is not between 1 and 3600 seconds"));
        }
        let example = super::Values { application: "application", profile: "default", label: "main" };
        let uri = if self.uri.has_placeholders() { self.uri.fill(example)? } else { uri.to_owned() };
        Origin::parse(&uri, None).map_err(|error| self.refused(&error))?;
        for path in &self.search_paths {
            path.folders(example, false).map_err(|_| self.refused("a search path of it leads upwards"))?;
        }
        Ok(())
    }

    /// An error of the configuration.
    pub fn refused(&self, why: &str) -> BackendError {
        let key = if self.name.is_empty() { "git".to_owned() } else { format!("git.repos.{}", self.name) };
        BackendError::Refused(format!("{key}: the repository {} cannot be used: {why}", self.shown))
    }

    pub fn is_for(&self, query: &Query<'_>) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        let asked = format!("{}/{}", query.applications.join(","), query.profiles.join(","));
        patterns.iter().any(|pattern| glob(pattern, &asked))
    }

    pub fn is_main_then_master(&self, label: &str) -> bool {
        self.tries_master && label == "main" && self.default_label == "main"
    }

    /// The name of the copy of the repository at `uri`: the same after a restart, and another for every entry.
    pub fn copy_name(&self, uri: &str) -> String {
        let text = format!("{}\0{uri}", self.name);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        hex::encode(digest).chars().take(32).collect()
    }
}

/// A pattern as it is matched: without a slash for every profile, and for a list of profiles that begins as it says.
fn spelled_out(pattern: &str) -> Vec<String> {
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
        let (applications, profiles) = (owned(applications), owned(profiles));
        let query = Query { applications: &applications, profiles: &profiles, label: None };
        all(&config).unwrap()[0].is_for(&query)
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
    fn a_wrong_configuration_is_told_at_the_start_and_without_its_password() {
        let refused = |config: GitConfig| all(&config).map(drop).unwrap_err().to_string();
        assert!(refused(GitConfig::default()).contains("set git.uri"));
        let uri = "ftp://joe:secret@host/x".to_owned();
        let text = refused(GitConfig { uri, ..GitConfig::default() });
        assert!(text.contains("ftp://host/x") && !text.contains("secret"), "{text}");
        let upwards = vec!["../x".to_owned()];
        refused(GitConfig { uri: "/srv/x".to_owned(), search_paths: upwards, ..GitConfig::default() });
        refused(GitConfig { uri: "/srv/x".to_owned(), timeout: 0, ..GitConfig::default() });
    }
}
