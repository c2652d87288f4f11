//! Data of the Eureka REST protocol (v2): instances and registries, and their JSON and XML.
//!
//! No I/O: the discovery service serves this data, and kit's discovery client reads it.

#![warn(missing_docs)]

mod applications;
mod instance;
pub mod json;
mod status;
pub mod xml;

pub use applications::{Application, Applications, StatusInfo, hash_code, hash_code_of_counts};
pub use instance::{ActionType, DataCenter, InstanceInfo, LeaseInfo, Port};
pub use status::{InstanceStatus, UnknownStatus};

/// Level of detail in which instances are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EurekaAccept {
    /// All fields.
    #[default]
    Full,
    /// Only what is needed to call an instance: no lease, metadata, URLs, `sid`, country, override or dirty timestamp.
    Compact,
}

/// A body that cannot be read; the text is meant for its sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);
