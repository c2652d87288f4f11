//! A registration with the registry, in JSON and in XML. One that is read is written and read again without a change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use souk_eureka::{EurekaAccept, json, xml};

/// Time of the registration, in milliseconds since 1970.
const NOW: i64 = 1_800_000_000_000;

fuzz_target!(|data: &[u8]| {
    if let Ok(instance) = json::read_registration(data, NOW) {
        let _ = xml::instance(&instance, EurekaAccept::Full);
        let written = json::instance(&instance, EurekaAccept::Full);
        assert!(json::read_registration(written.as_bytes(), NOW).is_ok(), "{written}");
    }
    if let Ok(instance) = xml::read_registration(data, NOW) {
        let _ = json::instance(&instance, EurekaAccept::Compact);
        let _ = xml::instance(&instance, EurekaAccept::Full);
    }
});
