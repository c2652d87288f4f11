//! Starts discovery servers and calls them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use souk_discovery::{Discovery, DiscoveryConfig};
use souk_kit::{Running, Service};
use souk_testkit::{Client, TestResponse, World, eventually};
use souk_values::Secret;
use tokio::net::TcpListener;

pub struct Server {
    pub running: Running,
    /// Requests JSON.
    pub client: Client,
}

/// Configuration without the response cache, so that a read sees every earlier write.
pub fn config() -> DiscoveryConfig {
    DiscoveryConfig { response_cache_update_interval_ms: 0, ..DiscoveryConfig::default() }
}

pub fn with_peers(peers: &[SocketAddr]) -> DiscoveryConfig {
    let peers = peers.iter().map(|peer| Secret::new(base(*peer))).collect();
    DiscoveryConfig { peers, ..config() }
}

pub fn base(address: SocketAddr) -> String {
    format!("http://{address}/eureka")
}

pub async fn serve(world: &World, config: DiscoveryConfig) -> Server {
    serve_on(world, config, listener().await).await
}

pub async fn serve_on(world: &World, config: DiscoveryConfig, listener: TcpListener) -> Server {
    let parts = Discovery::build(config, &world.deps).await.unwrap();
    let running = souk_kit::start(parts, listener, &world.deps).unwrap();
    let client = Client::new(format!("http://{}", running.address)).with_header("accept", "application/json");
    Server { running, client }
}

pub async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

pub fn instance(app: &str, id: &str) -> Value {
    json!({"instance": {"instanceId": id, "app": app, "hostName": "shop-1", "ipAddr": "10.0.0.5", "status": "UP",
        "port": {"$": 8080, "@enabled": true}, "vipAddress": app, "metadata": {"zone": "a"},
        "leaseInfo": {"renewalIntervalInSecs": 30, "durationInSecs": 90}, "lastDirtyTimestamp": "1000",
        "dataCenterInfo": {"@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn"}}})
}

impl Server {
    pub async fn register(&self, app: &str, id: &str) {
        self.client.post(&format!("/eureka/apps/{app}"), instance(app, id)).await.expect(204);
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.client.get(&format!("/eureka/{path}")).await
    }

    pub async fn put(&self, path: &str) -> TestResponse {
        self.client.send(reqwest::Method::PUT, &format!("/eureka/{path}"), None).await
    }

    pub async fn delete(&self, path: &str) -> TestResponse {
        self.client.delete(&format!("/eureka/{path}")).await
    }

    /// Returns ids and statuses of all instances, in the order of the registry.
    pub async fn instances(&self) -> Vec<(String, String)> {
        let all = self.get("apps/").await.expect(200).json;
        let applications = all["applications"]["application"].as_array().unwrap().iter();
        let instances = applications.flat_map(|application| application["instance"].as_array().unwrap());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        instances.map(|instance| (text(&instance["instanceId"]), text(&instance["status"]))).collect()
    }

    /// Waits until ids and statuses of all instances are as expected, such as `a UP, b DOWN`.
    pub async fn until(&self, expected: &str) {
        eventually(&format!("the registry holds [{expected}]"), || async {
            let instances = self.instances().await;
            instances.iter().map(|(id, status)| format!("{id} {status}")).collect::<Vec<_>>().join(", ") == expected
        })
        .await;
    }
}
