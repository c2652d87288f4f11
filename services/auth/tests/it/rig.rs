//! One auth service in a world of its own.

use serde_json::{Value, json};
use souk_auth::{Auth, AuthConfig, FirstAdmin, audit::AuthAuditFacts};
use souk_kit::Service;
use souk_testkit::{Client, Started, TestResponse, World};
use souk_values::Secret;

pub const PASSWORD: &str = "correct horse battery";
pub const SERVICE_SECRET: &str = "what services know";
pub const OPERATOR_SECRET: &str = "what the operator knows";
pub const ADMIN_PASSWORD: &str = "the admin's own password";

pub struct Rig {
    pub world: World,
    pub client: Client,
    pub config: AuthConfig,
    pub first_admin: Option<FirstAdmin>,
    running: Option<Started>,
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

pub fn config(world: &World) -> AuthConfig {
    AuthConfig {
        store_url: world.store_url("auth"),
        admin_password: secret(ADMIN_PASSWORD),
        operator_secret: secret(OPERATOR_SECRET),
        trusted_proxies: vec!["127.0.0.1".to_owned()],
        ..AuthConfig::default()
    }
}

impl Rig {
    pub async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut AuthConfig)) -> Self {
        let mut world = World::new().await;
        world.deps.shop.service_secret = secret(SERVICE_SECRET);
        let mut config = config(&world);
        change(&mut config);
        let mut parts = Auth::build(config.clone(), &world.deps).await.unwrap();
        let first_admin = parts.take();
        let started = world.serve(parts).await;
        Self { client: started.client.clone(), world, config, first_admin, running: Some(started) }
    }

    /// Stops auth and starts it again on the same store.
    pub async fn restart_with(&mut self, change: impl FnOnce(&mut AuthConfig)) {
        self.running.take().unwrap().running.stop().await;
        change(&mut self.config);
        let mut parts = Auth::build(self.config.clone(), &self.world.deps).await.unwrap();
        self.first_admin = parts.take();
        let started = self.world.serve(parts).await;
        self.client = started.client.clone();
        self.running = Some(started);
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().running.stop().await;
    }

    /// Registers a customer and returns the body of the response.
    pub async fn register(&self, name: &str) -> Value {
        self.client.post("/auth/register", person(name)).await.expect(201).json
    }

    pub async fn login(&self, name: &str, password: &str) -> TestResponse {
        self.client.post("/auth/login", json!({"username": name, "password": password})).await
    }

    pub async fn refresh(&self, token: &Value) -> TestResponse {
        self.client.post("/auth/refresh", json!({"refreshToken": token})).await
    }

    /// Returns a client with the access token of a sign-in.
    pub fn as_of(&self, signed_in: &Value) -> Client {
        self.client.with_token(signed_in["accessToken"].as_str().unwrap())
    }

    pub async fn admin(&self) -> Client {
        let body = json!({"email": "admin@souk.local", "password": ADMIN_PASSWORD});
        self.as_of(&self.client.post("/auth/login", body).await.expect(200).json)
    }

    /// Returns a client with the token of another service.
    pub async fn service(&self) -> Client {
        let body = json!({"service": "verifier", "secret": SERVICE_SECRET});
        self.as_of(&self.client.post("/internal/tokens", body).await.expect(200).json)
    }

    pub async fn facts(&self) -> AuthAuditFacts {
        souk_auth::audit::read(&self.config.store_url).await.unwrap()
    }
}

pub fn person(name: &str) -> Value {
    json!({"username": name, "email": format!("{name}@Example.org"), "password": PASSWORD})
}

/// Sends all requests concurrently and returns their responses.
pub async fn concurrently(
    requests: impl IntoIterator<Item = impl Future<Output = TestResponse> + Send + 'static>,
) -> Vec<TestResponse> {
    let running: Vec<_> = requests.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for request in running {
        answers.push(request.await.unwrap());
    }
    answers
}
