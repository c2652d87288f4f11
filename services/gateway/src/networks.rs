//! Networks of peers: of the proxies in front of the gateway that are believed, or of a route's clients.

use std::net::IpAddr;

use ipnet::IpNet;

#[derive(Debug, Default)]
pub(crate) struct Networks(Vec<IpNet>);

impl Networks {
    /// Adds a network in CIDR notation, or a single address.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        self.0.push(network.map_err(|_| format!("'{text}' is not a network such as 10.0.0.0/8"))?);
        Ok(())
    }

    pub fn contain(&self, peer: IpAddr) -> bool {
        // A dual-stack socket reports an IPv4 peer as ::ffff:a.b.c.d. Networks of both families match such a peer.
        let canonical = peer.to_canonical();
        let mapped = match canonical {
            IpAddr::V4(address) => IpAddr::V6(address.to_ipv6_mapped()),
            IpAddr::V6(_) => canonical,
        };
        self.0.iter().any(|network| network.contains(&canonical) || network.contains(&mapped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses_of_either_family() {
        for (network, address, is_contained) in [
            ("10.0.0.0/8", "10.255.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("::/0", "fd00::1", true),
            ("::/0", "9.9.9.9", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
        ] {
            let mut networks = Networks::default();
            networks.add(network).unwrap();
            assert_eq!(networks.contain(address.parse().unwrap()), is_contained, "{network} {address}");
        }
        for text in ["", "x", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129"] {
            assert!(Networks::default().add(text).is_err(), "{text}");
        }
    }
}
