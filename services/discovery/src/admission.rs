//! Checks of an instance before it is registered: the original's required fields, and limits on its size.

use souk_eureka::InstanceInfo;

/// Limit on all texts of one instance together, in bytes. Real instances have two or three thousand.
const MAX_TEXT: usize = 32 * 1_024;
/// Limit on the entries of metadata.
const MAX_METADATA: usize = 512;

/// A sentence that says why an instance is not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Rejected(pub String);

/// Checks an instance that is to be registered as one of `app`. The messages are the original's.
pub(crate) fn check(info: &InstanceInfo, app: &str) -> Result<(), Rejected> {
    let required = [
        (&info.instance_id, "Missing instanceId"),
        (&info.host_name, "Missing hostName"),
        (&info.ip_addr, "Missing ip address"),
        (&info.app, "Missing appName"),
    ];
    for (text, missing) in required {
        if text.trim().is_empty() {
            return Err(Rejected(missing.to_owned()));
        }
    }
    if info.app != app {
        return Err(Rejected(format!("Mismatched appName, expecting {app} but was {}", info.app)));
    }
    if info.data_center.class.is_empty() {
        return Err(Rejected("Missing dataCenterInfo".to_owned()));
    }
    if info.data_center.name.is_empty() {
        return Err(Rejected("Missing dataCenterInfo Name".to_owned()));
    }
    check_size(info)
}

/// Checks that an instance is small enough to store, and to send to every client.
pub(crate) fn check_size(info: &InstanceInfo) -> Result<(), Rejected> {
    if [&info.metadata, &info.data_center.metadata].iter().any(|map| map.len() > MAX_METADATA) {
        return Err(Rejected(format!("Too much metadata: at most {MAX_METADATA} entries are allowed")));
    }
    let size = text_size(info);
    if size > MAX_TEXT {
        return Err(Rejected(format!("Too large: its texts have {size} bytes; at most {MAX_TEXT} are allowed")));
    }
    Ok(())
}

/// Returns the size of all texts of an instance together, in bytes.
pub(crate) fn text_size(info: &InstanceInfo) -> usize {
    let maps = [&info.metadata, &info.data_center.metadata];
    let in_maps = maps.into_iter().flatten().map(|(key, value)| key.len() + value.len());
    let texts = [&info.instance_id, &info.host_name, &info.app, &info.ip_addr];
    let optional = [
        &info.app_group_name,
        &info.sid,
        &info.home_page_url,
        &info.status_page_url,
        &info.health_check_url,
        &info.secure_health_check_url,
        &info.vip_address,
        &info.secure_vip_address,
        &info.asg_name,
    ];
    let in_texts = texts.into_iter().chain(optional.into_iter().flatten()).map(String::len);
    let data_center = info.data_center.class.len() + info.data_center.name.len();
    in_maps.chain(in_texts).chain([data_center]).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rejection(changes: &[(&str, Value)]) -> String {
        let mut body = json!({"instanceId": "i", "app": "shop", "hostName": "h", "ipAddr": "1.2.3.4",
            "dataCenterInfo": {"name": "MyOwn"}});
        for (field, value) in changes {
            body[field] = value.clone();
        }
        let info = InstanceInfo::from_json(&body, 0).unwrap();
        check(&info, "SHOP").err().map_or(String::new(), |rejected| rejected.0)
    }

    #[test]
    fn the_first_missing_field_is_named_in_the_originals_order() {
        assert_eq!(rejection(&[]), "");
        let no = Value::Null;
        assert_eq!(rejection(&[("instanceId", no.clone()), ("hostName", no.clone())]), "Missing instanceId");
        assert_eq!(rejection(&[("hostName", no.clone()), ("ipAddr", no.clone())]), "Missing hostName");
        assert_eq!(rejection(&[("ipAddr", no.clone()), ("app", no.clone())]), "Missing ip address");
        assert_eq!(rejection(&[("app", no.clone()), ("dataCenterInfo", no.clone())]), "Missing appName");
        assert_eq!(
            rejection(&[("app", json!("other")), ("dataCenterInfo", no.clone())]),
            "Mismatched appName, expecting SHOP but was OTHER"
        );
        assert_eq!(rejection(&[("dataCenterInfo", no)]), "Missing dataCenterInfo");
        assert_eq!(rejection(&[("dataCenterInfo", json!({}))]), "Missing dataCenterInfo Name");
    }

    #[test]
    fn too_much_text_or_metadata_is_rejected() {
        let many: Value = (0..600).map(|number| (number.to_string(), Value::from("x"))).collect();
        assert!(rejection(&[("metadata", many)]).starts_with("Too much metadata"));
        assert!(rejection(&[("homePageUrl", json!("x".repeat(40_000)))]).starts_with("Too large"));
    }
}
