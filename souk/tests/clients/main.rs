//! The published Eureka and config clients against `souk serve discovery` and `souk serve config-server`. The tests run
//! only when `SOUK_TEST_CLIENTS` names the folder that scripts/clients.sh created.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::missing_panics_doc, reason = "tests")]

mod config_clients;
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
mod server_process;
mod several_servers;

pub use eureka::{EurekaClient, entry};
pub use installed::needs_clients;
pub use repository::Repository;
pub use script::{Language, Script};
pub use server_process::ServerProcess;
