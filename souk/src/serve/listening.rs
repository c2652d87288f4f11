//! The ports of one service of `souk serve`.

use std::net::IpAddr;

use souk_gateway::GatewayConfig;
use tokio::net::TcpListener;

use crate::{command_error::CommandError, listening::bind, services::Section};

const ADVICE: &str = "--port chooses another for one service, SOUK_GATEWAY__MANAGEMENT_PORT for the gateway's \
                      management, SOUK_SERVE__HOST another address.";

pub struct Listeners {
    pub own: TcpListener,
    /// The gateway's port for operators; `None` for every other service.
    pub management: Option<TcpListener>,
}

impl Listeners {
    pub async fn bind(section: &Section, host: IpAddr, port: u16) -> Result<Self, CommandError> {
        let own = bind(section.name(), host, port, ADVICE).await?;
        let management = match section.config::<GatewayConfig>() {
            Some(config) => {
                let (host, port) = (config.management_host, config.management_port);
                Some(bind("the gateway's management", host, port, ADVICE).await?)
            }
            None => None,
        };
        Ok(Self { own, management })
    }
}
