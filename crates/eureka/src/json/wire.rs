//! What is written, field by field: the names and types of the original, however odd.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{Accept, ActionType, Application, Applications, DataCenter, InstanceInfo, InstanceStatus, LeaseInfo, Port};

/// What an empty map is written as: Java's marker for it.
const EMPTY_MAP: (&str, &str) = ("@class", "java.util.Collections$EmptyMap");

#[derive(Serialize)]
pub(super) struct ApplicationsWire<'a> {
    #[serde(rename = "versions__delta")]
    version: String,
    #[serde(rename = "apps__hashcode")]
    hash_code: &'a str,
    application: Vec<ApplicationWire<'a>>,
}

impl<'a> ApplicationsWire<'a> {
    pub(super) fn new(applications: &'a Applications, accept: Accept) -> Self {
        let filled = applications.applications.iter().filter(|application| !application.instances.is_empty());
        Self {
            version: applications.version.to_string(),
            hash_code: &applications.hash_code,
            application: filled.map(|one| application(one, accept)).collect(),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ApplicationWire<'a> {
    name: &'a str,
    instance: Vec<InstanceWire<'a>>,
}

pub(super) fn application(application: &Application, accept: Accept) -> ApplicationWire<'_> {
    let instances = application.instances.iter();
    ApplicationWire {
        name: &application.name,
        instance: instances.map(|instance| InstanceWire::new(instance, accept)).collect(),
    }
}

/// What is `None` is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct InstanceWire<'a> {
    instance_id: &'a str,
    host_name: &'a str,
    app: &'a str,
    ip_addr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(serialize_with = "status")]
    status: InstanceStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden_status: Option<&'static str>,
    #[serde(serialize_with = "port")]
    port: Port,
    #[serde(serialize_with = "port")]
    secure_port: Port,
    #[serde(skip_serializing_if = "Option::is_none")]
    country_id: Option<i64>,
    data_center_info: DataCenterWire<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease_info: Option<LeaseWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataWire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_group_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_page_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secure_health_check_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vip_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secure_vip_address: Option<&'a str>,
    is_coordinating_discovery_server: &'static str,
    #[serde(serialize_with = "as_text")]
    last_updated_timestamp: i64,
    #[serde(serialize_with = "some_as_text", skip_serializing_if = "Option::is_none")]
    last_dirty_timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asg_name: Option<&'a str>,
}

impl<'a> InstanceWire<'a> {
    pub(super) fn new(info: &'a InstanceInfo, accept: Accept) -> Self {
        let is_full = accept == Accept::Full;
        let url = |url: &'a Option<String>| url.as_deref().filter(|_| is_full);
        Self {
            instance_id: &info.instance_id,
            host_name: &info.host_name,
            app: &info.app,
            ip_addr: &info.ip_addr,
            sid: info.sid.as_deref().filter(|sid| is_full && *sid != "na"),
            status: info.status,
            overridden_status: is_full.then(|| info.overridden_status.name()),
            port: info.port,
            secure_port: info.secure_port,
            country_id: is_full.then_some(info.country_id),
            data_center_info: DataCenterWire::new(&info.data_center),
            lease_info: is_full.then(|| LeaseWire::new(&info.lease)),
            metadata: is_full.then_some(MetadataWire(&info.metadata)),
            app_group_name: info.app_group_name.as_deref(),
            home_page_url: url(&info.home_page_url),
            status_page_url: url(&info.status_page_url),
            health_check_url: url(&info.health_check_url),
            secure_health_check_url: url(&info.secure_health_check_url),
            vip_address: info.vip_address.as_deref(),
            secure_vip_address: info.secure_vip_address.as_deref(),
            is_coordinating_discovery_server: if info.is_coordinating_discovery_server { "true" } else { "false" },
            last_updated_timestamp: info.last_updated_at,
            last_dirty_timestamp: is_full.then_some(info.last_dirty_at),
            action_type: info.action_type.map(ActionType::name),
            asg_name: info.asg_name.as_deref(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LeaseWire {
    renewal_interval_in_secs: i64,
    duration_in_secs: i64,
    registration_timestamp: i64,
    last_renewal_timestamp: i64,
    eviction_timestamp: i64,
    service_up_timestamp: i64,
}

impl LeaseWire {
    fn new(lease: &LeaseInfo) -> Self {
        Self {
            renewal_interval_in_secs: lease.renewal_interval_secs,
            duration_in_secs: lease.duration_secs,
            registration_timestamp: lease.registered_at,
            last_renewal_timestamp: lease.renewed_at,
            eviction_timestamp: lease.evicted_at,
            service_up_timestamp: lease.up_at,
        }
    }
}

#[derive(Serialize)]
struct DataCenterWire<'a> {
    // First: Java reads it before it knows what the rest is.
    #[serde(rename = "@class")]
    class: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataWire<'a>>,
}

impl<'a> DataCenterWire<'a> {
    fn new(data_center: &'a DataCenter) -> Self {
        let metadata = Some(&data_center.metadata).filter(|metadata| !metadata.is_empty());
        Self { class: &data_center.class, name: &data_center.name, metadata: metadata.map(MetadataWire) }
    }
}

struct MetadataWire<'a>(&'a BTreeMap<String, String>);

impl Serialize for MetadataWire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_empty() {
            return self.0.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(EMPTY_MAP.0, EMPTY_MAP.1)?;
        map.end()
    }
}

/// Whether an entry of metadata only says that there is none.
pub(super) fn is_empty_marker(key: &str, value: &str) -> bool {
    matches!(key, "@class" | "class") && value == EMPTY_MAP.1
}

/// `{"$":8080,"@enabled":"true"}`.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn port<S: Serializer>(port: &Port, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("$", &port.number)?;
    map.serialize_entry("@enabled", if port.is_enabled { "true" } else { "false" })?;
    map.end()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn status<S: Serializer>(status: &InstanceStatus, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(status.name())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn as_text<S: Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn some_as_text<S: Serializer>(number: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&number.unwrap_or_default())
}
