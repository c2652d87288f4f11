//! An instance of a service, as it registers.

use std::collections::BTreeMap;

use crate::InstanceStatus;

/// A port and whether it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Port {
    /// 0 to 65535.
    pub number: u16,
    /// Whether the instance listens on it.
    pub is_enabled: bool,
}

/// How long a registration lasts, and what became of it. Times are milliseconds since 1970; 0: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseInfo {
    /// How often the instance renews, in seconds. 30.
    pub renewal_interval_secs: i64,
    /// How long the lease lasts after a renewal, in seconds. 90.
    pub duration_secs: i64,
    /// When it registered.
    pub registered_at: i64,
    /// When it renewed last.
    pub renewed_at: i64,
    /// When it was evicted.
    pub evicted_at: i64,
    /// When it was first seen up.
    pub up_at: i64,
}

impl Default for LeaseInfo {
    fn default() -> Self {
        Self { renewal_interval_secs: 30, duration_secs: 90, registered_at: 0, renewed_at: 0, evicted_at: 0, up_at: 0 }
    }
}

/// Whose machine an instance runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCenter {
    /// The Java class that clients know it by.
    pub class: String,
    /// `MyOwn`, `Amazon` or `Netflix`.
    pub name: String,
    /// What Amazon tells of a machine; empty elsewhere.
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

/// What happened to an instance, in a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionType {
    /// It registered.
    Added,
    /// Its status changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl ActionType {
    /// `ADDED`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }

    /// The one of that exact name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Added, Self::Modified, Self::Deleted].into_iter().find(|action| action.name() == name)
    }
}

/// An instance of a service. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceInfo {
    /// Names it within its application: `host:app:port`.
    pub instance_id: String,
    /// Where it is, for people and links.
    pub host_name: String,
    /// Its application, in capitals.
    pub app: String,
    /// A group of applications, in capitals.
    pub app_group_name: Option<String>,
    /// Where it is, for machines.
    pub ip_addr: String,
    /// `na` is written nowhere.
    pub sid: Option<String>,
    /// What holds now, overrides included.
    pub status: InstanceStatus,
    /// What a person set; `Unknown`: nothing.
    pub overridden_status: InstanceStatus,
    /// Plain. 7001, enabled.
    pub port: Port,
    /// TLS. 7002, not enabled.
    pub secure_port: Port,
    /// 1.
    pub country_id: i64,
    /// Whose machine it runs on.
    pub data_center: DataCenter,
    /// How long its registration lasts.
    pub lease: LeaseInfo,
    /// What it tells of itself beyond this.
    pub metadata: BTreeMap<String, String>,
    /// For people.
    pub home_page_url: Option<String>,
    /// For operators.
    pub status_page_url: Option<String>,
    /// Answers 200 while it is well.
    pub health_check_url: Option<String>,
    /// The same over TLS.
    pub secure_health_check_url: Option<String>,
    /// The names that clients look it up by, with commas between.
    pub vip_address: Option<String>,
    /// The same for TLS.
    pub secure_vip_address: Option<String>,
    /// Whether it is the registry itself.
    pub is_coordinating_discovery_server: bool,
    /// When the registry last changed it.
    pub last_updated_at: i64,
    /// When the instance last changed itself: the greater is the newer.
    pub last_dirty_at: i64,
    /// What happened to it last.
    pub action_type: Option<ActionType>,
    /// Amazon's auto scaling group.
    pub asg_name: Option<String>,
}
