//! Expiry of leases, by a clock that the tests move.

use std::{num::NonZeroU64, time::Duration};

use souk_discovery::DiscoveryConfig;
use souk_testkit::{World, eventually};

use crate::rig::{config, serve};

fn frequent_evictions(enable_self_preservation: bool) -> DiscoveryConfig {
    DiscoveryConfig {
        enable_self_preservation,
        eviction_interval_timer_in_ms: NonZeroU64::new(20).unwrap(),
        ..config()
    }
}

#[tokio::test]
async fn an_instance_without_heartbeats_is_evicted_and_appears_in_the_delta() {
    let world = World::new().await;
    let server = serve(&world, frequent_evictions(false)).await;
    server.register("shop", "a").await;
    server.register("shop", "b").await;
    world.clock.advance(Duration::from_secs(80));
    server.put("apps/shop/a").await.expect(200);
    world.clock.advance(Duration::from_secs(20));
    server.until("a UP").await;
    let delta = server.get("apps/delta").await.json;
    let last = delta["applications"]["application"][0]["instance"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["instanceId"].as_str(), last["actionType"].as_str()), (Some("b"), Some("DELETED")));
    // Its next heartbeat gets 404, after which clients register again: that is the whole recovery.
    server.put("apps/shop/b").await.expect(404);
    let page = server.client.get("/lastn").await.expect(200).text;
    assert!(page.contains('b'));
}

#[tokio::test]
async fn self_preservation_keeps_instances_without_heartbeats() {
    let world = World::new().await;
    let server = serve(&world, frequent_evictions(true)).await;
    server.register("shop", "a").await;
    server.register("shop", "b").await;
    world.clock.advance(Duration::from_secs(1_000));
    // Another registry on the same clock has evicted its instance, so this one has had the time to.
    let other = serve(&world, frequent_evictions(false)).await;
    other.register("shop", "a").await;
    world.clock.advance(Duration::from_secs(1_000));
    other.until("").await;
    assert_eq!(server.instances().await.len(), 2);
    // An expired instance is visible while eviction is suspended.
    server.get("apps/shop/b").await.expect(200);
    // Enough heartbeats in a minute resume eviction.
    eventually("the expired instance is evicted", || async {
        for _ in 0..6 {
            server.put("apps/shop/a").await.expect(200);
        }
        world.clock.advance(Duration::from_secs(60));
        server.instances().await.len() == 1
    })
    .await;
    server.get("apps/shop/a").await.expect(200);
    server.get("apps/shop/b").await.expect(404);
}
