//! Bodies that real clients send, and round trips of arbitrary values.

use std::collections::BTreeMap;

use proptest::{collection::btree_map, option, prelude::*};
use serde_json::{Value, json};

use super::*;
use crate::{ActionType, DataCenter, InstanceStatus, LeaseInfo, Port};

const NOW: i64 = 1_700_000_000_000;

fn read(value: &Value) -> InstanceInfo {
    read_registration(value.to_string().as_bytes(), NOW).unwrap()
}

/// The body of eureka-js-client has booleans and no timestamps.
#[test]
fn absent_fields_get_their_defaults() {
    let info = read(&json!({"instance": {"app": "shop", "hostName": "h", "ipAddr": "1.2.3.4",
        "port": {"$": "8080", "@enabled": true}, "metadata": {"@class": "java.util.Collections$EmptyMap"},
        "dataCenterInfo": {"name": "MyOwn"}, "status": null, "unknown": [1]}}));
    assert_eq!((info.app.as_str(), info.instance_id.as_str()), ("SHOP", "h"));
    assert_eq!((info.status, info.overridden_status), (InstanceStatus::Up, InstanceStatus::Unknown));
    assert_eq!(info.port, Port { number: 8080, is_enabled: true });
    assert_eq!(info.secure_port, Port { number: 7002, is_enabled: false });
    assert_eq!((info.last_dirty_at, info.last_updated_at, info.country_id), (NOW, NOW, 1));
    assert_eq!((info.lease, info.data_center), (LeaseInfo::default(), DataCenter::default()));
    assert!(info.metadata.is_empty());
}

/// The body of py-eureka-client has strings for numbers, zeros in the lease, and a lower-case override.
#[test]
fn strings_and_zeros_are_accepted() {
    let info = read(&json!({"instanceId": "i", "app": "Shop", "hostName": "h", "ipAddr": "1.2.3.4", "sid": "na",
        "overriddenstatus": "OUT_OF_SERVICE", "status": "whatever", "lastDirtyTimestamp": "5", "countryId": "7",
        "lastUpdatedTimestamp": 6.0, "isCoordinatingDiscoveryServer": "true", "appGroupName": "group",
        "leaseInfo": {"renewalIntervalInSecs": 0, "durationInSecs": -1, "renewalTimestamp": 9},
        "metadata": {"a": 1, "b": true, "c": null, "d": "x"}}));
    assert_eq!((info.status, info.overridden_status), (InstanceStatus::Unknown, InstanceStatus::OutOfService));
    assert_eq!((info.last_dirty_at, info.last_updated_at, info.country_id), (5, 6, 7));
    assert_eq!((info.lease.renewal_interval_secs, info.lease.duration_secs, info.lease.renewed_at), (30, 90, 9));
    assert!(info.is_coordinating_discovery_server);
    assert_eq!(info.app_group_name.as_deref(), Some("GROUP"));
    let pairs: Vec<_> = info.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("a", "1"), ("b", "true"), ("d", "x")]);
    assert!((info.data_center.class.is_empty(), info.data_center.name.is_empty()) == (true, true));
}

#[test]
fn an_amazon_instance_is_named_by_its_machine() {
    let info = read(&json!({"app": "a", "hostName": "h", "ipAddr": "i", "dataCenterInfo": {
        "@class": "com.netflix.appinfo.AmazonInfo", "name": "Amazon", "metadata": {"instance-id": "i-123"}}}));
    assert_eq!(info.instance_id, "i-123");
    assert_eq!(info.to_json()["dataCenterInfo"]["metadata"]["instance-id"], "i-123");
}

#[test]
fn an_unreadable_field_is_named() {
    for (field, value, expected) in [
        ("port", json!({"$": 70_000}), "65535"),
        ("port", json!({"$": "x"}), "$ is not an integer"),
        ("lastDirtyTimestamp", json!("soon"), "lastDirtyTimestamp is not an integer"),
        ("lastDirtyTimestamp", json!(1.5), "lastDirtyTimestamp is not an integer"),
        ("lastDirtyTimestamp", json!(1e300), "lastDirtyTimestamp is not an integer"),
        ("metadata", json!([1]), "metadata is not a JSON object"),
        ("metadata", json!({"a": [1]}), "a is not a string"),
        ("hostName", json!({}), "hostName is not a string"),
    ] {
        let error = InstanceInfo::from_json(&json!({field: value}), NOW).unwrap_err();
        assert!(error.0.contains(expected), "{error}");
    }
    assert!(read_registration(b"[]", NOW).is_err());
    assert!(read_registration(b"{\"instance\": {", NOW).is_err());
    let deep = "[".repeat(100_000);
    assert!(read_registration(deep.as_bytes(), NOW).is_err());
}

#[test]
fn numbers_and_booleans_are_written_with_the_originals_types() {
    let info = read(&json!({"app": "shop", "hostName": "h", "ipAddr": "i", "dataCenterInfo": {"name": "MyOwn"}}));
    let written = info.to_json();
    assert_eq!(written["port"], json!({"$": 7001, "@enabled": "true"}));
    assert_eq!(written["metadata"], json!({"@class": "java.util.Collections$EmptyMap"}));
    assert_eq!(written["lastDirtyTimestamp"], NOW.to_string());
    assert_eq!(written["isCoordinatingDiscoveryServer"], "false");
    assert_eq!(written["leaseInfo"]["durationInSecs"], 90);
    assert_eq!(written["overriddenStatus"], "UNKNOWN");
    assert!(written.get("sid").is_none() && written.get("homePageUrl").is_none());
    let compact: Value = serde_json::from_str(&instance(&info, EurekaAccept::Compact)).unwrap();
    let compact = &compact["instance"];
    for left_out in ["leaseInfo", "metadata", "countryId", "overriddenStatus", "lastDirtyTimestamp", "homePageUrl"] {
        assert!(compact.get(left_out).is_none(), "{left_out}");
    }
    assert_eq!((&compact["status"], &compact["hostName"]), (&json!("UP"), &json!("h")));
    let body: Value = serde_json::from_str(&instance(&info, EurekaAccept::Full)).unwrap();
    assert_eq!(body["instance"], written);
}

#[test]
fn a_lone_object_is_a_list_of_one_and_an_empty_application_is_left_out() {
    let one = json!({"app": "A", "hostName": "h", "ipAddr": "i"});
    let body = json!({"applications": {"versions__delta": 3, "apps__hashcode": "UP_1_",
        "application": {"name": "A", "instance": one}}});
    let (read, _) = Applications::from_json(&body, NOW).unwrap();
    assert_eq!((read.version, read.applications.len(), read.applications[0].instances.len()), (3, 1, 1));
    let mut more = read.clone();
    more.applications.push(Application { name: "EMPTY".to_owned(), instances: Vec::new() });
    assert_eq!(more.to_json(), read.to_json());
    let (nothing, _) = Applications::from_json(&json!({"applications": {"application": []}}), NOW).unwrap();
    assert_eq!(nothing, Applications::default());
}

#[test]
fn a_body_that_is_not_a_registry_is_not_taken_for_an_empty_one() {
    for other in [json!({}), json!([]), json!(null), json!({"application": []}), json!({"error": "no"})] {
        let error = Applications::from_json(&other, NOW).unwrap_err();
        assert!(error.0.contains("`applications`"), "{error}");
    }
    for broken in [json!(null), json!(5), json!("x"), json!([])] {
        assert!(Applications::from_json(&json!({"applications": broken}), NOW).is_err());
    }
}

#[test]
fn an_unreadable_instance_does_not_hide_the_others() {
    let of = |id: &str| json!({"instanceId": id, "app": "A", "hostName": "h", "ipAddr": "i"});
    let broken = json!({"instanceId": "x", "app": "A", "hostName": "h", "ipAddr": "i", "port": {"$": 70_000}});
    let body = json!({"applications": {"versions__delta": "1", "apps__hashcode": "UP_3_", "application": [
        {"name": "a", "instance": [of("1"), broken, 5, of("2")]}, "nonsense", {"name": "b", "instance": of("3")}]}});
    let (read, skipped) = Applications::from_json(&body, NOW).unwrap();
    let instances = read.applications.iter().flat_map(|application| &application.instances);
    assert_eq!(instances.map(|instance| instance.instance_id.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert_eq!(skipped.len(), 3);
    assert!(skipped[0].0.starts_with("an instance of A: "), "{}", skipped[0]);
}

fn statuses() -> impl Strategy<Value = InstanceStatus> {
    use InstanceStatus::{Down, OutOfService, Starting, Unknown, Up};
    prop_oneof![Just(Up), Just(Down), Just(Starting), Just(OutOfService), Just(Unknown)]
}

fn texts() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(".{1,8}", ".{0,8}", 0..4)
}

fn instances() -> impl Strategy<Value = InstanceInfo> {
    let ports = (any::<u16>(), any::<bool>()).prop_map(|(number, is_enabled)| Port { number, is_enabled });
    let lease = (1..i64::MAX, 1..i64::MAX, any::<[i64; 4]>()).prop_map(
        |(renewal_interval_secs, duration_secs, [registered_at, renewed_at, evicted_at, up_at])| LeaseInfo {
            renewal_interval_secs,
            duration_secs,
            registered_at,
            renewed_at,
            evicted_at,
            up_at,
        },
    );
    let actions = prop_oneof![Just(ActionType::Added), Just(ActionType::Modified), Just(ActionType::Deleted)];
    let data_center =
        ("[a-z]{1,9}", ".{0,5}", texts()).prop_map(|(class, name, metadata)| DataCenter { class, name, metadata });
    (
        (".{1,9}", "[A-Z]{0,9}", ".{0,9}", option::of("[A-Z]{0,4}")),
        (statuses(), statuses(), ports.clone(), ports, any::<[i64; 3]>()),
        (lease, data_center, texts(), option::of(actions), any::<bool>()),
        any::<[Option<String>; 7]>(),
    )
        .prop_map(
            |((id, app, host_name, group), (status, overridden, port, secure_port, numbers), rest, texts)| {
                let (lease, data_center, metadata, action_type, is_coordinating) = rest;
                let [home_page_url, status_page_url, health_check_url, secure_health_check_url, vip, svip, asg] = texts;
                InstanceInfo {
                    instance_id: id,
                    host_name: host_name.clone(),
                    app,
                    app_group_name: group,
                    ip_addr: host_name,
                    sid: None,
                    status,
                    overridden_status: overridden,
                    port,
                    secure_port,
                    country_id: numbers[0],
                    data_center,
                    lease,
                    metadata,
                    home_page_url,
                    status_page_url,
                    health_check_url,
                    secure_health_check_url,
                    vip_address: vip,
                    secure_vip_address: svip,
                    is_coordinating_discovery_server: is_coordinating,
                    last_updated_at: numbers[1],
                    last_dirty_at: numbers[2],
                    action_type,
                    asg_name: asg,
                }
            },
        )
}

proptest! {
    #[test]
    fn written_json_reads_back_equal(info in instances()) {
        prop_assert_eq!(InstanceInfo::from_json(&info.to_json(), 0).unwrap(), info.clone());
        let applications = Applications {
            version: 7,
            hash_code: "UP_1_".to_owned(),
            applications: vec![Application { name: "A".to_owned(), instances: vec![info] }],
        };
        let text = super::applications(&applications, EurekaAccept::Full);
        let value: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&value, &applications.to_json());
        prop_assert_eq!(Applications::from_json(&value, 0).unwrap().0, applications);
    }

    #[test]
    fn no_input_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,80}") {
        let _ = read_registration(&bytes, NOW);
        let _ = read_registration(text.as_bytes(), NOW);
    }
}
