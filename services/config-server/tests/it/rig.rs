//! A running config server, and what a test says to it.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use souk_config_server::{ConfigServerConfig, Extras, RefreshEvent};
use souk_kit::{Running, Service, config::Sources};
use souk_testkit::World;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A server of one folder or repository.
pub struct Rig {
    pub events: Arc<Mutex<Vec<RefreshEvent>>>,
    pub base: String,
    http: reqwest::Client,
    _world: World,
    _running: Running,
}

/// An answer: its body as text and as JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The names of the property sources, without what is before the file.
    pub fn sources(&self) -> Vec<&str> {
        let sources = self.json["propertySources"].as_array().unwrap();
        sources.iter().map(|source| source["name"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
    }

    /// The value of `key` in the strongest source that has it.
    pub fn value(&self, key: &str) -> &Value {
        let sources = self.json["propertySources"].as_array().unwrap();
        sources.iter().find_map(|source| source["source"].get(key)).unwrap_or(&Value::Null)
    }
}

/// The section `config-server` of `tree`.
pub fn config(tree: &Value) -> ConfigServerConfig {
    let mut sources = Sources::default();
    for (key, value) in tree.as_object().unwrap() {
        sources = sources.with("config-server", key, value.clone());
    }
    sources.section("config-server").unwrap()
}

/// The service that `tree` describes, and the events that it tells.
pub async fn service(world: &World, tree: &Value) -> (Service, Arc<Mutex<Vec<RefreshEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let refresh = move |event: RefreshEvent| {
        heard.lock().unwrap().push(event);
        let done: futures::future::BoxFuture<'static, Result<(), String>> = Box::pin(std::future::ready(Ok(())));
        done
    };
    let extras = Extras { is_loopback: true, refresh: Some(Arc::new(refresh)), ..Extras::default() };
    (souk_config_server::build(config(tree), &world.deps, extras).await.unwrap(), events)
}

impl Rig {
    /// A server with this configuration.
    pub async fn with(tree: Value) -> Self {
        let world = World::new().await;
        let (service, events) = service(&world, &tree).await;
        let started = world.serve(service).await;
        let base = format!("http://{}", started.running.address);
        Self { events, base, http: reqwest::Client::new(), _world: world, _running: started.running }
    }

    /// A server of a folder, without credentials.
    pub async fn of_folder(folder: &Path) -> Self {
        Self::with(json!({"native": {"search_locations": [folder]}})).await
    }

    /// A server of a repository, without credentials.
    pub async fn of_git(folder: &Path) -> Self {
        Self::with(json!({"git": {"uri": uri(folder)}})).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send(Method::POST, path, headers, body).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, headers, text, json }
    }

    /// The status of a `GET` of exactly this path, which clients would tidy up.
    pub async fn raw_status(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://")).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The destinations of the events that were told so far.
    pub fn told(&self) -> Vec<String> {
        let mut events = self.events.lock().unwrap();
        events.drain(..).map(|event| event.destination_service).collect()
    }
}

/// A folder as a `file:` address.
pub fn uri(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// Writes files, and the folders that they need.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
