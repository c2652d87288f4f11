//! The ports of a shop in one process.

use std::net::{Ipv4Addr, SocketAddr};

use souk_gateway::GatewayConfig;
use tokio::net::TcpListener;

use crate::{
    command_error::CommandError,
    listening::bind,
    services::{self, Role, port_beside},
};

const ADVICE: &str = "Choose another gateway port with --port; the services' ports move with it.";

/// Every port of the shop. All are bound before anything else happens, so that a conflict leaves nothing behind.
pub struct Listeners {
    pub gateway: TcpListener,
    pub management: TcpListener,
    pub management_address: SocketAddr,
    /// One for each service beside the gateway, in the order in which they start.
    pub services: Vec<(&'static str, TcpListener)>,
}

impl Listeners {
    pub async fn bind(port: u16, config: &GatewayConfig) -> Result<Self, CommandError> {
        let management_address = SocketAddr::from((config.management_host, port_beside(port, config.management_port)));
        let gateway = bind("the gateway", Ipv4Addr::UNSPECIFIED.into(), port, ADVICE).await?;
        let management =
            bind("the gateway's management", management_address.ip(), management_address.port(), ADVICE).await?;
        let mut listeners = Vec::new();
        for service in services::in_role(Role::Platform).chain(services::in_role(Role::Shop)) {
            let listener =
                bind(service.name, Ipv4Addr::LOCALHOST.into(), port_beside(port, service.port), ADVICE).await?;
            listeners.push((service.name, listener));
        }
        Ok(Self { gateway, management, management_address, services: listeners })
    }
}
