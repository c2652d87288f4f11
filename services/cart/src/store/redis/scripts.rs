//! The scripts. Each is whole or not at all, names every key that it touches, all in one slot, and is
//! given the time.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {$(
        pub(super) static $name: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!($file)));
    )*};
}

scripts! {
    PARTITIONS = "partitions.lua";
    PROBE = "probe.lua";
    SAVE = "save.lua";
    LEARN = "learn.lua";
    HINT = "hint.lua";
    DROP_HINT = "drop_hint.lua";
    WISH = "wish.lua";
    UNWISH = "unwish.lua";
    TELL = "tell.lua";
    RELAY = "relay.lua";
    CLAIM = "claim.lua";
    CONFIRM = "confirm.lua";
    FORGET = "forget.lua";
}
