//! The services that this build has, and their standard ports.

/// Services beside the gateway, with their standard ports. Started in this order, stopped together.
pub const SERVICES: [(&str, u16); 6] =
    [("auth", 8081), ("product", 8082), ("order", 8083), ("cart", 8084), ("payment", 8085), ("notification", 8086)];
/// The gateway's standard port, from which the others' offset is reckoned.
pub const GATEWAY: u16 = 8080;
/// Every service, for the command line.
pub const NAMES: [&str; 7] = ["auth", "product", "order", "cart", "payment", "notification", "gateway"];
/// Every service that has a store.
pub const WITH_STORE: [&str; 6] = ["auth", "product", "order", "cart", "payment", "notification"];

/// The standard port of `service`.
pub fn standard_port(service: &str) -> u16 {
    SERVICES.iter().find(|(name, _)| *name == service).map_or(GATEWAY, |(_, port)| *port)
}

/// The port of the service whose standard port is `standard`, when the gateway listens on `gateway`.
pub fn port(standard: u16, gateway: u16) -> u16 {
    (standard + gateway).saturating_sub(GATEWAY)
}

/// The names of the services with a store.
pub fn with_store() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree() {
        assert_eq!(with_store().collect::<Vec<_>>(), WITH_STORE);
        assert_eq!(NAMES.split_last(), Some((&"gateway", &WITH_STORE[..])));
        assert_eq!((standard_port("cart"), standard_port("gateway"), port(8084, 9080)), (8084, 8080, 9084));
    }
}
