//! Recognizes URLs of this machine itself, which browsers treat as secure without TLS.

use url::{Host, Url};

pub(crate) fn is_loopback_url(url: &str) -> bool {
    match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_this_machine_only() {
        for url in ["http://localhost:8080", "http://127.0.0.1", "http://[::1]:1", "http://shop.localhost/"] {
            assert!(is_loopback_url(url), "{url}");
        }
        for url in ["https://shop.example", "http://localhost.example", "http://10.0.0.1", "", "localhost"] {
            assert!(!is_loopback_url(url), "{url}");
        }
    }
}
