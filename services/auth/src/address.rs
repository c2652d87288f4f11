//! Whose address a request comes from, behind a proxy that is trusted or not.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, request::Parts},
};

use crate::App;

/// An address or a network: `10.1.2.3`, `10.0.0.0/8`, `fd00::/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

/// A text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is neither an IP address nor a network such as 10.0.0.0/8")]
pub struct NoNetwork(String);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let wrong = || NoNetwork(text.to_owned());
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), |prefix| prefix.trim().parse().map_err(|_| wrong()))?;
        if prefix > bits { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let same = |own: u128, other: u128, bits: u32| (own ^ other).checked_shr(bits - self.prefix).unwrap_or(0) == 0;
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same(own.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => same(own.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

/// The address of who asks: the peer's, or what a trusted peer says in the last entry of `X-Forwarded-For`.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        Ok(Self(client_address(peer, &parts.headers, &app.trusted)))
    }
}

fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| address.is_loopback() || trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let values = headers.get_all("x-forwarded-for").iter().rev().filter_map(|value| value.to_str().ok());
    // Each trusted hop tells who stood before it; the first that is not trusted is the client.
    for said in values.flat_map(|list| list.rsplit(',')).map(str::trim) {
        if !is_trusted(client) {
            break;
        }
        match said.parse().ok().or_else(|| Some(said.parse::<SocketAddr>().ok()?.ip())) {
            Some(before) => client = IpAddr::to_canonical(&before),
            None => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_peer_is_believed_and_only_its_own_entry() {
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"], &[]), "203.0.113.9");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, 1.2.3.4"], &[]), "1.2.3.4");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6", "1.2.3.4:555"], &[]), "1.2.3.4");
        assert_eq!(seen("::1", &["2001:db8::1"], &[]), "2001:db8::1");
        assert_eq!(seen("127.0.0.1", &["unknown"], &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &[], &[]), "127.0.0.1");
        assert_eq!(seen("10.9.8.7", &["1.2.3.4"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(seen("::ffff:10.9.8.7", &["1.2.3.4"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(seen("11.9.8.7", &["1.2.3.4"], &["10.0.0.0/8", "fd00::/8", "11.9.8.8"]), "11.9.8.7");
        assert_eq!(seen("fd12::1", &["1.2.3.4"], &["fd00::/8"]), "1.2.3.4");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.1"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(seen("127.0.0.1", &["6.6.6.6, 1.2.3.4", "10.0.0.1"], &["10.0.0.0/8"]), "1.2.3.4");
        assert_eq!(seen("11.9.8.7", &["1.2.3.4"], &["0.0.0.0/0"]), "1.2.3.4");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "ten", "10.0.0.0/33", "10.0.0.0/x", "fd00::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
