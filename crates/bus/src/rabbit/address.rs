//! The address of the broker, parsed from its URL and displayed without user and password.

use std::fmt;

use lapin::{types::ShortString, uri::AMQPUri};
use souk_values::Secret;
use url::{Host, Url};

use crate::BusError;

/// Seconds between heartbeats, unless the URL sets `heartbeat`. The connection is closed after twice that without traffic.
const HEARTBEAT: u16 = 10;
/// Maximum frame size in bytes, unless the URL sets `frame_max`. The client allocates 64 frames per connection.
const FRAME_MAX: u32 = 32 * 1024;

/// The address and credentials of the broker.
#[derive(Clone)]
pub(super) struct Address(AMQPUri);

impl Address {
    /// Parses `amqp://user:password@host:port/vhost` or `amqps://…`. Errors: it is neither; the message never quotes it.
    pub(super) fn parse(url: &Secret) -> Result<Self, BusError> {
        // The parsers' own messages may quote the URL with its password.
        let unreadable = || {
            BusError::Configuration(
                "the broker's URL cannot be read as amqp://user:password@host:port/vhost (or amqps://), \
                 with / in the vhost's name written as %2f"
                    .to_owned(),
            )
        };
        let parsed = Url::parse(url.expose()).map_err(|_| unreadable())?;
        let mut uri: AMQPUri = url.expose().parse().map_err(|_| unreadable())?;
        if let Some(Host::Ipv6(host)) = parsed.host() {
            uri.authority.host = host.to_string();
        }
        if ShortString::try_new(uri.vhost.clone()).is_err() || parsed.host().is_none() {
            return Err(unreadable());
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        Ok(Self(uri))
    }

    /// Returns the URI with credentials, for the client.
    pub(super) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}, vhost {}", self.0.authority.host, self.0.authority.port, self.0.vhost)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, BusError> {
        Address::parse(&Secret::new(url.to_owned()))
    }

    #[test]
    fn it_is_displayed_without_credentials() {
        let address = parse("amqp://shop:hunter2@mq.example:5673/%2fshop").unwrap();
        assert_eq!(address.to_string(), "mq.example:5673, vhost /shop");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(parse("amqp://mq").unwrap().to_string(), "mq:5672, vhost /");
        assert_eq!(parse("amqps://mq/%2f").unwrap().to_string(), "mq:5671, vhost /");
        assert_eq!(parse("amqp://[::1]:5672/v").unwrap().to_string(), "::1:5672, vhost v");
        assert_eq!(parse("amqp://mq?heartbeat=3").unwrap().uri().query.heartbeat, Some(3));
    }

    #[test]
    fn an_invalid_address_is_rejected_without_being_quoted() {
        let long = format!("amqp://u:hunter2@mq/{}", "v".repeat(300));
        for url in
            ["", "hunter2", "redis://u:hunter2@mq", "amqp:hunter2", "amqp://u:hunter2@mq:port/", "amqp:///x", &long]
        {
            let refused = parse(url).unwrap_err().to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
