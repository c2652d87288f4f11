//! A running config server, and the requests of a test to it.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use souk_config_server::{ConfigServer, ConfigServerConfig, ConfigServerExtras, RefreshEvent};
use souk_kit::{Running, Service, ServiceParts, config::Sources};
use souk_testkit::World;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A running server and the events that it published.
pub struct Rig {
    pub events: Arc<Mutex<Vec<RefreshEvent>>>,
    pub base: String,
    http: reqwest::Client,
    _world: World,
    _running: Running,
}

/// A response with its body as text and as JSON.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Response {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns the names of the property sources without the path before the file.
    pub fn sources(&self) -> Vec<&str> {
        let sources = self.json["propertySources"].as_array().unwrap();
        sources.iter().map(|source| source["name"].as_str().unwrap().rsplit('/').next().unwrap()).collect()
    }

    /// Returns the value of `key` in the strongest source that has it.
    pub fn value(&self, key: &str) -> &Value {
        let sources = self.json["propertySources"].as_array().unwrap();
        sources.iter().find_map(|source| source["source"].get(key)).unwrap_or(&Value::Null)
    }
}

/// Parses `tree` as the section `config-server`.
pub fn config(tree: &Value) -> ConfigServerConfig {
    let mut sources = Sources::default();
    for (key, value) in tree.as_object().unwrap() {
        sources = sources.with("config-server", key, value.clone());
    }
    sources.section("config-server").unwrap()
}

/// Builds the service that `tree` configures, and returns it with the events that it publishes.
pub async fn service(world: &World, tree: &Value) -> (ServiceParts, Arc<Mutex<Vec<RefreshEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let published = Arc::clone(&events);
    let refresh = move |event: RefreshEvent| {
        published.lock().unwrap().push(event);
        let done: futures::future::BoxFuture<'static, Result<(), String>> = Box::pin(std::future::ready(Ok(())));
        done
    };
    let extras =
        ConfigServerExtras { is_loopback: true, refresh: Some(Arc::new(refresh)), ..ConfigServerExtras::default() };
    let config = ConfigServerConfig { extras, ..config(tree) };
    (ConfigServer::build(config, &world.deps).await.unwrap(), events)
}

impl Rig {
    /// Starts a server with this configuration.
    pub async fn with(tree: Value) -> Self {
        let world = World::new().await;
        let (service, events) = service(&world, &tree).await;
        let started = world.serve(service).await;
        let base = format!("http://{}", started.running.address);
        Self { events, base, http: reqwest::Client::new(), _world: world, _running: started.running }
    }

    /// Starts a server of a folder, without credentials.
    pub async fn of_folder(folder: &Path) -> Self {
        Self::with(json!({"native": {"search_locations": [folder]}})).await
    }

    /// Starts a server of a repository, without credentials.
    pub async fn of_git(folder: &Path) -> Self {
        Self::with(json!({"git": {"uri": uri(folder)}})).await
    }

    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, &[], "").await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        self.send(Method::GET, path, headers, "").await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        self.send(Method::POST, path, headers, body).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Response { status, headers, text, json }
    }

    /// Returns the status of a `GET` of exactly this path, which an HTTP client would normalise.
    pub async fn raw_status(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(self.base.trim_start_matches("http://")).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Takes the destinations of the events published so far.
    pub fn published(&self) -> Vec<String> {
        let mut events = self.events.lock().unwrap();
        events.drain(..).map(|event| event.destination_service).collect()
    }
}

/// Returns the `file:` URI of a folder.
pub fn uri(folder: &Path) -> String {
    format!("file://{}", folder.display())
}

/// Writes files and creates their folders.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}
