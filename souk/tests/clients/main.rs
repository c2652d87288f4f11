//! The real Eureka and config clients, as they are published, against `souk serve discovery` and
//! `souk serve config-server`. They run where `SOUK_TEST_CLIENTS` names the folder that scripts/clients.sh made.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, reason = "tests")]

mod configuring;
mod delta;
mod eureka;
mod installed;
mod labels;
mod leases;
mod overrides;
mod properties;
mod registry;
mod repository;
mod resources;
mod script;
mod secrets;
mod served;
mod several_servers;

pub use eureka::{Eureka, entry};
pub use installed::needs_clients;
pub use repository::Repository;
pub use script::{Language, Script};
pub use served::Served;
