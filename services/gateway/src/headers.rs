//! Rewrites headers: removes those of one hop, and records where a request came from.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use souk_kit::client_address;

use crate::networks::Networks;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers that concern a single connection, in both directions (RFC 9110, section 7.6.1).
static HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("x-application-context"),
    header::UPGRADE,
];

/// Removes the headers that concern a single connection, including those that `Connection` names.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    // Most messages have none of them, and a search is cheaper than a removal.
    for name in &HOP_BY_HOP {
        if headers.keys().any(|present| present == name) {
            headers.remove(name);
        }
    }
}

/// The client at the other end of a connection, in the form of header values.
#[derive(Debug, Clone)]
pub(crate) struct ClientAddress {
    peer: IpAddr,
    address: HeaderValue,
    /// The gateway's port that the client is connected to.
    port: HeaderValue,
    is_trusted: bool,
}

impl ClientAddress {
    /// A trusted client is a proxy whose `X-Forwarded-*` headers are believed.
    pub fn new(peer: IpAddr, port: u16, is_trusted: bool) -> Self {
        let text = peer.to_canonical().to_string();
        let address = HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self { peer, address, port: HeaderValue::from(port), is_trusted }
    }

    /// Returns the address of the client that sent a request with `headers`, which differs from the peer's if that is a
    /// trusted proxy.
    pub fn of_request(&self, headers: &HeaderMap, trusted: &Networks) -> IpAddr {
        if self.is_trusted { client_address(self.peer, headers, |peer| trusted.contain(peer)) } else { self.peer }
    }
}

/// Turns a client's headers into those for an upstream. `host` is the host that the client requested.
pub(crate) fn prepare_for_upstream(headers: &mut HeaderMap, client: &ClientAddress, host: HeaderValue) {
    remove_hop_by_hop(headers);
    // hyper answers `Expect: 100-continue` itself.
    headers.remove(header::EXPECT);
    remove_forwarded(headers, client.is_trusted);
    let port = port_of(&host, &client.port);
    add(headers, FORWARDED_FOR, client.address.clone());
    add(headers, FORWARDED_PROTO, HeaderValue::from_static("http"));
    add(headers, FORWARDED_PORT, port);
    add(headers, FORWARDED_HOST, host);
}

/// Removes `Forwarded`, which the gateway does not extend, and every `X-Forwarded-*` that is not believed.
fn remove_forwarded(headers: &mut HeaderMap, is_trusted: bool) {
    let is_kept = |name: &HeaderName| {
        is_trusted && [FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PORT, FORWARDED_PROTO].contains(name)
    };
    let dropped: Vec<HeaderName> = headers
        .keys()
        .filter(|name| *name == header::FORWARDED || (name.as_str().starts_with("x-forwarded-") && !is_kept(name)))
        .cloned()
        .collect();
    for name in dropped {
        headers.remove(name);
    }
}

/// Sets a header, or appends to the list of a trusted proxy.
fn add(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    let before: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
    let list = if before.is_empty() {
        value
    } else {
        let mut list = before.join(&b',');
        list.push(b',');
        list.extend_from_slice(value.as_bytes());
        HeaderValue::from_maybe_shared(bytes::Bytes::from(list)).unwrap_or(value)
    };
    headers.insert(name, list);
}

/// Returns the port of a `Host` header; 80 if it has none.
fn port_of(host: &HeaderValue, listening: &HeaderValue) -> HeaderValue {
    let host = host.as_bytes();
    let end = host.iter().rposition(|byte| !byte.is_ascii_digit());
    match end.and_then(|at| host.split_at_checked(at)) {
        Some((_, [b':', port @ ..])) if !port.is_empty() => {
            if port == listening.as_bytes() {
                listening.clone()
            } else {
                HeaderValue::from_bytes(port).unwrap_or_else(|_| listening.clone())
            }
        }
        _ => HeaderValue::from_static("80"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn hop_by_hop_headers_are_removed() {
        let mut given = headers(&[
            ("connection", "keep-alive, X-Mine"),
            ("connection", "x-other ,close"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "x"),
            ("transfer-encoding", "chunked"),
            ("x-mine", "1"),
            ("x-other", "2"),
            ("x-kept", "3"),
        ]);
        remove_hop_by_hop(&mut given);
        assert_eq!(given, headers(&[("x-kept", "3")]));
    }

    #[test]
    fn a_forged_origin_is_replaced_and_a_trusted_one_extended() {
        let pairs = [
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-prefix", "/admin"),
            ("forwarded", "for=1.2.3.4"),
        ];
        let host = HeaderValue::from_static("shop.example:8443");
        let mut given = headers(&pairs);
        prepare_for_upstream(&mut given, &ClientAddress::new("9.9.9.9".parse().unwrap(), 8080, false), host.clone());
        let wanted = [
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-port", "8443"),
            ("x-forwarded-host", "shop.example:8443"),
        ];
        assert_eq!(given, headers(&wanted));
        let mut given = headers(&pairs);
        prepare_for_upstream(&mut given, &ClientAddress::new("::ffff:9.9.9.9".parse().unwrap(), 8080, true), host);
        assert_eq!(given.get("x-forwarded-for").unwrap(), "1.2.3.4,9.9.9.9");
        assert_eq!(given.get("x-forwarded-proto").unwrap(), "https,http");
        assert!(!given.contains_key("forwarded") && !given.contains_key("x-forwarded-prefix"));
    }

    #[test]
    fn the_port_is_taken_from_the_host() {
        let listening = HeaderValue::from_static("8080");
        for (host, port) in
            [("a:8080", "8080"), ("a:9", "9"), ("a", "80"), ("[::1]", "80"), ("[::1]:7", "7"), ("a:", "80")]
        {
            assert_eq!(port_of(&HeaderValue::from_static(host), &listening), port, "{host}");
        }
    }
}
