//! Late, repeated and reordered deliveries: each notice is written once, and none about an older state after a newer one.

use std::{collections::BTreeMap, time::Duration};

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use souk_bus::Outcome;
use souk_events::Envelope;
use souk_values::Clock;

use crate::{events::*, rig::Rig};

/// Returns one event of each consumed type, none of which makes another obsolete.
fn one_of_each(rig: &Rig) -> Vec<Envelope> {
    let ada = user(5);
    let boss = user(6);
    let later = rig.world.clock.now().plus(Duration::from_secs(7_200));
    let world = &rig.world;
    vec![
        world.envelope(&registered(ada, EMAIL, "customer")),
        world.envelope(&registered(boss, "boss@example.org", "admin")),
        world.envelope(&changed(ada, "new@example.org", 2)),
        world.envelope(&reset(ada, "t0ken", later)),
        world.envelope(&created(order(ada, 41, 1))),
        world.envelope(&confirmed(order(ada, 42, 2))),
        world.envelope(&cancelled(order(ada, 43, 2))),
        world.envelope(&paid(order(ada, 44, 3))),
        world.envelope(&shipped(order(ada, 45, 4))),
        world.envelope(&delivered(order(ada, 46, 5))),
        world.envelope(&payment_failed(ada, 47)),
        world.envelope(&refunded(ada, 43)),
        world.envelope(&abandoned(ada, later)),
        world.envelope(&checked_out(ada)),
        world.envelope(&cart_expired(ada)),
        world.envelope(&back_in_stock(ada, 4)),
        world.envelope(&price_dropped(ada, 4)),
    ]
}

#[tokio::test]
async fn each_notice_is_written_once_in_any_order_and_with_repetitions() {
    for seed in 0..8 {
        let rig = Rig::new().await;
        let mut rng = StdRng::seed_from_u64(seed);
        let mut deliveries = one_of_each(&rig);
        deliveries.extend(deliveries.clone());
        deliveries.extend(deliveries.clone());
        deliveries.shuffle(&mut rng);
        for envelope in deliveries {
            rig.deliver_envelope(envelope).await;
        }
        // The admin is known by now.
        rig.deliver(&stock_low(8)).await;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for kind in rig.kinds(user(5)).await {
            *counts.entry(kind).or_default() += 1;
        }
        assert!(counts.values().all(|times| *times == 1), "seed {seed}: {counts:?}");
        assert_eq!(counts.len(), 13, "seed {seed}: {counts:?}");
        let mut admin = rig.kinds(user(6)).await;
        admin.sort();
        assert_eq!(admin, ["stock_low", "welcome"], "seed {seed}");
        rig.until_mails(14, "sent").await;
        for mail in rig.mails().await.iter().filter(|mail| mail["userId"] == 5) {
            // A mail that was sent before the change went to the old address.
            assert!([EMAIL, "new@example.org"].contains(&mail["to"].as_str().unwrap()), "{mail}");
        }
        let facts = rig.facts().await;
        assert_eq!((facts.notices, facts.repeated_effects, facts.outbox_pending), (15, 0, 0), "seed {seed}");
        assert_eq!((facts.mails_queued, facts.mails_failed), (0, 0), "seed {seed}");
    }
}

#[tokio::test]
async fn no_notice_of_an_older_state_follows_one_of_a_newer_state() {
    let steps = |rig: &Rig| {
        let ada = user(5);
        vec![
            rig.world.envelope(&created(order(ada, 42, 1))),
            rig.world.envelope(&confirmed(order(ada, 42, 2))),
            rig.world.envelope(&paid(order(ada, 42, 3))),
            rig.world.envelope(&shipped(order(ada, 42, 4))),
            rig.world.envelope(&delivered(order(ada, 42, 5))),
        ]
    };
    let names = ["order_received", "order_confirmed", "order_paid", "order_shipped", "order_delivered"];
    for seed in 0..8 {
        let rig = Rig::new().await;
        let mut deliveries: Vec<(usize, Envelope)> = steps(&rig).into_iter().enumerate().collect();
        deliveries.extend(deliveries.clone());
        deliveries.shuffle(&mut StdRng::seed_from_u64(seed));
        let mut newest = None;
        let mut wanted = Vec::new();
        for (step, envelope) in deliveries {
            let is_newer = newest.is_none_or(|newest| step > newest);
            let outcome = rig.deliver_envelope(envelope).await;
            assert_eq!(outcome, Outcome::from(is_newer), "seed {seed}, step {step}");
            if is_newer {
                newest = Some(step);
                wanted.push(names[step]);
            }
        }
        assert_eq!(rig.kinds(user(5)).await, wanted, "seed {seed}");
    }
}

#[tokio::test]
async fn a_failed_payment_is_ignored_once_the_order_is_paid_or_cancelled() {
    let rig = Rig::new().await;
    let ada = user(5);
    rig.deliver(&paid(order(ada, 42, 3))).await;
    assert_eq!(rig.deliver(&payment_failed(ada, 42)).await, Outcome::Ignored);
    // A payment that arrives late leads to no notice, and still settles the order.
    rig.deliver(&shipped(order(ada, 43, 4))).await;
    assert_eq!(rig.deliver(&paid(order(ada, 43, 3))).await, Outcome::Ignored);
    assert_eq!(rig.deliver(&payment_failed(ada, 43)).await, Outcome::Ignored);
    rig.deliver(&confirmed(order(ada, 44, 2))).await;
    assert_eq!(rig.deliver(&payment_failed(ada, 44)).await, Outcome::Applied);
    assert_eq!(rig.kinds(ada).await, ["order_paid", "order_shipped", "order_confirmed", "payment_failed"]);
}

#[tokio::test]
async fn concurrent_notices_of_one_user_get_positions_without_gaps() {
    let rig = Rig::new().await;
    let ada = user(5);
    let events: Vec<Envelope> = (1..=40).map(|number| rig.world.envelope(&created(order(ada, number, 1)))).collect();
    let deliveries = events.into_iter().chain([rig.world.envelope(&registered(ada, EMAIL, "customer"))]);
    futures::future::join_all(deliveries.map(|envelope| rig.deliver_envelope(envelope))).await;
    assert_eq!(rig.kinds(ada).await.len(), 41);
    rig.until_mails(41, "sent").await;
}

#[tokio::test]
async fn a_restart_repeats_nothing() {
    let rig = Rig::new().await;
    let first = one_of_each(&rig);
    for envelope in first.clone() {
        rig.deliver_envelope(envelope).await;
    }
    rig.until_mails(13, "sent").await;
    let rig = rig.restarted("").await;
    for envelope in first {
        assert_eq!(rig.deliver_envelope(envelope).await, Outcome::Ignored);
    }
    rig.until_mails(13, "sent").await;
    assert_eq!(rig.facts().await.notices, 14);
}
