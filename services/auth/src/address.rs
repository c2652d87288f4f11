//! The client's address, also behind trusted proxies.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Once,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};

use ipnet::IpNet;

use crate::app::App;

static WARNED: Once = Once::new();

/// The address of the connection's peer or, if that is a trusted proxy, the last untrusted one in `X-Forwarded-For`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        if app.trusted_proxies.is_empty() && parts.headers.contains_key("x-forwarded-for") {
            // All users behind the proxy would share one budget of failed sign-ins.
            WARNED.call_once(|| {
                tracing::warn!(peer = %peer, "X-Forwarded-For is ignored: set auth.trusted-proxies to the gateway's address");
            });
        }
        Ok(Self(client_address(peer, &parts.headers, &app.trusted_proxies)))
    }
}

fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    souk_kit::client_address(peer, headers, |address| trusted.iter().any(|network| network.contains(&address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|text| crate::config::parse_network(text).unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn forwarded_addresses_count_only_as_far_as_trusted_peers_wrote_them() {
        assert_eq!(client("203.0.113.9", &["1.2.3.4"], &[]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["1.2.3.4"], &[]), "127.0.0.1", "not even from this machine");
        let loopback = &["127.0.0.0/8", "::1"];
        assert_eq!(client("127.0.0.1", &["6.6.6.6, 1.2.3.4"], loopback), "1.2.3.4");
        assert_eq!(client("127.0.0.1", &["6.6.6.6", "1.2.3.4:555"], loopback), "1.2.3.4");
        assert_eq!(client("::1", &["2001:db8::1"], loopback), "2001:db8::1");
        assert_eq!(client("127.0.0.1", &["unknown"], loopback), "127.0.0.1");
        assert_eq!(client("127.0.0.1", &[], &[]), "127.0.0.1");
        assert_eq!(client("10.9.8.7", &["1.2.3.4"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(client("::ffff:10.9.8.7", &["1.2.3.4"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(client("11.9.8.7", &["1.2.3.4"], &["10.0.0.0/8", "fd00::/8", "11.9.8.8/32"]), "11.9.8.7");
        assert_eq!(client("fd12::1", &["1.2.3.4"], &["fd00::/8"]), "1.2.3.4");
        assert_eq!(client("127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.1"], &["10.0.0.0/8", "127.0.0.1/32"]), "1.2.3.4");
        assert_eq!(client("127.0.0.1", &["6.6.6.6, 1.2.3.4", "10.0.0.1"], &["10.0.0.0/8", "127.0.0.1/32"]), "1.2.3.4");
        assert_eq!(client("11.9.8.7", &["1.2.3.4"], &["0.0.0.0/0"]), "1.2.3.4");
    }
}
