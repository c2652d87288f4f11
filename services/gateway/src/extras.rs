//! The gateway's inputs beyond those that every service is built with.

use std::{borrow::Cow, sync::Arc, time::Duration};

use souk_kit::discovery::Registry;
use souk_values::ShiftedClock;
use tokio::sync::watch;

pub struct Extras {
    /// Clock that an admin may move; `None` if the shop runs on real time.
    pub test_clock: Option<TestClock>,
    /// Archive of the built web shop; `None` for a build without one, which shows a welcome page.
    pub storefront: Option<&'static [u8]>,
    /// Returns a file outside the web shop by its path without the leading slash, such as `pictures/cookware.svg`.
    pub assets: Option<fn(&str) -> Option<Asset>>,
    /// Becomes true once the sample catalogue is loaded; true from the start if none is wanted.
    pub shop_is_ready: watch::Receiver<bool>,
    /// Registry in which the back office shows the instances; `None` for a shop without one.
    pub registry: Option<Registry>,
    /// Names of the services behind this gateway.
    pub services: Vec<&'static str>,
}

/// A clock that an admin may move.
#[derive(Clone)]
pub struct TestClock {
    pub clock: Arc<ShiftedClock>,
    /// Stores the clock's offset for the next start. Called before the clock is moved; may block.
    pub keep: Arc<dyn Fn(Duration) -> std::io::Result<()> + Send + Sync>,
}

/// A file outside the web shop.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Value of `Content-Type`, such as `image/svg+xml`.
    pub content_type: &'static str,
    pub body: Cow<'static, [u8]>,
    pub cache: &'static str,
}
