//! A config server with one repository, and the five clients that read from it.

use serde_json::{Value, json};

use crate::{
    Language::{JavaScript, Python},
    Repository, Script, ServerProcess,
};

/// Names of the clients in their scripts.
pub const CLIENTS: [&str; 5] = [
    "config_client",
    "spring_config_client",
    "spring_config_client_python",
    "cloud_config_client",
    "spring_cloud_config",
];
/// The clients that can request a label.
pub const LABELLING: [&str; 4] =
    ["config_client", "spring_config_client", "cloud_config_client", "spring_cloud_config"];

/// A server with its repository, and a client process for each language.
#[derive(Debug)]
pub struct ConfigClients {
    pub server: ServerProcess,
    pub repository: Repository,
    /// Process with the three clients in Python.
    pub python: Script,
    /// Process with the two clients in JavaScript.
    pub script: Script,
    /// Path after the server's address.
    pub path: &'static str,
}

impl ConfigClients {
    /// Starts a server of `repository` with the variables `settings`.
    pub async fn start(repository: Repository, settings: &[(&str, &str)]) -> Self {
        let (key, place) = repository.setting();
        let environment: Vec<_> = [(key, place.as_str())].iter().chain(settings).copied().collect();
        let server = ServerProcess::config(&environment).await;
        let start = |language| Script::start(language, "configuration");
        Self { server, repository, python: start(Python), script: start(JavaScript), path: "" }
    }

    /// Reads the properties of `app` with `client`, for `profile` (several with commas) at `label` (empty: none).
    ///
    /// # Errors
    /// The client's error.
    pub async fn try_read(&mut self, client: &str, app: &str, profile: &str, label: &str) -> Result<Value, String> {
        self.read_with(client, app, profile, label, json!({})).await
    }

    /// Reads like [`ConfigClients::try_read`], with the further arguments `more`.
    ///
    /// # Errors
    /// The client's error.
    pub async fn read_with(
        &mut self,
        client: &str,
        app: &str,
        profile: &str,
        label: &str,
        more: Value,
    ) -> Result<Value, String> {
        let mut args = more;
        args["address"] = self.server.url(self.path).into();
        args["app"] = app.into();
        args["profile"] = profile.into();
        args["profiles"] = profile.split(',').collect();
        if !label.is_empty() {
            args["label"] = label.into();
        }
        let is_script = matches!(client, "cloud_config_client" | "spring_cloud_config");
        let script = if is_script { &mut self.script } else { &mut self.python };
        script.try_call(client, args).await
    }

    /// Reads like [`ConfigClients::try_read`]. Panics with the logs when the client fails.
    pub async fn read(&mut self, client: &str, app: &str, profile: &str, label: &str) -> Value {
        match self.try_read(client, app, profile, label).await {
            Ok(properties) => properties,
            Err(error) => panic!("{client} {app} {profile} {label}: {error}\n{}\n{}", self.log(), self.server.log()),
        }
    }

    /// Calls `act` of config-client with this server's address.
    ///
    /// # Errors
    /// The client's error.
    pub async fn config_client(&mut self, act: &str, mut args: Value) -> Result<Value, String> {
        args["address"] = self.server.url(self.path).into();
        self.python.try_call(act, args).await
    }

    /// Returns true when `client` failed with `error` because of the HTTP status `status`.
    #[must_use]
    pub fn failed_with(&self, client: &str, error: &str, status: &str) -> bool {
        // config-client reports the status only in its log.
        error.contains(status) || client == "config_client" && self.python.log().contains(&format!("{status} Client"))
    }

    /// Returns the logs of the clients.
    #[must_use]
    pub fn log(&self) -> String {
        self.python.log() + &self.script.log()
    }
}

/// Returns a property without dots in its name from the result of `client`.
#[must_use]
pub fn plain<'v>(client: &str, properties: &'v Value, name: &str) -> &'v Value {
    if client == "cloud_config_client" { &properties["properties"][name] } else { &properties[name] }
}
