//! A whole registry, or the changes to one: applications with their instances.

use std::collections::BTreeMap;

use crate::{InstanceInfo, InstanceStatus};

/// The instances of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Name in upper case.
    pub name: String,
    /// Never empty in what a registry writes; a client may send an empty list.
    pub instances: Vec<InstanceInfo>,
}

/// A whole registry, or a delta of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applications {
    /// Version of a delta, which grows with each change; `1` in a full fetch.
    pub version: u64,
    /// [`hash_code`] of the whole registry, in a delta too.
    pub hash_code: String,
    /// Applications in the order of their names.
    pub applications: Vec<Application>,
}

/// A registry's description of itself, as lists of names and values: the response to `GET status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusInfo {
    /// Facts about the machine and the process, such as `server-uptime`.
    pub general_stats: Vec<(String, String)>,
    /// Facts about the registry, such as `registered-replicas`.
    pub application_stats: Vec<(String, String)>,
    /// The registry as an instance.
    pub instance: InstanceInfo,
}

/// Returns the number of instances in each status, as `DOWN_1_UP_3_`.
///
/// Client and server compare it to find out whether a client's copy is complete.
#[must_use]
pub fn hash_code<'i>(instances: impl IntoIterator<Item = &'i InstanceInfo>) -> String {
    let mut counts = BTreeMap::new();
    for instance in instances {
        *counts.entry(instance.status).or_insert(0) += 1;
    }
    hash_code_of_counts(&counts)
}

/// Returns the [`hash_code`] of a registry with these numbers of instances.
#[must_use]
pub fn hash_code_of_counts(counts: &BTreeMap<InstanceStatus, usize>) -> String {
    counts.iter().fold(String::new(), |hash, (status, count)| hash + status.name() + "_" + &count.to_string() + "_")
}
