//! Cart over HTTP, on its store, through its consumers, and by properties of its domain.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod domain;
mod expiry;
mod following_orders;
mod guests;
mod http;
mod news;
mod refusals;
mod shop;
mod wishlist;
