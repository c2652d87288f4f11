//! A config server of one repository, and the five clients that read from it.

use serde_json::{Value, json};

use crate::{
    Language::{JavaScript, Python},
    Repository, Script, Served,
};

/// Every client of a config server, by what its script calls it.
pub const CLIENTS: [&str; 5] = [
    "config_client",
    "spring_config_client",
    "spring_config_client_python",
    "cloud_config_client",
    "spring_cloud_config",
];
/// Those that can ask for a label.
pub const LABELLING: [&str; 4] =
    ["config_client", "spring_config_client", "cloud_config_client", "spring_cloud_config"];

/// A server, what it serves, and a process of each language.
#[derive(Debug)]
pub struct Configuring {
    /// The server.
    pub server: Served,
    /// What it serves.
    pub repository: Repository,
    /// The three clients in Python.
    pub python: Script,
    /// The two in JavaScript.
    pub script: Script,
    /// What goes after the server's address.
    pub path: &'static str,
}

impl Configuring {
    /// A server of `repository` with these settings.
    pub async fn start(repository: Repository, settings: &[(&str, &str)]) -> Self {
        let (key, place) = repository.setting();
        let environment: Vec<_> = [(key, place.as_str())].iter().chain(settings).copied().collect();
        let server = Served::config(&environment).await;
        let start = |language| Script::start(language, "configuration");
        Self { server, repository, python: start(Python), script: start(JavaScript), path: "" }
    }

    /// Asks with `client` for the properties of `app`, for `profile` (`a,b`: two) at `label`, if it is to say one.
    ///
    /// # Errors
    /// What the client says.
    pub async fn try_read(&mut self, client: &str, app: &str, profile: &str, label: &str) -> Result<Value, String> {
        self.read_with(client, app, profile, label, json!({})).await
    }

    /// The same with `more` said to the client.
    ///
    /// # Errors
    /// What the client says.
    pub async fn read_with(
        &mut self,
        client: &str,
        app: &str,
        profile: &str,
        label: &str,
        more: Value,
    ) -> Result<Value, String> {
        let mut ask = more;
        ask["address"] = self.server.url(self.path).into();
        ask["app"] = app.into();
        ask["profile"] = profile.into();
        ask["profiles"] = profile.split(',').collect();
        if !label.is_empty() {
            ask["label"] = label.into();
        }
        let is_script = matches!(client, "cloud_config_client" | "spring_cloud_config");
        let script = if is_script { &mut self.script } else { &mut self.python };
        script.try_ask(client, ask).await
    }

    /// The same where the client must not fail.
    pub async fn read(&mut self, client: &str, app: &str, profile: &str, label: &str) -> Value {
        match self.try_read(client, app, profile, label).await {
            Ok(told) => told,
            Err(error) => panic!("{client} {app} {profile} {label}: {error}\n{}\n{}", self.said(), self.server.log()),
        }
    }

    /// Has config-client do `act`, with this server's address.
    ///
    /// # Errors
    /// What the client says.
    pub async fn config_client(&mut self, act: &str, mut ask: Value) -> Result<Value, String> {
        ask["address"] = self.server.url(self.path).into();
        self.python.try_ask(act, ask).await
    }

    /// Whether `client` failed with `error` because the server answered `status`.
    #[must_use]
    pub fn was_told(&self, client: &str, error: &str, status: &str) -> bool {
        // config-client says it in its log alone.
        error.contains(status) || client == "config_client" && self.python.said().contains(&format!("{status} Client"))
    }

    /// What the clients wrote to their logs.
    #[must_use]
    pub fn said(&self) -> String {
        self.python.said() + &self.script.said()
    }
}

/// A property that has no dots in its name, as `client` shows it.
#[must_use]
pub fn plain<'v>(client: &str, told: &'v Value, name: &str) -> &'v Value {
    if client == "cloud_config_client" { &told["properties"][name] } else { &told[name] }
}
