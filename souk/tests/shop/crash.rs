//! SIGKILL at random moments under load: nothing acknowledged is lost, every saga is finished. Where the
//! shop is many processes, each is killed in turn.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{Shop, load::Load};

/// Kills in one run: 20 in CI; `make soak` asks for 1,000.
fn kills() -> usize {
    std::env::var("SOUK_CRASH_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// What a run's chances follow from; told, so that a run can be repeated.
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
    for round in 0..kills() {
        tokio::time::sleep(Duration::from_millis(random.random_range(20..700))).await;
        shop.kill().await;
        shop.restart().await;
        println!("kill {}: {} orders so far", round + 1, load.orders());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let acknowledged = load.stop().await;
    let orders = acknowledged.orders.len();
    assert!(orders >= kills(), "the load was too light to say anything: {orders} orders");
    assert!(!acknowledged.payments.is_empty());
    acknowledged.is_kept(&shop).await;
}
