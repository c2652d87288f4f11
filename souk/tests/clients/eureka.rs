//! A process that registers itself with py-eureka-client or eureka-js-client.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{Language, Script, ServerProcess};

/// Returns the settings of an instance of `app`: it renews each second a lease of 90 s.
#[must_use]
pub fn entry(app: &str) -> Value {
    json!({
        "app": app,
        "id": format!("{app}.example:{app}:9001"),
        "host": format!("{app}.example"),
        "port": 9001,
        "vip": app,
        "metadata": {"team": "checkout"},
        "renewal": 1,
        "duration": 90,
        "delta": false,
        "onlyUp": true,
    })
}

#[derive(Debug)]
pub struct EurekaClient {
    pub script: Script,
    /// Determines which of the two clients it is.
    pub language: Language,
}

impl EurekaClient {
    /// Registers `entry` with one server and fetches the registry.
    pub async fn start(language: Language, server: &ServerProcess, entry: Value) -> Self {
        Self::with_servers(language, &[server.url("/eureka")], entry).await
    }

    /// Registers `entry` with the first of several servers that answers. `urls` have a path.
    pub async fn with_servers(language: Language, urls: &[String], entry: Value) -> Self {
        let (mut client, entry) = (Self::idle(language), registration(urls, entry));
        client.script.call("start", entry).await;
        client
    }

    /// Returns a client that has not registered.
    #[must_use]
    pub fn idle(language: Language) -> Self {
        Self { script: Script::start(language, "eureka"), language }
    }

    /// Registers with `url`.
    ///
    /// # Errors
    /// The client's error.
    pub async fn try_start(&mut self, url: &str, entry: Value) -> Result<Value, String> {
        self.script.try_call("start", registration(&[url.to_owned()], entry)).await
    }

    /// Returns the instances of `app` that the client knows.
    pub async fn instances(&mut self, app: &str) -> Vec<Value> {
        self.script.call("seen", json!({"app": app})).await.as_array().unwrap().clone()
    }

    /// Waits until the client knows exactly the instances of `app` with `statuses`, and returns them.
    pub async fn wait_for(&mut self, app: &str, statuses: &[&str]) -> Vec<Value> {
        for _ in 0..200 {
            let seen = self.instances(app).await;
            if statuses.iter().eq(seen.iter().map(|one| one["status"].as_str().unwrap()).collect::<Vec<_>>().iter()) {
                return seen;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let (seen, log) = (self.instances(app).await, self.script.log());
        panic!("{:?} never knows {statuses:?} of {app} but {seen:#?}\n{log}", self.language);
    }

    /// Deregisters, and ends the process.
    pub async fn stop(mut self) {
        self.script.call("stop", Value::Null).await;
    }

    /// Returns the number of requests that equal `like`, such as `GET /eureka/apps/`.
    pub async fn requests(&mut self, like: &str) -> usize {
        let report = self.script.call("report", Value::Null).await;
        report["requests"].as_array().unwrap().iter().filter(|one| *one == like).count()
    }

    /// Returns the number of `event`s that a JavaScript client emitted.
    pub async fn events(&mut self, event: &str) -> u64 {
        self.script.call("report", Value::Null).await["events"][event].as_u64().unwrap()
    }

    /// Returns the errors that a Python client reported.
    pub async fn errors(&mut self) -> Vec<String> {
        let report = self.script.call("report", Value::Null).await;
        report["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap().to_owned()).collect()
    }
}

fn registration(urls: &[String], mut entry: Value) -> Value {
    entry["urls"] = urls.into();
    entry
}

/// Waits until the server shows the instance of `app` with `status`, and returns it as JSON.
pub async fn wait_for_status(server: &ServerProcess, app: &str, status: &str) -> Value {
    let found = || async {
        let answer = server.client.with_header("accept", "application/json").get(&format!("/eureka/apps/{app}")).await;
        answer.json["application"]["instance"][0].clone()
    };
    eventually(&format!("{app} is {status}"), || async { found().await["status"] == status }).await;
    found().await
}
