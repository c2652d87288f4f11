//! Where the broker is, from its URL; shown without user and password.

use std::fmt;

use lapin::{types::ShortString, uri::AMQPUri};
use souk_values::Secret;
use url::{Host, Url};

use crate::BusError;

/// Seconds between heartbeats, unless the URL says otherwise: twice that without a sign of life, and the
/// connection is given up.
const HEARTBEAT: u16 = 10;
/// The largest frame, unless the URL says otherwise: the client keeps room for 64 of them a connection.
const FRAME_MAX: u32 = 32 * 1024;

/// The broker's address.
#[derive(Clone)]
pub(super) struct Address(AMQPUri);

impl Address {
    /// Reads `amqp://user:password@host:port/vhost` or `amqps://…`.
    pub(super) fn parse(url: &Secret) -> Result<Self, BusError> {
        // What a parser says of it may quote it, with its password.
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

    /// What the client connects to.
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
    fn it_is_shown_without_who_signs_in() {
        let address = parse("amqp://shop:hunter2@mq.example:5673/%2fshop").unwrap();
        assert_eq!(address.to_string(), "mq.example:5673, vhost /shop");
        assert_eq!(format!("{address:?}"), address.to_string());
        assert_eq!(parse("amqp://mq").unwrap().to_string(), "mq:5672, vhost /");
        assert_eq!(parse("amqps://mq/%2f").unwrap().to_string(), "mq:5671, vhost /");
        assert_eq!(parse("amqp://[::1]:5672/v").unwrap().to_string(), "::1:5672, vhost v");
        assert_eq!(parse("amqp://mq?heartbeat=3").unwrap().uri().query.heartbeat, Some(3));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_quoted() {
        let long = format!("amqp://u:hunter2@mq/{}", "v".repeat(300));
        for url in
            ["", "hunter2", "redis://u:hunter2@mq", "amqp:hunter2", "amqp://u:hunter2@mq:port/", "amqp:///x", &long]
        {
            let refused = parse(url).unwrap_err().to_string();
            assert!(!refused.contains("hunter2"), "{refused}");
        }
    }
}
