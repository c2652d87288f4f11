//! Cart over HTTP, on its store, through its consumers, and by properties of its domain.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod domain;
mod expiry;
mod following_orders;
mod guests;
mod http;
mod news;
mod place;
mod redis;
mod redis_scripts;
mod redis_server;
mod refusals;
mod shop;
mod store_contract;
mod wishlist;

/// Whether tests of the engines run now; says so if not.
fn engines_are_there() -> bool {
    let are_there = souk_testkit::on_engines();
    if !are_there {
        println!("not run: this is a test of Redis, and SOUK_TEST_MODE is not 'engines'");
    }
    are_there
}
