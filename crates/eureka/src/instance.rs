//! An instance of a service, as it is registered.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{InstanceStatus, json::wire};

/// A port of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Port number, 0 to 65535.
    #[serde(rename = "$")]
    pub number: u16,
    /// True if the instance listens on the port.
    #[serde(rename = "@enabled", serialize_with = "wire::as_text")]
    pub is_enabled: bool,
}

/// Terms and history of a lease. Times are milliseconds since 1970-01-01 UTC; 0 stands for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LeaseInfo {
    /// Seconds between two renewals; 30 by default.
    #[serde(rename = "renewalIntervalInSecs")]
    pub renewal_interval_secs: i64,
    /// Seconds that the lease lasts after a renewal; 90 by default.
    #[serde(rename = "durationInSecs")]
    pub duration_secs: i64,
    /// Time of the registration.
    #[serde(rename = "registrationTimestamp")]
    pub registered_at: i64,
    /// Time of the latest renewal.
    #[serde(rename = "lastRenewalTimestamp")]
    pub renewed_at: i64,
    /// Time of the eviction.
    #[serde(rename = "evictionTimestamp")]
    pub evicted_at: i64,
    /// Time at which the instance was first `UP`.
    #[serde(rename = "serviceUpTimestamp")]
    pub up_at: i64,
}

impl Default for LeaseInfo {
    fn default() -> Self {
        Self { renewal_interval_secs: 30, duration_secs: 90, registered_at: 0, renewed_at: 0, evicted_at: 0, up_at: 0 }
    }
}

/// The data center that an instance runs in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DataCenter {
    // The first field: Java's reader must know the class before it can read the others.
    /// Java class that clients deserialize it to.
    #[serde(rename = "@class")]
    pub class: String,
    /// `MyOwn`, `Amazon` or `Netflix`.
    pub name: String,
    /// Amazon's metadata of the machine; empty elsewhere.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Default for DataCenter {
    fn default() -> Self {
        Self {
            class: "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo".to_owned(),
            name: "MyOwn".to_owned(),
            metadata: BTreeMap::new(),
        }
    }
}

/// Kind of a change in a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// `ADDED`: the instance registered.
    Added,
    /// `MODIFIED`: its status changed.
    Modified,
    /// `DELETED`: it was cancelled or evicted.
    Deleted,
}

impl ActionType {
    /// Returns the name in the protocol, such as `ADDED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }

    /// Returns the kind of that exact name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Added, Self::Modified, Self::Deleted].into_iter().find(|action| action.name() == name)
    }
}

/// An instance of a service. Times are milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceInfo {
    /// Id, unique within the application; usually `host:app:port`.
    pub instance_id: String,
    /// Host name, for people and links.
    pub host_name: String,
    /// Name of the application, in upper case.
    pub app: String,
    /// Name of a group of applications, in upper case.
    pub app_group_name: Option<String>,
    /// IP address, for machines.
    pub ip_addr: String,
    /// Obsolete id; the value `na` is never written.
    pub sid: Option<String>,
    /// Effective status, overrides included.
    pub status: InstanceStatus,
    /// Status that an operator has set; `Unknown` if none.
    pub overridden_status: InstanceStatus,
    /// Port of plain HTTP; 7001, enabled, by default.
    pub port: Port,
    /// Port of TLS; 7002, disabled, by default.
    pub secure_port: Port,
    /// Obsolete country code; 1 by default.
    pub country_id: i64,
    /// Data center that the instance runs in.
    pub data_center: DataCenter,
    /// Terms and history of its lease.
    pub lease: LeaseInfo,
    /// The instance's own key-value pairs, such as `zone`.
    pub metadata: BTreeMap<String, String>,
    /// URL of a page for people.
    pub home_page_url: Option<String>,
    /// URL of a page for operators.
    pub status_page_url: Option<String>,
    /// URL that returns 200 while the instance is healthy.
    pub health_check_url: Option<String>,
    /// The health check's URL over TLS.
    pub secure_health_check_url: Option<String>,
    /// Comma-separated virtual addresses that clients look the instance up by.
    pub vip_address: Option<String>,
    /// Comma-separated virtual addresses for TLS.
    pub secure_vip_address: Option<String>,
    /// True for a registry's own instance.
    pub is_coordinating_discovery_server: bool,
    /// Time at which the registry last changed it.
    pub last_updated_at: i64,
    /// Time at which the instance last changed itself; of two versions the one with the greater value is newer.
    pub last_dirty_at: i64,
    /// Kind of the latest change.
    pub action_type: Option<ActionType>,
    /// Name of the auto scaling group on Amazon.
    pub asg_name: Option<String>,
}
