//! The services that this build has, and their standard ports.

/// Services with a store, with their standard ports. Started in this order, stopped together.
pub const SERVICES: [(&str, u16); 6] =
    [("auth", 8081), ("product", 8082), ("order", 8083), ("cart", 8084), ("payment", 8085), ("notification", 8086)];
/// Where the registry is.
pub const DISCOVERY: u16 = 8761;
/// Where the configuration is.
pub const CONFIG_SERVER: u16 = 8888;
/// The gateway's standard port, from which the others' offset is reckoned.
pub const GATEWAY: u16 = 8080;
/// Every service, for the command line.
pub const NAMES: [&str; 9] =
    ["auth", "product", "order", "cart", "payment", "notification", "gateway", "discovery", "config-server"];
/// Every service that has a store.
pub const WITH_STORE: [&str; 6] = ["auth", "product", "order", "cart", "payment", "notification"];

/// The standard port of `service`.
pub fn standard_port(service: &str) -> u16 {
    match service {
        "discovery" => DISCOVERY,
        "config-server" => CONFIG_SERVER,
        _ => SERVICES.iter().find(|(name, _)| *name == service).map_or(GATEWAY, |(_, port)| *port),
    }
}

/// The port of the service whose standard port is `standard`, when the gateway listens on `gateway`.
pub fn port(standard: u16, gateway: u16) -> u16 {
    match standard.checked_sub(GATEWAY) {
        Some(above) => gateway.saturating_add(above),
        None => gateway.saturating_sub(GATEWAY - standard),
    }
}

/// The names of the services with a store.
pub fn with_store() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

/// Whether `service` works without what the shop shares: its bus, its secret, its services.
pub fn stands_alone(service: &str) -> bool {
    matches!(service, "discovery" | "config-server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_agree() {
        assert_eq!(with_store().collect::<Vec<_>>(), WITH_STORE);
        assert_eq!(NAMES[..6], WITH_STORE);
        assert_eq!((standard_port("cart"), standard_port("gateway"), port(8084, 9080)), (8084, 8080, 9084));
        assert_eq!((standard_port("discovery"), port(DISCOVERY, 9080)), (8761, 9761));
        assert_eq!((port(CONFIG_SERVER, 64_000), port(8079, 1_025), port(8081, 1_025)), (64_808, 1_024, 1_026));
    }
}
