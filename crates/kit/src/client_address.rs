//! The address of a client behind proxies.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// Returns the address of `peer` or, if that is trusted, the last untrusted one in `X-Forwarded-For`.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer.to_canonical();
    let values = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
    // From the right: each trusted hop appended the address before it. Entries left of the first untrusted address
    // are under the client's control.
    for entry in values.flat_map(|list| list.rsplit(',')).map(str::trim) {
        if !is_trusted(client) {
            break;
        }
        // Some proxies append the port.
        match entry.parse().ok().or_else(|| Some(entry.parse::<SocketAddr>().ok()?.ip())) {
            Some(previous) => client = IpAddr::to_canonical(&previous),
            None => break,
        }
    }
    client
}
