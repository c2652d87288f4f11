//! The Eureka protocol's data (REST v2): what instances and registries are, and how they are written.
//!
//! No I/O. The registry serves it, the discovery client of the kit reads it.

mod accept;
mod applications;
mod instance;
pub mod json;
mod malformed;
mod report;
mod status;
pub mod xml;

pub use accept::Accept;
pub use applications::{Application, Applications, hash_code, hash_of_counts};
pub use instance::{ActionType, DataCenter, InstanceInfo, LeaseInfo, Port};
pub use malformed::Malformed;
pub use report::StatusInfo;
pub use status::{InstanceStatus, UnknownStatus};
