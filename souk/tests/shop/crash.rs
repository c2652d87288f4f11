//! SIGKILL at random moments under load: nothing acknowledged is lost, and every saga is finished. In a shop of many
//! processes, each is killed in turn.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{Shop, load::Load};

/// Number of kills in one run: 20 in CI, 1,000 in `make soak`.
fn kills() -> usize {
    std::env::var("SOUK_CRASH_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// Kills among which there must be orders.
const KILLS_WITH_ORDERS: usize = 20;

/// Seed of the random choices, printed so that a run can be repeated.
pub fn seed() -> u64 {
    let seed =
        std::env::var("SOUK_CRASH_SEED").map_or_else(|_| u64::from(std::process::id()), |text| text.parse().unwrap());
    println!("SOUK_CRASH_SEED={seed}");
    seed
}

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut shop = Shop::start().await;
    let load = Load::start(&shop, seed).await;
    let mut orders_before = 0;
    for round in 0..kills() {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        shop.kill().await;
        shop.restart().await;
        println!("kill {}: {} orders so far", round + 1, load.orders());
        if (round + 1) % KILLS_WITH_ORDERS == 0 {
            // A shop that takes no orders loses none.
            assert!(load.orders() > orders_before, "no orders since kill {}", round + 1 - KILLS_WITH_ORDERS);
            orders_before = load.orders();
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let acknowledged = load.stop().await;
    let orders = acknowledged.orders.len();
    assert!(orders >= kills(), "too few orders for a result: {orders}");
    assert!(!acknowledged.payments.is_empty());
    acknowledged.assert_kept(&shop).await;
}
