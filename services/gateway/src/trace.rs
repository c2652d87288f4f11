//! Trace context: the caller's trace is continued, or one begun.

use http::{HeaderMap, HeaderName, HeaderValue};
use souk_values::IdGen;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Sets `traceparent` to a span of our own in the caller's trace, or in a new one. Answers it.
pub(crate) fn carry_on(headers: &mut HeaderMap, ids: &IdGen) -> HeaderValue {
    let given = headers.get(&TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(read);
    let is_new = given.is_none();
    let text = if let Some((trace, flags)) = given {
        format!("00-{trace}-{}-{flags}", ids.token(8))
    } else {
        let drawn = ids.token(24);
        let (trace, span) = drawn.split_at(32);
        format!("00-{trace}-{span}-01")
    };
    // Digits and dashes are always a header's value.
    let value = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    headers.insert(TRACEPARENT, value.clone());
    if is_new {
        // The state of a trace that could not be read belongs to nothing.
        headers.remove(TRACESTATE);
    }
    value
}

/// The trace's id, for logs.
pub(crate) fn id_of(traceparent: &HeaderValue) -> &str {
    traceparent.to_str().ok().and_then(|text| text.get(3..35)).unwrap_or_default()
}

/// The trace and the flags of a `traceparent`.
fn read(text: &str) -> Option<(&str, &str)> {
    let is_hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_set = |part: &str| part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("00"), Some(trace), Some(span), Some(flags), None)
            if is_hex(trace, 32) && is_set(trace) && is_hex(span, 16) && is_set(span) && is_hex(flags, 2) =>
        {
            Some((trace, flags))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use souk_values::ShiftedClock;

    use super::*;

    #[test]
    fn a_trace_is_continued_or_begun() {
        let ids = IdGen::new(ShiftedClock::new(Duration::ZERO));
        let given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        for (text, is_continued) in [
            (given, true),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-00", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00", false),
            ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00", false),
            ("rubbish", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_static(text));
            headers.insert("tracestate", HeaderValue::from_static("a=b"));
            let sent = carry_on(&mut headers, &ids);
            assert_eq!(id_of(&sent) == &given[3..35], is_continued, "{text}");
            assert_eq!(headers.contains_key("tracestate"), is_continued, "{text}");
            let now = headers.get("traceparent").unwrap().to_str().unwrap();
            assert!(read(now).is_some(), "{now}");
            assert_ne!(now, given, "the span is our own");
        }
    }
}
