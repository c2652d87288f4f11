//! Eureka's XML, as `XStream` writes it for the original.
//!
//! The document is well-formed whatever an instance contains: metadata keys are escaped (see [`names`]), characters
//! that XML 1.0 forbids become U+FFFD, and a metadata entry with an empty key is left out.

mod names;
mod reader;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Display};

use crate::{
    ActionType, Application, Applications, DataCenter, EurekaAccept, InstanceInfo, LeaseInfo, Port, StatusInfo,
};

pub use reader::read_registration;

/// Writes `<applications>`; applications without instances are left out.
#[must_use]
pub fn applications(applications: &Applications, accept: EurekaAccept) -> String {
    let mut out = Writer::default();
    out.element("applications", |out| {
        out.text("versions__delta", applications.version);
        out.text("apps__hashcode", &applications.hash_code);
        for application in applications.applications.iter().filter(|application| !application.instances.is_empty()) {
            out.application(application, accept);
        }
    });
    out.0
}

/// Writes `<application>`, with its instances.
#[must_use]
pub fn application(application: &Application, accept: EurekaAccept) -> String {
    let mut out = Writer::default();
    out.application(application, accept);
    out.0
}

/// Writes `<instance>`, which is also the body of a registration.
#[must_use]
pub fn instance(instance: &InstanceInfo, accept: EurekaAccept) -> String {
    let mut out = Writer::default();
    out.instance("instance", instance, accept);
    out.0
}

/// Writes `<status>`, the body of `GET status`.
#[must_use]
pub fn status_info(status: &StatusInfo) -> String {
    let mut out = Writer::default();
    out.element("status", |out| {
        out.map("generalStats", status.general_stats.iter().map(|(key, value)| (key, value)));
        out.map("applicationStats", status.application_stats.iter().map(|(key, value)| (key, value)));
        out.instance("instanceInfo", &status.instance, EurekaAccept::Full);
    });
    out.0
}

/// An XML writer. It escapes texts and attributes, but takes element names as they are.
#[derive(Default)]
struct Writer(String);

impl Writer {
    fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.open(name, None);
        content(self);
        self.close(name);
    }

    fn open(&mut self, name: &str, attribute: Option<(&str, &str)>) {
        self.0.extend(["<", name]);
        if let Some((key, value)) = attribute {
            self.0.extend([" ", key, "=\""]);
            self.escape(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    fn close(&mut self, name: &str) {
        self.0.extend(["</", name, ">"]);
    }

    fn text(&mut self, name: &str, value: impl Display) {
        self.element(name, |out| out.escape(&value.to_string()));
    }

    fn optional(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Escapes `text` for both texts and attributes.
    fn escape(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&apos;"),
                // As they are, a parser would normalize these three.
                '\r' => self.0.push_str("&#xd;"),
                '\n' => self.0.push_str("&#xa;"),
                '\t' => self.0.push_str("&#x9;"),
                '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                letter => self.0.push(letter),
            }
        }
    }

    fn map<'m>(&mut self, name: &str, entries: impl Iterator<Item = (&'m String, &'m String)>) {
        self.element(name, |out| {
            for (key, value) in entries.filter(|(key, _)| !key.is_empty()) {
                out.text(&names::encode(key), value);
            }
        });
    }

    fn metadata(&mut self, entries: &BTreeMap<String, String>) {
        if entries.is_empty() {
            // Java's form of an empty map; some clients read the attribute.
            self.0.push_str("<metadata class=\"java.util.Collections$EmptyMap\"/>");
        } else {
            self.map("metadata", entries.iter());
        }
    }

    fn application(&mut self, application: &Application, accept: EurekaAccept) {
        self.element("application", |out| {
            out.text("name", &application.name);
            for instance in &application.instances {
                out.instance("instance", instance, accept);
            }
        });
    }

    fn instance(&mut self, name: &str, instance: &InstanceInfo, accept: EurekaAccept) {
        let full = accept == EurekaAccept::Full;
        self.element(name, |out| {
            out.text("instanceId", &instance.instance_id);
            out.text("hostName", &instance.host_name);
            out.text("app", &instance.app);
            out.optional("appGroupName", instance.app_group_name.as_ref());
            out.text("ipAddr", &instance.ip_addr);
            out.optional("sid", instance.sid.as_ref().filter(|sid| full && *sid != "na"));
            out.text("status", instance.status);
            out.optional("overriddenstatus", full.then_some(instance.overridden_status));
            out.port("port", instance.port);
            out.port("securePort", instance.secure_port);
            out.optional("countryId", full.then_some(instance.country_id));
            out.data_center(&instance.data_center);
            if full {
                out.lease(&instance.lease);
                out.metadata(&instance.metadata);
                out.optional("homePageUrl", instance.home_page_url.as_ref());
                out.optional("statusPageUrl", instance.status_page_url.as_ref());
                out.optional("healthCheckUrl", instance.health_check_url.as_ref());
                out.optional("secureHealthCheckUrl", instance.secure_health_check_url.as_ref());
            }
            out.optional("vipAddress", instance.vip_address.as_ref());
            out.optional("secureVipAddress", instance.secure_vip_address.as_ref());
            out.text("isCoordinatingDiscoveryServer", instance.is_coordinating_discovery_server);
            out.text("lastUpdatedTimestamp", instance.last_updated_at);
            out.optional("lastDirtyTimestamp", full.then_some(instance.last_dirty_at));
            out.optional("actionType", instance.action_type.map(ActionType::name));
            out.optional("asgName", instance.asg_name.as_ref());
        });
    }

    fn port(&mut self, name: &str, port: Port) {
        self.open(name, Some(("enabled", &port.is_enabled.to_string())));
        self.escape(&port.number.to_string());
        self.close(name);
    }

    fn data_center(&mut self, data_center: &DataCenter) {
        self.open("dataCenterInfo", Some(("class", &data_center.class)));
        self.text("name", &data_center.name);
        if !data_center.metadata.is_empty() {
            self.metadata(&data_center.metadata);
        }
        self.close("dataCenterInfo");
    }

    fn lease(&mut self, lease: &LeaseInfo) {
        self.element("leaseInfo", |out| {
            out.text("renewalIntervalInSecs", lease.renewal_interval_secs);
            out.text("durationInSecs", lease.duration_secs);
            out.text("registrationTimestamp", lease.registered_at);
            out.text("lastRenewalTimestamp", lease.renewed_at);
            out.text("evictionTimestamp", lease.evicted_at);
            out.text("serviceUpTimestamp", lease.up_at);
        });
    }
}
