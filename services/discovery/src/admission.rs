//! Who may register: what the original requires, and no more than a registry can carry.

use souk_eureka::InstanceInfo;

/// All texts of one instance together, in bytes. Real ones have two or three thousand.
const MOST_TEXT: usize = 32 * 1_024;
/// Entries of metadata.
const MOST_METADATA: usize = 512;

/// Why an instance is not taken, in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Checks an instance that is to be registered as one of `app`.
pub fn check(info: &InstanceInfo, app: &str) -> Result<(), Refused> {
    let required = [
        (&info.instance_id, "Missing instanceId"),
        (&info.host_name, "Missing hostName"),
        (&info.ip_addr, "Missing ip address"),
        (&info.app, "Missing appName"),
    ];
    for (text, missing) in required {
        if text.trim().is_empty() {
            return Err(Refused(missing.to_owned()));
        }
    }
    if info.app != app {
        return Err(Refused(format!("Mismatched appName, expecting {app} but was {}", info.app)));
    }
    if info.data_center.class.is_empty() {
        return Err(Refused("Missing dataCenterInfo".to_owned()));
    }
    if info.data_center.name.is_empty() {
        return Err(Refused("Missing dataCenterInfo Name".to_owned()));
    }
    check_size(info)
}

/// Checks that an instance is not too much to keep and to send to everybody.
pub fn check_size(info: &InstanceInfo) -> Result<(), Refused> {
    if [&info.metadata, &info.data_center.metadata].iter().any(|map| map.len() > MOST_METADATA) {
        return Err(Refused(format!("Too much metadata: at most {MOST_METADATA} entries are kept")));
    }
    let size = text_size(info);
    if size > MOST_TEXT {
        return Err(Refused(format!("Too large: its texts have {size} bytes; at most {MOST_TEXT} are kept")));
    }
    Ok(())
}

/// All texts of an instance together, in bytes.
pub fn text_size(info: &InstanceInfo) -> usize {
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

    fn refusal(changes: &[(&str, Value)]) -> String {
        let mut body = json!({"instanceId": "i", "app": "shop", "hostName": "h", "ipAddr": "1.2.3.4",
            "dataCenterInfo": {"name": "MyOwn"}});
        for (field, value) in changes {
            body[field] = value.clone();
        }
        let info = InstanceInfo::from_json(&body, 0).unwrap();
        check(&info, "SHOP").err().map_or(String::new(), |refused| refused.0)
    }

    #[test]
    fn what_is_missing_is_named_in_the_originals_order() {
        assert_eq!(refusal(&[]), "");
        let no = Value::Null;
        assert_eq!(refusal(&[("instanceId", no.clone()), ("hostName", no.clone())]), "Missing instanceId");
        assert_eq!(refusal(&[("hostName", no.clone()), ("ipAddr", no.clone())]), "Missing hostName");
        assert_eq!(refusal(&[("ipAddr", no.clone()), ("app", no.clone())]), "Missing ip address");
        assert_eq!(refusal(&[("app", no.clone()), ("dataCenterInfo", no.clone())]), "Missing appName");
        assert_eq!(
            refusal(&[("app", json!("other")), ("dataCenterInfo", no.clone())]),
            "Mismatched appName, expecting SHOP but was OTHER"
        );
        assert_eq!(refusal(&[("dataCenterInfo", no)]), "Missing dataCenterInfo");
        assert_eq!(refusal(&[("dataCenterInfo", json!({}))]), "Missing dataCenterInfo Name");
    }

    #[test]
    fn too_much_is_refused() {
        let many: Value = (0..600).map(|number| (number.to_string(), Value::from("x"))).collect();
        assert!(refusal(&[("metadata", many)]).starts_with("Too much metadata"));
        assert!(refusal(&[("homePageUrl", json!("x".repeat(40_000)))]).starts_with("Too large"));
    }
}
