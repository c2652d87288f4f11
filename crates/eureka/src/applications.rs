//! A registry or a part of it: applications and their instances.

use std::collections::BTreeMap;

use crate::{InstanceInfo, InstanceStatus};

/// The instances of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// In capitals.
    pub name: String,
    /// At least one, except in what a client sends.
    pub instances: Vec<InstanceInfo>,
}

/// A registry, or what changed in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applications {
    /// Grows with each change of a delta; `1` in a whole registry.
    pub version: u64,
    /// [`hash_code`] of the whole registry, in a delta too.
    pub hash_code: String,
    /// By name.
    pub applications: Vec<Application>,
}

/// How many instances are in each status: `DOWN_1_UP_3_`. Client and server compare it to see that they hold the same.
#[must_use]
pub fn hash_code<'i>(instances: impl IntoIterator<Item = &'i InstanceInfo>) -> String {
    let mut counts = BTreeMap::new();
    for instance in instances {
        *counts.entry(instance.status).or_insert(0) += 1;
    }
    hash_of_counts(&counts)
}

/// The same of what has been counted already. Statuses are ordered by their names.
#[must_use]
pub fn hash_of_counts(counts: &BTreeMap<InstanceStatus, usize>) -> String {
    counts.iter().fold(String::new(), |hash, (status, count)| hash + status.name() + "_" + &count.to_string() + "_")
}
