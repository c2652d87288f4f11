//! A registry without credentials: for programs of this machine, and not for web pages or the network.

use souk_discovery::{Discovery, DiscoveryConfig, SecurityConfig};
use souk_kit::Service;
use souk_testkit::World;
use souk_values::Secret;

use crate::rig::{instance, serve};

/// A page in the browser registered an `AUTH` of its own, and the gateway sent it plain passwords.
#[tokio::test]
async fn a_web_page_registers_nothing() {
    let world = World::new().await;
    let server = serve(&world, DiscoveryConfig::default()).await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("host", "evil.example"),
        ("x-forwarded-for", "10.0.0.9"),
    ] {
        let page = server.client.with_header(name, value);
        page.post("/eureka/apps/AUTH", instance("AUTH", "evil")).await.is_problem(403, "request.not_local");
        page.get("/eureka/apps/").await.is_problem(403, "request.not_local");
        page.get("/health/ready").await.expect(200);
    }
    server.register("AUTH", "own").await;
    server.until("own UP").await;
}

#[tokio::test]
async fn a_registry_for_the_network_requires_credentials_or_a_decision() {
    let world = World::new().await;
    let open = DiscoveryConfig { is_public: true, ..DiscoveryConfig::default() };
    let refusal = Discovery::build(open.clone(), &world.deps).await.unwrap_err().to_string();
    for named in ["discovery.security.user", "SOUK_DISCOVERY__INSECURE=true"] {
        assert!(refusal.contains(named), "{refusal}");
    }
    let security = SecurityConfig { user: "souk".to_owned(), password: Secret::new("registry".to_owned()) };
    Discovery::build(DiscoveryConfig { security, ..open.clone() }, &world.deps).await.unwrap();
    let server = serve(&world, DiscoveryConfig { insecure: true, ..open }).await;
    server.client.with_header("x-forwarded-for", "10.0.0.9").get("/eureka/apps/").await.expect(200);
}
