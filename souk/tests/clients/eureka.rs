//! A process that has registered itself with py-eureka-client or eureka-js-client.

use serde_json::{Value, json};
use souk_testkit::eventually;

use crate::{Language, Script, Served};

/// What an instance of `app` says of itself: it renews each second what ends 90 s after the last renewal.
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

/// A client that is registered.
#[derive(Debug)]
pub struct Eureka {
    /// Its process.
    pub script: Script,
    /// Which of the two clients it is.
    pub language: Language,
}

impl Eureka {
    /// Registers `entry` with one server and fetches the registry.
    pub async fn start(language: Language, server: &Served, entry: Value) -> Self {
        Self::with_servers(language, &[server.url("/eureka")], entry).await
    }

    /// The same with several servers, by their whole URLs.
    pub async fn with_servers(language: Language, urls: &[String], entry: Value) -> Self {
        let (mut client, entry) = (Self::idle(language), registration(urls, entry));
        client.script.ask("start", entry).await;
        client
    }

    /// A client that has not done anything.
    #[must_use]
    pub fn idle(language: Language) -> Self {
        Self { script: Script::start(language, "eureka"), language }
    }

    /// Tries to register with `url`.
    ///
    /// # Errors
    /// What the client says.
    pub async fn try_start(&mut self, url: &str, entry: Value) -> Result<Value, String> {
        self.script.try_ask("start", registration(&[url.to_owned()], entry)).await
    }

    /// What it knows of the instances of `app`.
    pub async fn seen(&mut self, app: &str) -> Vec<Value> {
        self.script.ask("seen", json!({"app": app})).await.as_array().unwrap().clone()
    }

    /// Waits until it knows instances of `app` with just these states, and answers them.
    pub async fn sees(&mut self, app: &str, statuses: &[&str]) -> Vec<Value> {
        for _ in 0..200 {
            let seen = self.seen(app).await;
            if statuses.iter().eq(seen.iter().map(|one| one["status"].as_str().unwrap()).collect::<Vec<_>>().iter()) {
                return seen;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let (seen, said) = (self.seen(app).await, self.script.said());
        panic!("{:?} never sees {statuses:?} of {app} but {seen:#?}\n{said}", self.language);
    }

    /// Deregisters and ends.
    pub async fn stop(mut self) {
        self.script.ask("stop", Value::Null).await;
    }

    /// How many requests it made that look like this: `GET /eureka/apps/`.
    pub async fn requests(&mut self, like: &str) -> usize {
        let told = self.script.ask("told", Value::Null).await;
        told["requests"].as_array().unwrap().iter().filter(|one| *one == like).count()
    }

    /// How often a JavaScript client told of `event`.
    pub async fn events(&mut self, event: &str) -> u64 {
        self.script.ask("told", Value::Null).await["events"][event].as_u64().unwrap()
    }

    /// What went wrong, as a Python client told it.
    pub async fn errors(&mut self) -> Vec<String> {
        let told = self.script.ask("told", Value::Null).await;
        told["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap().to_owned()).collect()
    }
}

fn registration(urls: &[String], mut entry: Value) -> Value {
    entry["urls"] = urls.into();
    entry
}

/// Waits until the server says that the instance of `app` has this state, and answers it as JSON.
pub async fn has_status(server: &Served, app: &str, status: &str) -> Value {
    let found = || async {
        let answer = server.client.with_header("accept", "application/json").get(&format!("/eureka/apps/{app}")).await;
        answer.json["application"]["instance"][0].clone()
    };
    eventually(&format!("{app} is {status}"), || async { found().await["status"] == status }).await;
    found().await
}
