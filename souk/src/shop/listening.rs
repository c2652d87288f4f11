//! The ports of a shop in one process.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::{
    CommandError,
    serve::Section,
    services::{CONFIG_SERVER, DISCOVERY, SERVICES, port},
};

/// Every port, bound before anything else happens, so that a taken one costs nothing.
pub struct Listeners {
    pub gateway: TcpListener,
    pub management: TcpListener,
    pub at_management: SocketAddr,
    /// By service.
    pub services: Vec<(&'static str, TcpListener)>,
}

impl Listeners {
    pub async fn bind(gateway: u16, sections: &[Section]) -> Result<Self, CommandError> {
        let config = sections.iter().find_map(Section::gateway).unwrap_or_default();
        let (host, management): (IpAddr, u16) = (config.management_host, port(config.management_port, gateway));
        let public = bind("the gateway", Ipv4Addr::UNSPECIFIED.into(), gateway).await?;
        let operators = bind("the gateway's management", host, management).await?;
        let mut services = Vec::new();
        for (name, standard) in [("discovery", DISCOVERY), ("config-server", CONFIG_SERVER)].into_iter().chain(SERVICES)
        {
            services.push((name, bind(name, Ipv4Addr::LOCALHOST.into(), port(standard, gateway)).await?));
        }
        let at_management = (host, management).into();
        Ok(Self { gateway: public, management: operators, at_management, services })
    }
}

async fn bind(what: &str, host: IpAddr, port: u16) -> Result<TcpListener, CommandError> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        CommandError::failed(format!(
            "port {port}, for {what}, cannot be used: {error}. Choose another gateway port with --port; \
             the services' ports move with it."
        ))
    })
}
