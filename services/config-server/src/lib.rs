//! The configuration of all services, for any Spring Cloud Config client.

pub mod backend;
pub mod cipher;
pub mod config;
pub mod environment;

mod app;
mod asked;
mod error;
mod metrics;
mod monitor;
mod routes;
mod security;
mod server;

use std::sync::Arc;

use axum::middleware;
use souk_kit::{Deps, Service, StartError, config::ConfigError};
use souk_values::{Clock, IdGen};

pub use app::Refresh;
pub use config::ConfigServerConfig;
pub use error::ConfigServerError;
pub use monitor::RefreshEvent;
pub use routes::openapi;
pub use server::ConfigServer;

use app::App;
use backend::{Backend, GitBackend, NativeBackend};
use cipher::Encryptor;
use security::Credentials;

/// What the config server is given beside its configuration.
#[derive(Default)]
pub struct Extras {
    /// Whether it listens on this machine's own address only.
    pub is_loopback: bool,
    /// Where configuration comes from when neither Git nor a folder is configured.
    pub default_backend: Option<Arc<dyn Backend>>,
    /// Publishes refresh events. `None`: there is no bus, and applications are not told.
    pub refresh: Option<Refresh>,
}

/// Builds the service: opens the repository or folder, makes the keys.
///
/// Errors: all mistakes of the configuration at once; a repository that `clone-on-start` could not fetch.
pub async fn build(config: ConfigServerConfig, deps: &Deps, extras: Extras) -> Result<Service, StartError> {
    let credentials = Credentials::new(&config.security);
    let server = ConfigServer::open(&config, &deps.clock, &deps.ids, extras.default_backend);
    let prefix = prefix_of(&config.prefix);
    let (credentials, server, prefix) = match (credentials, server, prefix) {
        (Ok(credentials), Ok(server), Ok(prefix)) => (credentials, server, prefix),
        (credentials, server, prefix) => {
            let lists = [credentials.err(), server.err(), prefix.err().map(|mistake| vec![mistake])];
            return Err(ConfigError(lists.into_iter().flatten().flatten().collect()).into());
        }
    };
    server.backend().begin().await.map_err(|error| StartError::Other(error.to_string()))?;
    warn_of_what_is_open(&credentials, extras.is_loopback);
    metrics::describe();
    let app = App {
        server: server.clone(),
        credentials: Arc::new(credentials),
        clock: Arc::clone(&deps.clock),
        ids: deps.ids.clone(),
        refresh: extras.refresh,
        monitor_secret: config.monitor.secret,
        health: Arc::default(),
        prefix: prefix.into(),
    };
    let router = routes::table(&app.prefix).with_state(app.clone());
    Ok(Service::new("config-server", router, openapi())
        .without_bus()
        .needing("configuration", move || {
            let server = server.clone();
            async move { server.check().await }
        })
        .guarded(move |routes| {
            routes
                .layer(middleware::from_fn_with_state(app.clone(), security::guard))
                .layer(middleware::from_fn_with_state(app, error::dress))
        }))
}

impl ConfigServer {
    /// The server that `config` describes, without HTTP: for whoever reads configuration in the same process.
    ///
    /// Errors: all mistakes of the configuration, a sentence each.
    pub fn open(
        config: &ConfigServerConfig,
        clock: &Arc<dyn Clock>,
        ids: &IdGen,
        default_backend: Option<Arc<dyn Backend>>,
    ) -> Result<Self, Vec<String>> {
        let backend = backend_of(config, clock, ids, default_backend);
        let encryptor = Encryptor::new(&config.encrypt);
        match (backend, encryptor) {
            (Ok(backend), Ok(encryptor)) => Ok(Self::new(config, backend, encryptor)),
            (backend, encryptor) => {
                let mistakes = backend.err().map(|mistake| vec![mistake]);
                Err(mistakes.into_iter().chain(encryptor.err()).flatten().collect())
            }
        }
    }
}

/// Git if it is configured, else the configured folders, else what was given.
fn backend_of(
    config: &ConfigServerConfig,
    clock: &Arc<dyn Clock>,
    ids: &IdGen,
    default_backend: Option<Arc<dyn Backend>>,
) -> Result<Arc<dyn Backend>, String> {
    let has_git = !config.git.uri.is_empty() || !config.git.repos.is_empty();
    match (has_git, &config.native, default_backend) {
        (true, Some(_), _) => Err("config-server: git.uri and native.search-locations are both set; \
                                   configuration comes from one of them, so take one away"
            .to_owned()),
        (true, None, _) => match GitBackend::new(&config.git, Arc::clone(clock), ids) {
            Ok(backend) => Ok(Arc::new(backend)),
            Err(error) => Err(format!("config-server.git: {error}")),
        },
        (false, Some(native), _) => match NativeBackend::new(native) {
            Ok(backend) => Ok(Arc::new(backend)),
            Err(error) => Err(format!("config-server.native: {error}")),
        },
        (false, None, Some(backend)) => Ok(backend),
        (false, None, None) => Err("config-server: say where the configuration is: set git.uri to a Git repository, \
                                    or native.search-locations to a folder"
            .to_owned()),
    }
}

/// With a slash before it and none after it; empty for none.
fn prefix_of(written: &str) -> Result<String, String> {
    let prefix = written.trim_matches('/');
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if !prefix.chars().all(is_plain) || prefix.contains("..") || prefix.contains("//") {
        return Err(
            "config-server.prefix takes letters, digits and -_. with slashes between, such as /config".to_owned()
        );
    }
    let first = prefix.split('/').next().unwrap_or_default();
    if matches!(first, "actuator" | "monitor" | "health" | "metrics" | "info" | "docs" | "openapi.json") {
        return Err(format!("config-server.prefix: /{first} is taken"));
    }
    Ok(if prefix.is_empty() { String::new() } else { format!("/{prefix}") })
}

fn warn_of_what_is_open(credentials: &Credentials, is_loopback: bool) {
    if !credentials.are_none() {
        return;
    }
    let advice = "set config-server.security.user and config-server.security.password";
    if is_loopback {
        tracing::warn!(advice, "no credentials are configured: whoever is on this machine may read all configuration");
    } else {
        tracing::warn!(advice, "no credentials are configured: only requests of this machine itself are answered");
    }
}
