//! Addresses of instances: this process's own, and the registered ones of others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use souk_eureka::{InstanceInfo, InstanceStatus};
use tokio::net::UdpSocket;
use url::Host;

/// Parses a host name or an IP address and returns it in the form of URLs; `None` for anything else.
pub fn host(text: &str) -> Option<String> {
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => Some(format!("[{address}]")),
        Ok(address) => Some(address.to_string()),
        Err(_) => Host::parse(text).ok().map(|host| host.to_string()).filter(|host| !host.is_empty()),
    }
}

/// Returns the base URL of `instance`, such as `http://10.0.0.5:8080`; `None` unless it is up and its plain port enabled.
/// Some clients register a name in place of the IP address.
pub fn base(instance: &InstanceInfo) -> Option<String> {
    let takes_calls = instance.status == InstanceStatus::Up && instance.port.is_enabled && instance.port.number > 0;
    let host = || host(&instance.ip_addr).or_else(|| host(&instance.host_name));
    takes_calls.then(host)?.map(|host| format!("http://{host}:{}", instance.port.number))
}

/// Returns the address of this machine's interface towards `server`. Sends nothing.
pub async fn local_address_towards(server: (&str, u16)) -> std::io::Result<IpAddr> {
    route(server).await.map(|(own, _)| own)
}

/// True when `server` is on this machine.
pub async fn is_local(server: (&str, u16)) -> std::io::Result<bool> {
    route(server).await.map(|(own, its)| own == its || its.is_loopback())
}

/// Returns the local and the remote address of a route to `server`.
async fn route(server: (&str, u16)) -> std::io::Result<(IpAddr, IpAddr)> {
    let unknown = || std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    let server = tokio::net::lookup_host(server).await?.next().ok_or_else(unknown)?;
    let any: IpAddr = if server.is_ipv6() { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(server).await?;
    Ok((socket.local_addr()?.ip(), server.ip()))
}

/// Resolves `host` to an IP address. Keeps `known` while it is still one of its addresses or the name does not resolve;
/// falls back to `host` itself.
pub async fn resolved(host: &str, known: Option<&str>) -> String {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<IpAddr>().is_ok() {
        return bare.to_owned();
    }
    let found = tokio::net::lookup_host((host, 0)).await.into_iter().flatten();
    let found: Vec<String> = found.map(|address| address.ip().to_string()).collect();
    match known {
        Some(known) if found.is_empty() || found.iter().any(|address| address == known) => known.to_owned(),
        _ => found.into_iter().next().unwrap_or_else(|| host.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base_of(mut fields: serde_json::Value) -> Option<String> {
        fields["hostName"] = "named".into();
        base(&InstanceInfo::from_json(&fields, 0).unwrap())
    }

    #[test]
    fn only_an_instance_that_is_up_has_a_base_url() {
        let port = json!({"$": 80, "@enabled": "true"});
        let instance = |ip: &str, status: &str, port: &serde_json::Value| {
            base_of(json!({"ipAddr": ip, "status": status, "port": port}))
        };
        assert_eq!(instance("10.0.0.5", "UP", &port).as_deref(), Some("http://10.0.0.5:80"));
        assert_eq!(instance("fe80::1", "UP", &port).as_deref(), Some("http://[fe80::1]:80"));
        assert_eq!(instance("order-1", "UP", &port).as_deref(), Some("http://order-1:80"));
        assert_eq!(instance("", "UP", &port).as_deref(), Some("http://named:80"));
        assert_eq!(instance("evil/path?", "UP", &port).as_deref(), Some("http://named:80"));
        assert_eq!(instance("user@evil", "UP", &port).as_deref(), Some("http://named:80"));
        assert_eq!(instance("10.0.0.5", "OUT_OF_SERVICE", &port), None);
        assert_eq!(instance("10.0.0.5", "STARTING", &port), None);
        assert_eq!(instance("10.0.0.5", "UP", &json!({"$": 80, "@enabled": "false"})), None);
        assert_eq!(instance("10.0.0.5", "UP", &json!({"$": 0, "@enabled": "true"})), None);
    }

    #[tokio::test]
    async fn the_route_to_this_machine_is_its_loopback() {
        assert_eq!(local_address_towards(("127.0.0.1", 9)).await.unwrap(), Ipv4Addr::LOCALHOST);
        assert!(is_local(("127.0.0.1", 9)).await.unwrap());
        // An address that no machine has.
        assert!(!is_local(("192.0.2.1", 9)).await.unwrap_or(false));
    }

    #[tokio::test]
    async fn an_address_that_is_still_right_is_kept() {
        assert_eq!(resolved("10.1.2.3", None).await, "10.1.2.3");
        assert_eq!(resolved("[::1]", None).await, "::1");
        assert_eq!(resolved("nowhere.invalid", None).await, "nowhere.invalid");
        assert_eq!(resolved("nowhere.invalid", Some("10.0.0.1")).await, "10.0.0.1", "the name does not resolve");
        let first = resolved("localhost", None).await;
        assert_eq!(resolved("localhost", Some(&first)).await, first);
        assert_eq!(resolved("localhost", Some("10.0.0.1")).await, first);
    }
}
