//! What a registry tells of itself (`GET status`).

use crate::InstanceInfo;

/// What a registry tells of itself, as names and values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusInfo {
    /// Of the machine and the process.
    pub general_stats: Vec<(String, String)>,
    /// Of the registry: `registered-replicas` and the like.
    pub application_stats: Vec<(String, String)>,
    /// The registry itself.
    pub instance: InstanceInfo,
}
