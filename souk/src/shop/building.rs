//! Makes and starts the services beside the gateway.

use souk_kit::{Deps, Running, Service, StartError};
use tokio::net::TcpListener;

use super::on_machine_time;
use crate::{
    embedded,
    folder::Folder,
    serve::{self, Process, Section, introduce},
};

/// What was started beside the gateway.
pub struct Started {
    pub services: Vec<Running>,
    pub products: Option<souk_product::ProductStore>,
    pub made_admin: Option<souk_auth::FirstAdmin>,
}

/// What services are made of.
pub struct Building<'a> {
    pub folder: &'a Folder,
    pub deps: &'a Deps,
    pub process: &'a Process,
}

impl Building<'_> {
    /// Starts the services of `sections` but the gateway, each on its listener.
    pub async fn start(
        &self,
        sections: Vec<Section>,
        listeners: Vec<(&'static str, TcpListener)>,
    ) -> Result<Started, StartError> {
        let (mut products, mut made_admin) = (None, None);
        let mut services = Vec::with_capacity(listeners.len());
        let sections: Vec<Section> = sections.into_iter().filter(|section| section.gateway().is_none()).collect();
        for section in sections {
            let service = match section {
                Section::Auth(config) => {
                    let (auth, mut admin) = souk_auth::build(config, self.deps).await?;
                    // A password that auth made is nowhere else: it is told before anything can fail.
                    if let Some(admin) = admin.take_if(|admin| admin.generated) {
                        introduce(&admin);
                    }
                    made_admin = admin;
                    auth
                }
                Section::Product(config) => {
                    let (product, store) = souk_product::build(config, self.deps).await?;
                    products = Some(store);
                    product
                }
                section => self.build(&section).await?,
            };
            services.push(service);
        }
        let mut running = Vec::with_capacity(services.len());
        for (name, listener) in listeners {
            let Some(place) = services.iter().position(|service| service.name == name) else { continue };
            let started = souk_kit::start(services.swap_remove(place), listener, self.deps);
            running.push(started.map_err(|error| StartError::Io(format!("{name} cannot be started"), error))?);
        }
        Ok(Started { services: running, products, made_admin })
    }

    async fn build(&self, section: &Section) -> Result<Service, StartError> {
        match section {
            Section::Discovery(_) => serve::build(section, &on_machine_time(self.deps), self.process).await,
            Section::ConfigServer(_) => embedded::config_server(self.folder, self.deps).await,
            section => serve::build(section, self.deps, self.process).await,
        }
    }
}
