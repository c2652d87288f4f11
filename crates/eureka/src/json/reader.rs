//! A lenient reader: clients send numbers and booleans as strings, and single objects instead of lists.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::wire::is_empty_marker;
use crate::{
    ActionType, Application, Applications, DataCenter, InstanceInfo, InstanceStatus, LeaseInfo, Malformed, Port,
};

/// Reads the body of a registration: `{"instance":{..}}`, or the instance without the wrapper.
///
/// Timestamps that are absent become `now_ms`.
pub fn read_registration(body: &[u8], now_ms: i64) -> Result<InstanceInfo, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Malformed(format!("invalid JSON: {error}")))?;
    InstanceInfo::from_json(unwrapped(&value, "instance"), now_ms)
}

/// Returns the content of `{"name":{..}}`; `value` itself if it has no such wrapper.
fn unwrapped<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).filter(|inner| inner.is_object()).unwrap_or(value)
}

impl InstanceInfo {
    /// Reads one instance without the wrapper; absent fields get their defaults.
    ///
    /// Fields that a registration requires may be absent: their texts are empty then, and so is the class of an
    /// absent data center. Without an `instanceId`, Amazon's `instance-id` or the host name stands in for it.
    pub fn from_json(value: &Value, now_ms: i64) -> Result<Self, Malformed> {
        let fields = Fields::of(value, "an instance")?;
        let data_center = fields.data_center()?;
        let host_name = fields.text_or_empty("hostName")?;
        let id = fields.text("instanceId")?.filter(|id| !id.is_empty());
        let instance_id = id.or_else(|| data_center.metadata.get("instance-id").cloned());
        let overridden = fields.text("overriddenStatus")?.or(fields.text("overriddenstatus")?);
        Ok(Self {
            instance_id: instance_id.unwrap_or_else(|| host_name.clone()),
            host_name,
            app: fields.text_or_empty("app")?.to_uppercase(),
            app_group_name: fields.text("appGroupName")?.map(|name| name.to_uppercase()),
            ip_addr: fields.text_or_empty("ipAddr")?,
            sid: fields.text("sid")?,
            status: fields.text("status")?.map_or(InstanceStatus::Up, |text| status(&text)),
            overridden_status: overridden.map_or(InstanceStatus::Unknown, |text| status(&text)),
            port: fields.port("port", Port { number: 7001, is_enabled: true })?,
            secure_port: fields.port("securePort", Port { number: 7002, is_enabled: false })?,
            country_id: fields.number("countryId")?.unwrap_or(1),
            data_center,
            lease: fields.lease()?,
            metadata: fields.metadata()?,
            home_page_url: fields.text("homePageUrl")?,
            status_page_url: fields.text("statusPageUrl")?,
            health_check_url: fields.text("healthCheckUrl")?,
            secure_health_check_url: fields.text("secureHealthCheckUrl")?,
            vip_address: fields.text("vipAddress")?,
            secure_vip_address: fields.text("secureVipAddress")?,
            is_coordinating_discovery_server: fields.boolean("isCoordinatingDiscoveryServer")?.unwrap_or(false),
            last_updated_at: fields.number("lastUpdatedTimestamp")?.unwrap_or(now_ms),
            last_dirty_at: fields.number("lastDirtyTimestamp")?.unwrap_or(now_ms),
            action_type: fields.text("actionType")?.and_then(|text| ActionType::from_name(&text)),
            asg_name: fields.text("asgName")?,
        })
    }
}

impl Applications {
    /// Reads `{"applications":{..}}`, skipping instances and applications that cannot be read: one broken client
    /// must not hide all others. The second value has an error for each that was skipped.
    ///
    /// Errors: the value is not a registry.
    pub fn from_json(value: &Value, now_ms: i64) -> Result<(Self, Vec<Malformed>), Malformed> {
        let root = value.get("applications");
        let root = root.ok_or_else(|| Malformed("not a registry: `applications` is missing".to_owned()))?;
        let fields = Fields::of(root, "applications")?;
        let mut applications = Vec::new();
        let mut skipped = Vec::new();
        for application in fields.list("application") {
            match read_application(application, now_ms, &mut skipped) {
                Ok(application) => applications.push(application),
                Err(error) => skipped.push(error),
            }
        }
        let version = fields.number("versions__delta")?.and_then(|version| u64::try_from(version).ok()).unwrap_or(0);
        Ok((Self { version, hash_code: fields.text_or_empty("apps__hashcode")?, applications }, skipped))
    }
}

fn read_application(value: &Value, now_ms: i64, skipped: &mut Vec<Malformed>) -> Result<Application, Malformed> {
    let fields = Fields::of(value, "an application")?;
    let name = fields.text_or_empty("name")?.to_uppercase();
    let mut instances = Vec::new();
    for instance in fields.list("instance") {
        match InstanceInfo::from_json(instance, now_ms) {
            Ok(instance) => instances.push(instance),
            Err(error) => skipped.push(Malformed(format!("an instance of {name}: {error}"))),
        }
    }
    Ok(Application { name, instances })
}

/// Parses a status; unknown names become `UNKNOWN`, as in the original.
fn status(text: &str) -> InstanceStatus {
    text.trim().to_ascii_uppercase().parse().unwrap_or(InstanceStatus::Unknown)
}

/// The fields of an object; `null` counts as absent.
struct Fields<'v>(&'v Map<String, Value>);

impl<'v> Fields<'v> {
    fn of(value: &'v Value, what: &str) -> Result<Self, Malformed> {
        value.as_object().map(Self).ok_or_else(|| Malformed(format!("{what} is not a JSON object")))
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn object(&self, name: &str) -> Result<Option<Self>, Malformed> {
        self.get(name).map(|value| Self::of(value, name)).transpose()
    }

    fn text(&self, name: &str) -> Result<Option<String>, Malformed> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    fn text_or_empty(&self, name: &str) -> Result<String, Malformed> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Malformed> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let read = match value {
            Value::Number(number) => number.as_i64().or_else(|| integer(number.as_f64()?)),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        read.map(Some).ok_or_else(|| Malformed(format!("{name} is not an integer: {}", excerpt(value))))
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, Malformed> {
        let Some(value) = self.get(name) else { return Ok(None) };
        Ok(match value {
            Value::Bool(boolean) => Some(*boolean),
            _ => Some(text(name, value)?.trim().eq_ignore_ascii_case("true")),
        })
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'v Value> {
        let value = self.get(name);
        let many = value.and_then(Value::as_array).into_iter().flatten();
        many.chain(value.filter(|value| !value.is_array()))
    }

    /// Reads `{"$":8080,"@enabled":"true"}`, or just the number.
    fn port(&self, name: &str, default: Port) -> Result<Port, Malformed> {
        let (number, is_enabled) = match self.get(name) {
            Some(Value::Object(fields)) => (Fields(fields).number("$")?, Fields(fields).boolean("@enabled")?),
            _ => (self.number(name)?, None),
        };
        let number = number.map(|number| {
            u16::try_from(number).map_err(|_| Malformed(format!("{name} is {number}; ports range from 0 to 65535")))
        });
        Ok(Port {
            number: number.transpose()?.unwrap_or(default.number),
            is_enabled: is_enabled.unwrap_or(default.is_enabled),
        })
    }

    fn lease(&self) -> Result<LeaseInfo, Malformed> {
        let default = LeaseInfo::default();
        let Some(fields) = self.object("leaseInfo")? else { return Ok(default) };
        // py-eureka-client sends 0 for durations that are not configured.
        let positive = |name: &str, default: i64| -> Result<i64, Malformed> {
            Ok(fields.number(name)?.filter(|seconds| *seconds > 0).unwrap_or(default))
        };
        let time = |name: &str| Ok(fields.number(name)?.unwrap_or(0));
        Ok(LeaseInfo {
            renewal_interval_secs: positive("renewalIntervalInSecs", default.renewal_interval_secs)?,
            duration_secs: positive("durationInSecs", default.duration_secs)?,
            registered_at: time("registrationTimestamp")?,
            renewed_at: match fields.number("lastRenewalTimestamp")? {
                Some(at) => at,
                None => time("renewalTimestamp")?,
            },
            evicted_at: time("evictionTimestamp")?,
            up_at: time("serviceUpTimestamp")?,
        })
    }

    /// Reads the data center: empty if it is absent, of the default class if it has none.
    fn data_center(&self) -> Result<DataCenter, Malformed> {
        let Some(fields) = self.object("dataCenterInfo")? else {
            return Ok(DataCenter { class: String::new(), name: String::new(), metadata: BTreeMap::new() });
        };
        Ok(DataCenter {
            class: fields.text("@class")?.filter(|class| !class.is_empty()).unwrap_or(DataCenter::default().class),
            name: fields.text_or_empty("name")?,
            metadata: fields.metadata()?,
        })
    }

    fn metadata(&self) -> Result<BTreeMap<String, String>, Malformed> {
        let Some(fields) = self.object("metadata")? else { return Ok(BTreeMap::new()) };
        // Clients send Java's marker for an empty map back as if it were an entry.
        let is_marker = |key: &str, value: &Value| value.as_str().is_some_and(|text| is_empty_marker(key, text));
        let entries = fields.0.iter().filter(|(key, value)| !value.is_null() && !is_marker(key, value));
        entries.map(|(key, value)| Ok((key.clone(), text(key, value)?))).collect()
    }
}

/// Returns a string, or the text of a number or boolean.
fn text(name: &str, value: &Value) -> Result<String, Malformed> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(boolean) => Ok(boolean.to_string()),
        _ => Err(Malformed(format!("{name} is not a string: {}", excerpt(value)))),
    }
}

/// Converts an integer that was written as a float, such as `6.0` or `1e3`.
fn integer(number: f64) -> Option<i64> {
    // By way of its text: there is no checked conversion, and the text is exact for every integer that fits.
    if number.fract() == 0.0 { format!("{number:.0}").parse().ok() } else { None }
}

/// Returns the beginning of a value, for an error message.
fn excerpt(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}
