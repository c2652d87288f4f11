//! Tests of the cart service: over HTTP, on its stores, through its consumers, and by properties of its domain.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod any_text;
mod domain;
mod expiry;
mod fixture;
mod following_orders;
mod guests;
mod http;
mod product_updates;
mod redis;
mod redis_scripts;
mod refusals;
mod shop;
mod store_contract;
mod wishlist;

/// Returns true when tests of the engines run; otherwise prints why the test is skipped.
fn has_engines() -> bool {
    let has_engines = souk_testkit::on_engines();
    if !has_engines {
        println!("skipped: this test needs Redis, and SOUK_TEST_MODE is not 'engines'");
    }
    has_engines
}
