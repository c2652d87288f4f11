//! Reads configuration without HTTP: environments and files, decrypted.

mod plain_text;

use std::{collections::BTreeMap, sync::Arc};

use souk_values::{Clock, IdGen};

use crate::{
    backend::{Backend, File, GitBackend, NativeBackend, Query, Snapshot},
    cipher::{CIPHER_PREFIX, Encryptor},
    config::ConfigServerConfig,
    environment::{self, Environment, LocationOrder, Placeholders, ValueChange},
    error::ConfigServerError,
    metrics,
    request::Target,
};

/// Limit on the labels of one request.
const MAX_LABELS: usize = 16;

/// Reads the configuration of one backend. Cloning shares it.
#[derive(Clone)]
pub struct ConfigReader(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    encryptor: Encryptor,
    decrypts_environments: bool,
    decrypts_resources: bool,
    /// Prefix of the key of a property that cannot be decrypted.
    invalid_prefix: &'static str,
    default_label: Option<String>,
    accept_empty: bool,
    overrides: BTreeMap<String, String>,
    location_order: LocationOrder,
}

/// A file for a resource request.
pub(crate) struct ServedFile {
    pub file: File,
    /// The processed text; `None` for a file that is not UTF-8, or was requested as bytes.
    pub text: Option<String>,
}

/// The processing that a resource request demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResourceOptions {
    /// Returns the bytes as they are stored.
    pub raw: bool,
    pub resolve_placeholders: bool,
}

impl ConfigReader {
    /// Opens the backend and loads the keys of `config`. `default_backend` is read when `config` names no other.
    ///
    /// Errors: all mistakes of the configuration, a sentence each.
    pub fn open(
        config: &ConfigServerConfig,
        clock: &Arc<dyn Clock>,
        ids: &IdGen,
        default_backend: Option<Arc<dyn Backend>>,
    ) -> Result<Self, Vec<String>> {
        let backend = open_backend(config, clock, ids, default_backend);
        let encryptor = Encryptor::new(&config.encrypt);
        let (backend, encryptor) = match (backend, encryptor) {
            (Ok(backend), Ok(encryptor)) => (backend, encryptor),
            (backend, encryptor) => {
                return Err(backend.err().into_iter().chain(encryptor.err().into_iter().flatten()).collect());
            }
        };
        let is_reversed = config.resource.reverse_location_order;
        Ok(Self(Arc::new(Inner {
            backend,
            encryptor,
            decrypts_environments: config.encrypt.enabled,
            decrypts_resources: config.encrypt.enabled && config.encrypt.plain_text_encrypt,
            invalid_prefix: if config.encrypt.prefix_invalid_properties { "invalid." } else { "" },
            default_label: Some(config.default_label.clone()).filter(|label| !label.is_empty()),
            accept_empty: config.accept_empty,
            overrides: config.overrides.0.iter().cloned().collect(),
            location_order: if is_reversed { LocationOrder::StrongestFirst } else { LocationOrder::RootFirst },
        })))
    }

    pub(crate) fn encryptor(&self) -> &Encryptor {
        &self.0.encryptor
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.0.backend
    }

    /// Returns the environment of `applications` under `profiles`, decrypted and with overrides. Of several
    /// applications or profiles the last is the strongest. `label` may be a list with commas.
    ///
    /// Errors: the label is unknown, the repository cannot be used, or a file cannot be parsed.
    pub async fn environment(
        &self,
        applications: &[String],
        profiles: &[String],
        label: Option<&str>,
    ) -> Result<Environment, ConfigServerError> {
        let labels = label.map(|label| label.split(',').map(str::to_owned).collect()).unwrap_or_default();
        let target = Target { applications: applications.to_vec(), profiles: profiles.to_vec(), labels };
        self.target_environment(&target).await
    }

    /// Returns the environment that a request names; see [`ConfigReader::environment`].
    pub(crate) async fn target_environment(&self, target: &Target) -> Result<Environment, ConfigServerError> {
        let snapshots = self.snapshots(target).await?;
        let inner = Arc::clone(&self.0);
        let target = target.clone();
        blocking(move || inner.environment(&target, &snapshots)).await
    }

    /// Returns a file of the repository; `None` when no location has it.
    pub(crate) async fn file(
        &self,
        target: &Target,
        path: &str,
        options: ResourceOptions,
    ) -> Result<Option<ServedFile>, ConfigServerError> {
        let snapshots = self.snapshots(target).await?;
        let inner = Arc::clone(&self.0);
        let target = target.clone();
        let path = path.to_owned();
        blocking(move || inner.file(&target, &path, options, &snapshots)).await
    }

    /// Checks that requests can be answered. The error has a sentence for each part that cannot be used.
    pub(crate) async fn probe(&self) -> Result<(), String> {
        self.0.backend.probe().await.map_err(|failures| failures.join("; "))
    }

    /// Returns a snapshot for each label in order, or that of the default label for a request that names none.
    async fn snapshots(&self, target: &Target) -> Result<Vec<Snapshot>, ConfigServerError> {
        if target.labels.len() > MAX_LABELS {
            return Err(ConfigServerError::Invalid(format!("A request may name {MAX_LABELS} labels at most.")));
        }
        let mut snapshots = Vec::new();
        for label in self.0.labels(target) {
            let snapshot = self.0.backend.snapshot(&query(target, label)).await;
            metrics::count_snapshot(&snapshot);
            snapshots.push(snapshot?);
        }
        Ok(snapshots)
    }
}

/// Returns the Git backend if it is configured, else the native one if that is, else `default_backend`.
fn open_backend(
    config: &ConfigServerConfig,
    clock: &Arc<dyn Clock>,
    ids: &IdGen,
    default_backend: Option<Arc<dyn Backend>>,
) -> Result<Arc<dyn Backend>, String> {
    let has_git = !config.git.uri.is_empty() || !config.git.repos.is_empty();
    match (has_git, &config.native, default_backend) {
        (true, Some(_), _) => Err("config-server: git.uri and native.search-locations are both set; \
                                   configuration comes from one of them, so remove the other"
            .to_owned()),
        (true, None, _) => {
            let backend = GitBackend::new(&config.git, Arc::clone(clock), ids);
            Ok(Arc::new(backend.map_err(|error| format!("config-server.git: {error}"))?))
        }
        (false, Some(native), _) => {
            let backend = NativeBackend::new(native);
            Ok(Arc::new(backend.map_err(|error| format!("config-server.native: {error}"))?))
        }
        (false, None, Some(backend)) => Ok(backend),
        (false, None, None) => {
            Err("config-server: no source of configuration is set: set git.uri to a Git repository, \
                                    or native.search-locations to a folder"
                .to_owned())
        }
    }
}

impl Inner {
    fn labels<'t>(&'t self, target: &'t Target) -> Vec<Option<&'t str>> {
        match target.labels.as_slice() {
            [] => vec![self.default_label.as_deref()],
            labels => labels.iter().map(|label| Some(label.as_str())).collect(),
        }
    }

    fn environment(&self, target: &Target, snapshots: &[Snapshot]) -> Result<Environment, ConfigServerError> {
        let mut environment = Environment {
            name: target.applications.join(","),
            profiles: target.profiles.clone(),
            label: Some(target.labels.join(",")).filter(|label| !label.is_empty()),
            version: None,
            property_sources: Vec::new(),
        };
        let mut versions = Vec::new();
        let labelled: Vec<_> = self.labels(target).into_iter().zip(snapshots).collect();
        // The last label is the strongest.
        for (label, snapshot) in labelled.into_iter().rev() {
            let mut one = environment::read(snapshot, &query(target, label))?;
            if let [_, _, ..] = target.labels.as_slice() {
                // Clients distinguish sources by name, and two labels may have the same file.
                let label = label.unwrap_or_default();
                for source in &mut one.property_sources {
                    source.name = format!("{} ({label})", source.name);
                }
            }
            environment.property_sources.extend(one.property_sources);
            versions.extend(one.version);
        }
        versions.reverse();
        environment.version = Some(versions.join(",")).filter(|version| !version.is_empty());
        environment.add_overrides(&self.overrides);
        if self.decrypts_environments {
            self.decrypt(&mut environment);
        }
        if environment.property_sources.is_empty() && !self.accept_empty {
            let name = environment.name.escape_default();
            return Err(ConfigServerError::NotFound(format!("There is no configuration of '{name}'.")));
        }
        Ok(environment)
    }

    /// Decrypts all values, and withholds those that cannot be decrypted.
    fn decrypt(&self, environment: &mut Environment) {
        environment.map_values(|source, key, text| {
            if !text.starts_with(CIPHER_PREFIX) {
                return ValueChange::Keep;
            }
            match self.encryptor.decrypt(text) {
                Ok(plain) => ValueChange::Text(plain),
                Err(error) => {
                    metrics::count_decrypt_failure();
                    tracing::warn!(source, key, error = %error, "a value cannot be decrypted and is withheld");
                    ValueChange::Replace { key: format!("{}{key}", self.invalid_prefix), value: "<n/a>".to_owned() }
                }
            }
        });
    }

    fn file(
        &self,
        target: &Target,
        path: &str,
        options: ResourceOptions,
        snapshots: &[Snapshot],
    ) -> Result<Option<ServedFile>, ConfigServerError> {
        for (label, snapshot) in self.labels(target).into_iter().zip(snapshots).rev() {
            let found = environment::find_resource(snapshot, &query(target, label), path, self.location_order)?;
            let Some(file) = found else { continue };
            let text = std::str::from_utf8(&file.bytes).ok().filter(|_| !options.raw).map(str::to_owned);
            let Some(mut text) = text else { return Ok(Some(ServedFile { file, text: None })) };
            if self.decrypts_resources {
                text = plain_text::decrypt(&text, path, &self.encryptor);
            }
            if options.resolve_placeholders && text.contains("${") {
                text = Placeholders::of(&self.environment(target, snapshots)?).resolve(&text);
            }
            return Ok(Some(ServedFile { file, text: Some(text) }));
        }
        Ok(None)
    }
}

fn query<'q>(target: &'q Target, label: Option<&'q str>) -> Query<'q> {
    Query { applications: &target.applications, profiles: &target.profiles, label }
}

/// Runs `work` on a blocking thread: reading files and RSA would delay the other requests of a runtime thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConfigServerError> + Send + 'static,
) -> Result<T, ConfigServerError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ConfigServerError::Internal("reading the configuration panicked".to_owned())))
}
