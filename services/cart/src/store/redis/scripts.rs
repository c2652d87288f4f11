//! The Lua scripts. Each is atomic, declares every key that it uses, all in one slot, and gets the time as an argument.

use std::sync::LazyLock;

use redis::Script;

pub(super) static PARTITIONS: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("partitions.lua")));
pub(super) static PROBE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("probe.lua")));
pub(super) static SAVE_CART: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("save_cart.lua")));
pub(super) static SAVE_PRODUCT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("save_product.lua")));
pub(super) static ADD_HINT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("add_hint.lua")));
pub(super) static REMOVE_HINT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("remove_hint.lua")));
pub(super) static ADD_WISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("add_wish.lua")));
pub(super) static REMOVE_WISH: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("remove_wish.lua")));
pub(super) static PUBLISH_ALERT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("publish_alert.lua")));
pub(super) static NUMBER_RELAY: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("number_relay.lua")));
pub(super) static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
pub(super) static CONFIRM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("confirm.lua")));
pub(super) static PURCHASES: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("purchases.lua")));
pub(super) static CLAIM_JOB: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim_job.lua")));
pub(super) static PURGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("purge.lua")));
