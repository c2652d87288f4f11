//! The JSON that is written, field by field, with the original's names and types.

use std::{collections::BTreeMap, fmt::Display};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{ActionType, Application, Applications, EurekaAccept, InstanceInfo};

/// The one entry of an empty map: Java's clients need its type.
const EMPTY_MAP: (&str, &str) = ("@class", "java.util.Collections$EmptyMap");

/// A value with the level of detail in which its instances are written.
pub(super) struct Detailed<'a, T>(pub &'a T, pub EurekaAccept);

impl Serialize for Detailed<'_, Applications> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(applications, accept) = *self;
        let filled = applications.applications.iter().filter(|application| !application.instances.is_empty());
        let filled: Vec<_> = filled.map(|application| Detailed(application, accept)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("versions__delta", &applications.version.to_string())?;
        map.serialize_entry("apps__hashcode", &applications.hash_code)?;
        map.serialize_entry("application", &filled)?;
        map.end()
    }
}

impl Serialize for Detailed<'_, Application> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(application, accept) = *self;
        let instances: Vec<_> = application.instances.iter().map(|instance| Detailed(instance, accept)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &application.name)?;
        map.serialize_entry("instance", &instances)?;
        map.end()
    }
}

impl Serialize for Detailed<'_, InstanceInfo> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(info, accept) = *self;
        let is_full = accept == EurekaAccept::Full;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("instanceId", &info.instance_id)?;
        map.serialize_entry("hostName", &info.host_name)?;
        map.serialize_entry("app", &info.app)?;
        map.serialize_entry("ipAddr", &info.ip_addr)?;
        optional(&mut map, "sid", info.sid.as_ref().filter(|sid| is_full && *sid != "na"))?;
        map.serialize_entry("status", info.status.name())?;
        optional(&mut map, "overriddenStatus", is_full.then(|| info.overridden_status.name()))?;
        map.serialize_entry("port", &info.port)?;
        map.serialize_entry("securePort", &info.secure_port)?;
        optional(&mut map, "countryId", is_full.then_some(info.country_id))?;
        map.serialize_entry("dataCenterInfo", &info.data_center)?;
        optional(&mut map, "leaseInfo", is_full.then_some(&info.lease))?;
        if is_full && info.metadata.is_empty() {
            map.serialize_entry("metadata", &BTreeMap::from([EMPTY_MAP]))?;
        } else {
            optional(&mut map, "metadata", is_full.then_some(&info.metadata))?;
        }
        optional(&mut map, "appGroupName", info.app_group_name.as_ref())?;
        optional(&mut map, "homePageUrl", info.home_page_url.as_ref().filter(|_| is_full))?;
        optional(&mut map, "statusPageUrl", info.status_page_url.as_ref().filter(|_| is_full))?;
        optional(&mut map, "healthCheckUrl", info.health_check_url.as_ref().filter(|_| is_full))?;
        optional(&mut map, "secureHealthCheckUrl", info.secure_health_check_url.as_ref().filter(|_| is_full))?;
        optional(&mut map, "vipAddress", info.vip_address.as_ref())?;
        optional(&mut map, "secureVipAddress", info.secure_vip_address.as_ref())?;
        map.serialize_entry("isCoordinatingDiscoveryServer", &info.is_coordinating_discovery_server.to_string())?;
        map.serialize_entry("lastUpdatedTimestamp", &info.last_updated_at.to_string())?;
        optional(&mut map, "lastDirtyTimestamp", is_full.then(|| info.last_dirty_at.to_string()))?;
        optional(&mut map, "actionType", info.action_type.map(ActionType::name))?;
        optional(&mut map, "asgName", info.asg_name.as_ref())?;
        map.end()
    }
}

fn optional<M: SerializeMap>(map: &mut M, name: &str, value: Option<impl Serialize>) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(name, &value))
}

/// Returns true for the marker of an empty map.
pub(super) fn is_empty_marker(key: &str, value: &str) -> bool {
    matches!(key, "@class" | "class") && value == EMPTY_MAP.1
}

/// Writes a value as a string.
pub fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
