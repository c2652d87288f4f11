//! The answers themselves, without HTTP: environments and files, decrypted.

mod plain_text;

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    asked::Target,
    backend::{Backend, Query, Snapshot},
    cipher::{CIPHER, Encryptor},
    config::ConfigServerConfig,
    environment::{self, Change, Environment, LocationOrder, Resource},
    error::ConfigServerError,
    metrics,
};

/// A request may name so many labels.
const MOST_LABELS: usize = 16;

/// Serves the configuration of one backend. Cloning shares it.
#[derive(Clone)]
pub struct ConfigServer(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    decryption: Decryption,
    default_label: Option<String>,
    accept_empty: bool,
    overrides: BTreeMap<String, String>,
    location_order: LocationOrder,
}

/// What is done with `{cipher}` values.
struct Decryption {
    encryptor: Encryptor,
    /// In environments.
    is_on: bool,
    /// In files that are handed out.
    is_on_in_files: bool,
    prefixes_invalid: bool,
}

/// A file to be handed out.
pub struct Found {
    /// The file, as it is stored.
    pub resource: Resource,
    /// Its text with placeholders resolved; `None` when it is no text or is wanted as it is.
    pub text: Option<String>,
}

/// How a file is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// As bytes, without looking into it.
    pub raw: bool,
    /// With placeholders resolved.
    pub resolved: bool,
}

impl ConfigServer {
    /// Serves `backend` as `config` says, decrypting with `encryptor`.
    #[must_use]
    pub fn new(config: &ConfigServerConfig, backend: Arc<dyn Backend>, encryptor: Encryptor) -> Self {
        let reversed = config.resource.reverse_location_order;
        Self(Arc::new(Inner {
            backend,
            decryption: Decryption {
                encryptor,
                is_on: config.encrypt.enabled,
                is_on_in_files: config.encrypt.enabled && config.encrypt.plain_text_encrypt,
                prefixes_invalid: config.encrypt.prefix_invalid_properties,
            },
            default_label: Some(config.default_label.clone()).filter(|label| !label.is_empty()),
            accept_empty: config.accept_empty,
            overrides: config.overrides.0.iter().cloned().collect(),
            location_order: if reversed { LocationOrder::StrongestFirst } else { LocationOrder::RootFirst },
        }))
    }

    /// What encrypts and decrypts.
    #[must_use]
    pub fn encryptor(&self) -> &Encryptor {
        &self.0.decryption.encryptor
    }

    /// Where the files come from.
    #[must_use]
    pub fn backend(&self) -> &dyn Backend {
        &*self.0.backend
    }

    /// What the applications are configured with under these profiles: decrypted, overrides first. Several
    /// applications and profiles: the last is the strongest. `label` may be several, joined by commas.
    ///
    /// Errors: the label is not known, the repository cannot be used, a file cannot be parsed.
    pub async fn environment(
        &self,
        applications: &[String],
        profiles: &[String],
        label: Option<&str>,
    ) -> Result<Environment, ConfigServerError> {
        let labels = label.map(|label| label.split(',').map(str::to_owned).collect()).unwrap_or_default();
        self.of(&Target { applications: applications.to_vec(), profiles: profiles.to_vec(), labels }).await
    }

    /// The same for a request.
    pub async fn of(&self, target: &Target) -> Result<Environment, ConfigServerError> {
        let snapshots = self.snapshots(target).await?;
        let (inner, target) = (Arc::clone(&self.0), target.clone());
        blocking(move || inner.environment(&target, &snapshots)).await
    }

    /// A file. `None`: there is none at `path` in any location.
    pub async fn file(&self, target: &Target, path: &str, wanted: Wanted) -> Result<Option<Found>, ConfigServerError> {
        let snapshots = self.snapshots(target).await?;
        let (inner, target, path) = (Arc::clone(&self.0), target.clone(), path.to_owned());
        blocking(move || inner.file(&target, &path, wanted, &snapshots)).await
    }

    /// Whether requests can be answered. Errors: a sentence for each part that is missing.
    pub async fn check(&self) -> Result<(), String> {
        self.0.backend.probe().await.map_err(|wrong| wrong.join("; "))
    }

    /// One for each label, in their order; one for the default label when there are none.
    async fn snapshots(&self, target: &Target) -> Result<Vec<Snapshot>, ConfigServerError> {
        if target.labels.len() > MOST_LABELS {
            return Err(ConfigServerError::Invalid(format!("A request may name {MOST_LABELS} labels at most.")));
        }
        let mut snapshots = Vec::new();
        for label in self.0.labels(target) {
            let taken = self.0.backend.snapshot(&query(target, label)).await;
            metrics::looked(&taken);
            snapshots.push(taken?);
        }
        Ok(snapshots)
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
                // The same file of another label is another source: clients know sources by their names.
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
        if self.decryption.is_on {
            self.decrypt(&mut environment);
        }
        if environment.property_sources.is_empty() && !self.accept_empty {
            let name = environment.name.escape_default();
            return Err(ConfigServerError::NotFound(format!("There is no configuration of '{name}'.")));
        }
        Ok(environment)
    }

    /// What cannot be decrypted is not handed out.
    fn decrypt(&self, environment: &mut Environment) {
        environment.map_values(|source, key, text| {
            if !text.starts_with(CIPHER) {
                return Change::Keep;
            }
            match self.decryption.encryptor.decrypt(text) {
                Ok(plain) => Change::Text(plain),
                Err(error) => {
                    metrics::undecrypted();
                    tracing::warn!(source, key, error = %error, "a value cannot be decrypted and is not handed out");
                    let key = if self.decryption.prefixes_invalid { format!("invalid.{key}") } else { key.to_owned() };
                    Change::Become { key, value: "<n/a>".to_owned() }
                }
            }
        });
    }

    fn file(
        &self,
        target: &Target,
        path: &str,
        wanted: Wanted,
        snapshots: &[Snapshot],
    ) -> Result<Option<Found>, ConfigServerError> {
        for (label, snapshot) in self.labels(target).into_iter().zip(snapshots).rev() {
            let found = environment::resource(snapshot, &query(target, label), path, self.location_order)?;
            let Some(resource) = found else { continue };
            if wanted.raw {
                return Ok(Some(Found { resource, text: None }));
            }
            let Ok(text) = std::str::from_utf8(&resource.bytes) else {
                return Ok(Some(Found { resource, text: None }));
            };
            let mut text = text.to_owned();
            if self.decryption.is_on_in_files {
                text = plain_text::decrypt(&text, path, &self.decryption.encryptor);
            }
            if wanted.resolved && text.contains("${") {
                text = self.environment(target, snapshots)?.resolve_placeholders(&text);
            }
            return Ok(Some(Found { resource, text: Some(text) }));
        }
        Ok(None)
    }
}

fn query<'q>(target: &'q Target, label: Option<&'q str>) -> Query<'q> {
    Query { applications: &target.applications, profiles: &target.profiles, label }
}

/// Reading files and RSA take their time: not on a thread that serves others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ConfigServerError> + Send + 'static,
) -> Result<T, ConfigServerError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(ConfigServerError::Internal("reading the configuration panicked".to_owned())))
}
