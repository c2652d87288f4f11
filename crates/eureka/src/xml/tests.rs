//! Documents as the original writes them, bodies that clients send, and round trips of arbitrary values.

use proptest::{collection::btree_map, prelude::*};

use super::*;
use crate::{ActionType, InstanceStatus, Malformed};

const NOW: i64 = 1_700_000_000_000;

fn read(xml: &str) -> Result<InstanceInfo, Malformed> {
    read_registration(xml.as_bytes(), NOW)
}

fn error(xml: &str) -> String {
    read(xml).unwrap_err().0
}

fn shop() -> InstanceInfo {
    let mut shop = read("<instance/>").unwrap();
    shop.instance_id = "10.0.0.5:shop:8080".to_owned();
    shop.host_name = "shop-1".to_owned();
    shop.app = "SHOP".to_owned();
    shop.ip_addr = "10.0.0.5".to_owned();
    shop.data_center = DataCenter::default();
    shop.port.number = 8080;
    shop.vip_address = Some("shop".to_owned());
    shop.home_page_url = Some("http://shop-1/?a=1&b=<2>".to_owned());
    shop.action_type = Some(ActionType::Added);
    shop
}

#[test]
fn an_instance_is_written_as_the_original_does() {
    let mut shop = shop();
    shop.metadata.insert("my_key".to_owned(), "a & b".to_owned());
    assert_eq!(
        instance(&shop, EurekaAccept::Full),
        "<instance><instanceId>10.0.0.5:shop:8080</instanceId><hostName>shop-1</hostName><app>SHOP</app>\
         <ipAddr>10.0.0.5</ipAddr><status>UP</status><overriddenstatus>UNKNOWN</overriddenstatus>\
         <port enabled=\"true\">8080</port><securePort enabled=\"false\">7002</securePort><countryId>1</countryId>\
         <dataCenterInfo class=\"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo\"><name>MyOwn</name>\
         </dataCenterInfo><leaseInfo><renewalIntervalInSecs>30</renewalIntervalInSecs>\
         <durationInSecs>90</durationInSecs><registrationTimestamp>0</registrationTimestamp>\
         <lastRenewalTimestamp>0</lastRenewalTimestamp><evictionTimestamp>0</evictionTimestamp>\
         <serviceUpTimestamp>0</serviceUpTimestamp></leaseInfo><metadata><my__key>a &amp; b</my__key></metadata>\
         <homePageUrl>http://shop-1/?a=1&amp;b=&lt;2&gt;</homePageUrl><vipAddress>shop</vipAddress>\
         <isCoordinatingDiscoveryServer>false</isCoordinatingDiscoveryServer>\
         <lastUpdatedTimestamp>1700000000000</lastUpdatedTimestamp>\
         <lastDirtyTimestamp>1700000000000</lastDirtyTimestamp><actionType>ADDED</actionType></instance>"
    );
}

#[test]
fn empty_metadata_is_written_as_javas_empty_map() {
    assert!(instance(&shop(), EurekaAccept::Full).contains("<metadata class=\"java.util.Collections$EmptyMap\"/>"));
}

#[test]
fn the_compact_form_leaves_out_fields_that_calls_do_not_need() {
    let compact = instance(&shop(), EurekaAccept::Compact);
    let left_out = ["leaseInfo", "metadata", "Url", "sid", "countryId", "overriddenstatus", "lastDirtyTimestamp"];
    assert_eq!(left_out.into_iter().find(|name| compact.contains(name)), None);
    assert!(compact.contains("<vipAddress>shop</vipAddress>") && compact.contains("dataCenterInfo class="));
}

#[test]
fn a_registry_is_written_with_version_and_hash_and_without_empty_applications() {
    let empty = Application { name: "GONE".to_owned(), instances: Vec::new() };
    let full = Application { name: "SHOP".to_owned(), instances: vec![shop()] };
    let registry = Applications { version: 1, hash_code: "UP_1_".to_owned(), applications: vec![empty, full.clone()] };
    let xml = applications(&registry, EurekaAccept::Full);
    let start = "<applications><versions__delta>1</versions__delta><apps__hashcode>UP_1_</apps__hashcode>\
                 <application><name>SHOP</name><instance><instanceId>";
    assert!(xml.starts_with(start), "{xml}");
    assert!(xml.ends_with("</instance></application></applications>"), "{xml}");
    assert!(xml.contains(&application(&full, EurekaAccept::Full)));
}

#[test]
fn keys_of_the_status_become_element_names() {
    let pairs = |key: &str| vec![(key.to_owned(), "<1>".to_owned())];
    let status = StatusInfo { general_stats: pairs("num-of-cpus"), application_stats: pairs("a b"), instance: shop() };
    let xml = status_info(&status);
    assert!(xml.starts_with("<status><generalStats><num-of-cpus>&lt;1&gt;</num-of-cpus></generalStats>"), "{xml}");
    assert!(xml.contains("<applicationStats><a_.0020b>") && xml.contains("<instanceInfo><instanceId>"), "{xml}");
}

#[test]
fn unusual_keys_and_characters_do_not_break_the_document() {
    let mut shop = shop();
    let keys = ["", "1", "a b", "<x>", "a:b", "xmlns:y", "\"", "é", "日本", "\u{0}"];
    shop.metadata =
        keys.iter().map(|key| ((*key).to_owned(), "\u{0}\u{b}\u{ffff}<![CDATA[]]>&x;".to_owned())).collect();
    let back = read(&instance(&shop, EurekaAccept::Full)).unwrap();
    let read_keys: Vec<&str> = back.metadata.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = keys.into_iter().filter(|key| !key.is_empty()).collect();
    expected.sort_unstable();
    assert_eq!(read_keys, expected);
    assert!(back.metadata.values().all(|value| value == "\u{fffd}\u{fffd}\u{fffd}<![CDATA[]]>&x;"));
}

#[test]
fn absent_fields_get_their_defaults_and_unknown_ones_are_ignored() {
    let xml = "\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- by hand -->\n<instance xmlns=\"urn:x\">
        <hostName><![CDATA[a&b]]>&#x2d;&amp;</hostName>
        <app>Shop</app> <colour deep=\"1\"><shade>red</shade></colour>
        <status> DOWN </status> <port enabled=\" true \"> 80 </port>
        <overriddenstatus>OUT_OF_SERVICE</overriddenstatus>
        <leaseInfo><durationInSecs> 20 </durationInSecs></leaseInfo>
        <metadata class=\"java.util.Collections$EmptyMap\"/>
        <dataCenterInfo class=\"com.netflix.appinfo.AmazonInfo\"><name>Amazon</name>
          <metadata><instance-id>i-1</instance-id></metadata></dataCenterInfo>
        </instance>\n";
    let instance = read(xml).unwrap();
    assert_eq!((instance.host_name.as_str(), instance.app.as_str()), ("a&b-&", "SHOP"));
    assert_eq!((instance.status, instance.overridden_status), (InstanceStatus::Down, InstanceStatus::OutOfService));
    assert_eq!(instance.port, Port { number: 80, is_enabled: true });
    assert_eq!(instance.secure_port, Port { number: 7002, is_enabled: false });
    assert_eq!((instance.lease.renewal_interval_secs, instance.lease.duration_secs), (30, 20));
    assert_eq!((instance.last_dirty_at, instance.country_id), (NOW, 1));
    assert!(instance.metadata.is_empty());
    assert_eq!(instance.data_center.class, "com.netflix.appinfo.AmazonInfo");
    assert_eq!(instance.data_center.metadata.get("instance-id").map(String::as_str), Some("i-1"));
}

#[test]
fn a_body_that_is_not_a_registration_is_rejected_with_a_reason() {
    for (xml, reason) in [
        ("", "one root element"),
        ("<instance/><instance/>", "one root element"),
        ("text<instance/>", "one root element"),
        ("<applications/>", "expected <instance>, found <applications>"),
        ("<instance>", "ends too early"),
        ("<instance><app></instance>", "invalid XML"),
        ("<instance a=1/>", "invalid XML"),
        ("<instance><app>&nbsp;</app></instance>", "unknown entity &nbsp;"),
        ("<instance><app>&#0;</app></instance>", "invalid XML"),
        ("<!DOCTYPE x [<!ENTITY a \"b\">]><instance><app>&a;</app></instance>", "document type"),
    ] {
        let rejected = error(xml);
        assert!(rejected.contains(reason), "{xml}: {rejected}");
    }
    assert!(read_registration(b"\xff\xfe<\0i\0", NOW).unwrap_err().0.contains("UTF-8"));
    let deep = "<instance>".repeat(100_000);
    assert!(error(&deep).contains("elements deep"));
}

fn words() -> impl Strategy<Value = String> {
    "\\PC{1,12}|[ \\t\\r\\n<>&\"'a;\\]]{1,8}"
}

fn status() -> impl Strategy<Value = InstanceStatus> {
    use InstanceStatus::{Down, OutOfService, Starting, Unknown, Up};
    prop::sample::select(vec![Down, OutOfService, Starting, Unknown, Up])
}

fn port() -> impl Strategy<Value = Port> {
    (any::<u16>(), any::<bool>()).prop_map(|(number, is_enabled)| Port { number, is_enabled })
}

prop_compose! {
    fn lease()(times in prop::array::uniform4(0..=4_000_000_000_000_i64), terms in (1..=9_000_i64, 1..=9_000_i64))
        -> LeaseInfo {
        let [registered_at, renewed_at, evicted_at, up_at] = times;
        let (renewal_interval_secs, duration_secs) = terms;
        LeaseInfo { renewal_interval_secs, duration_secs, registered_at, renewed_at, evicted_at, up_at }
    }
}

prop_compose! {
    fn instances()(
        names in prop::array::uniform4(words()),
        app in "[A-Z0-9_.-]{1,12}",
        optional in prop::array::uniform9(proptest::option::of(words())),
        statuses in (status(), status()),
        ports in (port(), port()),
        numbers in (0..=500_i64, 1..=4_000_000_000_000_i64, 1..=4_000_000_000_000_i64, any::<bool>()),
        lease in lease(),
        // No key is named `class`: the reader of JSON may take it for Java's marker of an empty map.
        metadata in btree_map("k\\PC{0,8}|[_$.:0-9-]{1,8}", words(), 0..4),
        amazon in btree_map("[a-z-]{5,9}", words(), 1..3),
        is_amazon in any::<bool>(),
        action_type in prop::sample::select(vec![
            None, Some(ActionType::Added), Some(ActionType::Modified), Some(ActionType::Deleted),
        ]),
    ) -> InstanceInfo {
        let [instance_id, host_name, ip_addr, sid] = names;
        let [home_page_url, status_page_url, health_check_url, secure_health_check_url, vip_address,
            secure_vip_address, asg_name, group, _] = optional;
        let data_center = if is_amazon {
            DataCenter { class: "com.netflix.appinfo.AmazonInfo".to_owned(), name: "Amazon".to_owned(), metadata: amazon }
        } else {
            DataCenter::default()
        };
        InstanceInfo {
            instance_id, host_name, app, ip_addr, data_center, lease, metadata, action_type,
            app_group_name: group.map(|group| group.to_uppercase()),
            sid: Some(sid).filter(|sid| sid != "na"),
            status: statuses.0, overridden_status: statuses.1, port: ports.0, secure_port: ports.1,
            country_id: numbers.0, last_updated_at: numbers.1, last_dirty_at: numbers.2,
            is_coordinating_discovery_server: numbers.3,
            home_page_url, status_page_url, health_check_url, secure_health_check_url, vip_address,
            secure_vip_address, asg_name,
        }
    }
}

proptest! {
    #[test]
    fn written_xml_reads_back_equal(info in instances()) {
        prop_assert_eq!(read(&instance(&info, EurekaAccept::Full)).unwrap(), info);
    }

    #[test]
    fn no_input_makes_the_reader_panic(xml in "(<|>|/|instance|app|&|;|#|!\\[CDATA\\[|\\]\\]>|=|\"|\\PC){0,40}") {
        let _ = read(&xml);
    }
}
