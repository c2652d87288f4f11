//! Leases by a clock that the test turns.

use std::{num::NonZeroU64, time::Duration};

use souk_discovery::DiscoveryConfig;
use souk_testkit::{World, eventually};

use crate::rig::{config, serve};

fn quick(enable_self_preservation: bool) -> DiscoveryConfig {
    DiscoveryConfig {
        enable_self_preservation,
        eviction_interval_timer_in_ms: NonZeroU64::new(20).unwrap(),
        ..config()
    }
}

#[tokio::test]
async fn who_is_silent_goes_and_is_told_in_the_delta() {
    let world = World::new().await;
    let server = serve(&world, quick(false)).await;
    server.register("shop", "a").await;
    server.register("shop", "b").await;
    world.clock.advance(Duration::from_secs(80));
    server.put("apps/shop/a").await.expect(200);
    world.clock.advance(Duration::from_secs(20));
    server.until("a UP").await;
    let delta = server.get("apps/delta").await.json;
    let last = delta["applications"]["application"][0]["instance"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["instanceId"].as_str(), last["actionType"].as_str()), (Some("b"), Some("DELETED")));
    // It is told to register, which is the whole recovery.
    server.put("apps/shop/b").await.expect(404);
    let page = server.client.get("/lastn").await.expect(200).text;
    assert!(page.contains('b'));
}

#[tokio::test]
async fn self_preservation_keeps_who_is_silent() {
    let world = World::new().await;
    let server = serve(&world, quick(true)).await;
    server.register("shop", "a").await;
    server.register("shop", "b").await;
    world.clock.advance(Duration::from_secs(1_000));
    // Another registry on the same clock, whose timer has run, evicts: so this one's would have.
    let other = serve(&world, quick(false)).await;
    other.register("shop", "a").await;
    world.clock.advance(Duration::from_secs(1_000));
    other.until("").await;
    assert_eq!(server.everybody().await.len(), 2);
    // An expired instance is shown while nobody may be evicted.
    server.get("apps/shop/b").await.expect(200);
    // Enough heartbeats in a minute, and it goes: 3 clients are expected, 5 heartbeats a minute are too few.
    eventually("the silent one is evicted", || async {
        for _ in 0..6 {
            server.put("apps/shop/a").await.expect(200);
        }
        world.clock.advance(Duration::from_secs(60));
        server.everybody().await.len() == 1
    })
    .await;
    server.get("apps/shop/a").await.expect(200);
    server.get("apps/shop/b").await.expect(404);
}
