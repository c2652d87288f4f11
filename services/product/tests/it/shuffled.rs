//! Property tests: in whatever order and however often events arrive, the sums of the ledger hold, and the final state of a
//! reservation depends on the events alone.

use proptest::prelude::*;
use souk_bus::Consumer;
use souk_events::Envelope;
use souk_kit::Service as _;
use souk_product::{Product, ReservationState, audit};
use souk_testkit::World;

use crate::shop::{Shop, assert_balanced, configuration};

/// The events of an order besides its placement.
#[derive(Debug, Clone, Copy)]
struct Fate {
    paid: bool,
    shipped: bool,
    cancelled: bool,
    quantities: [u32; 2],
}

fn fate() -> impl Strategy<Value = Fate> {
    (any::<bool>(), any::<bool>(), any::<bool>(), [1..4_u32, 0..3_u32]).prop_map(
        |(paid, shipped, cancelled, quantities)| Fate { paid, shipped: shipped && !cancelled, cancelled, quantities },
    )
}

/// Orders with their fates, a list of picks, each of which delivers some event, perhaps again, and the initial stock.
fn history() -> impl Strategy<Value = (Vec<Fate>, Vec<prop::sample::Index>, i64)> {
    (prop::collection::vec(fate(), 1..6), prop::collection::vec(any::<prop::sample::Index>(), 0..40), 1..30_i64)
}

fn events(shop: &Shop, fates: &[Fate], products: [souk_values::ProductId; 2]) -> Vec<Envelope> {
    let mut envelopes = Vec::new();
    for (id, fate) in (1..).zip(fates) {
        let lines: Vec<_> = products.into_iter().zip(fate.quantities).filter(|(_, quantity)| *quantity > 0).collect();
        let order = shop.order(id, &lines);
        envelopes.push(shop.world.envelope(&order.created()));
        if fate.paid {
            envelopes.push(shop.world.envelope(&order.paid()));
        }
        if fate.shipped {
            envelopes.push(shop.world.envelope(&order.shipped()));
        }
        if fate.cancelled {
            envelopes.push(shop.world.envelope(&order.cancelled()));
        }
    }
    envelopes
}

async fn check_history(fates: Vec<Fate>, picks: Vec<prop::sample::Index>, stock: i64) {
    let shop = Shop::open().await;
    let products = [shop.product("Kettle", 100, stock).await, shop.product("Pot", 100, stock).await];
    let envelopes = events(&shop, &fates, products);
    for pick in &picks {
        shop.consumer.handle(pick.get(&envelopes).clone()).await.unwrap();
        assert_balanced(&shop.facts().await);
    }
    // All events are delivered once more, the last first.
    for envelope in envelopes.iter().rev() {
        shop.consumer.handle(envelope.clone()).await.unwrap();
    }
    let facts = shop.facts().await;
    assert_balanced(&facts);
    let wanted: i64 = fates.iter().map(|fate| i64::from(fate.quantities[0].max(fate.quantities[1]))).sum();
    assert_eq!(facts.reservations.len(), fates.len());
    for (reservation, fate) in facts.reservations.iter().zip(&fates) {
        if fate.cancelled {
            assert!(!reservation.state.has_units(), "{reservation:?} {fate:?}");
        } else if wanted <= stock {
            let expected = if fate.paid || fate.shipped { ReservationState::Sold } else { ReservationState::Held };
            assert_eq!(reservation.state, expected, "{fate:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_of_the_ledger_hold_for_any_history((fates, picks, stock) in history()) {
        tokio::runtime::Runtime::new().unwrap().block_on(check_history(fates, picks, stock));
    }
}

#[tokio::test]
async fn two_replicas_on_one_store_have_each_effect_once() {
    let shop = Shop::open().await;
    let kettle = shop.product("Kettle", 100, 50).await;
    let other = second_replica(&shop.world).await;
    let envelopes: Vec<_> = (1..=25)
        .flat_map(|id| {
            let order = shop.order(id, &[(kettle, 2)]);
            [shop.world.envelope(&order.created()), shop.world.envelope(&order.paid())]
        })
        .collect();
    let both = envelopes.iter().flat_map(|envelope| [&shop.consumer, &other].map(|one| one.handle(envelope.clone())));
    for outcome in futures::future::join_all(both).await {
        outcome.unwrap();
    }
    let facts = audit::read(&shop.world.store_url("product")).await.unwrap();
    assert_balanced(&facts);
    assert_eq!((facts.products[0].stock, facts.products[0].sold), (0, 50));
}

async fn second_replica(world: &World) -> Consumer {
    let config = configuration(world);
    Product::build(config, &world.deps).await.unwrap().consumers[0].clone()
}
