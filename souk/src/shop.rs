//! The embedded shop: every service in this process, each on its own store and its own port.

mod building;
mod listening;

use std::{collections::HashSet, net::Ipv4Addr, sync::Arc, time::Duration};

use percent_encoding::NON_ALPHANUMERIC;
use souk_bus::Transport;
use souk_gateway::{Extras, TestClock};
use souk_kit::{
    Deps, Peers, Running, ShopConfig,
    auth::{RemoteJwks, Verifier},
    call::Directory,
    config::Sources,
    discovery::{Discovery, RegistrationConfig},
};
use souk_values::{Clock, IdGen, Secret, ShiftedClock, SystemClock};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    CommandError, assets,
    bus::{self, BusConfig},
    cli::UpArgs,
    folder::{Folder, Secrets},
    serve::{self, Configuration, Process, Refreshing, Section, Served},
    services::{self, DISCOVERY, NAMES, SERVICES, port, with_store},
    settings::Settings,
};

use building::{Building, Started};
use listening::Listeners;

/// How long the gateway may take to finish requests at hand when the shop stops.
const GATEWAY_DRAIN: Duration = Duration::from_secs(2);

/// What a value comes from that the folder holds.
const FOLDER: &str = "the shop's folder";

/// A shop that runs.
#[derive(Debug)]
pub struct Shop {
    gateway: Running,
    services: Vec<Running>,
    discovery: Discovery,
    /// Ends the looking at the registry.
    leaving: CancellationToken,
    refreshing: Option<Refreshing>,
    /// The catalogue's store, to be filled while the shop already answers.
    pub products: souk_product::ProductStore,
    /// An admin who was made just now and is not told of yet.
    pub first_admin: Option<FirstAdmin>,
    /// Where operators look at it.
    pub management: std::net::SocketAddr,
    /// Set to true once the catalogue is loaded.
    pub is_ready: watch::Sender<bool>,
}

/// The first admin, as its owner is told.
#[derive(Debug)]
pub struct FirstAdmin {
    /// To sign in with.
    pub email: String,
    /// Made by the shop and kept in its folder; `None` when its owner configured one.
    pub password: Option<Secret>,
}

/// Starts every service, the gateway last.
pub async fn start(args: &UpArgs, folder: &Folder, operator_token: String) -> Result<Shop, CommandError> {
    let test_clock = args.test_clock.then(|| ShiftedClock::new(folder.clock_offset()));
    let clock: Arc<dyn Clock> = match test_clock.clone() {
        Some(clock) => clock,
        None => Arc::new(SystemClock),
    };
    let ids = IdGen::new(Arc::clone(&clock));
    let secrets = folder.secrets(&ids)?;
    let settings = Settings::read(folder, defaults(args, folder, &secrets)).await?;
    // Everything that can be wrong with the configuration is told before anything is made.
    let names = NAMES.map(ToOwned::to_owned).to_vec();
    let mut configuration = Configuration::read(&names, &settings).map_err(CommandError::failed)?;
    let listeners = Listeners::bind(args.port, &configuration.sections).await?;
    let (peers, shop) = make_peers(&settings, configuration.shop, &clock, &ids, args.port)?;
    let bus = configuration.bus.take().unwrap_or_default();
    let transport = open_bus(&bus, folder, &clock).await?;
    let deps = make_deps((peers, shop), transport, clock, ids);
    let process = Process { host: Ipv4Addr::LOCALHOST.into(), has_bus: true };

    let first = first_password(&configuration.sections, &settings, folder, &deps)?;
    let complete = completing(Secret::new(operator_token), first.password.clone());
    configuration.sections.iter_mut().for_each(&complete);
    let gateway_config = configuration.sections.iter().find_map(Section::gateway).unwrap_or_default();
    let registry = registry(&configuration.sections, args.port);
    let files = serve::files_of(&configuration.sections);
    let building = Building { folder, deps: &deps, process: &process };
    let started = Box::pin(building.start(configuration.sections, listeners.services)).await;
    let Started { services, products, made_admin } = started.map_err(CommandError::failed)?;
    let products = products.ok_or_else(|| CommandError::failed("the shop has no product service"))?;
    let first_admin = match first.password {
        Some(password) => Some(FirstAdmin { email: first.email, password: Some(password) }),
        None => made_admin.map(|admin| FirstAdmin { email: admin.email, password: None }),
    };
    let (is_ready, shop_is_ready) = watch::channel(false);
    let test_clock = test_clock.map(|clock| TestClock { clock, keep: keep_offset(folder) });
    let services_of_shop = with_store().collect();
    let extras = Extras { test_clock, assets: Some(assets::asset), shop_is_ready, services: services_of_shop };
    let gateway = souk_gateway::start(gateway_config, &deps, listeners.gateway, listeners.management, extras)
        .await
        .map_err(CommandError::failed)?;
    let discovery = find(&settings, &registry, &configuration.registration, &deps)?;
    let leaving = CancellationToken::new();
    tokio::spawn(discovery.clone().run(leaving.clone()));
    for running in services.iter().chain([&gateway]).filter(|running| running.name != "discovery") {
        discovery.register(running.name, running.address);
    }
    let announcements = deps.transport.announcements();
    let served = Served { settings, names, deps, process, files, complete };
    Ok(Shop {
        gateway,
        services,
        discovery,
        leaving,
        refreshing: Some(Refreshing::new(served, announcements)),
        products,
        first_admin,
        management: listeners.at_management,
        is_ready,
    })
}

/// What a shop's folder, and its place on this machine, say where nothing is configured.
fn defaults(args: &UpArgs, folder: &Folder, secrets: &Secrets) -> Sources {
    Sources::default()
        .with("shop", "public_url", format!("http://localhost:{}", args.port))
        .with_from(FOLDER, "shop", "service_secret", secrets.service_secret.clone())
        .with_from(FOLDER, "payment", "sandbox_webhook_secret", secrets.webhook_secret.clone())
        .with_from(FOLDER, "notification", "mailbox_dir", folder.mailbox().display().to_string())
}

/// What the first admin signs in with, if this shop makes it.
#[derive(Default)]
struct FirstPassword {
    email: String,
    password: Option<Secret>,
}

fn first_password(
    sections: &[Section],
    settings: &Settings,
    folder: &Folder,
    deps: &Deps,
) -> Result<FirstPassword, CommandError> {
    let auth = sections.iter().find_map(|section| match section {
        Section::Auth(config) => Some(config),
        _ => None,
    });
    let Some(config) = auth else { return Ok(FirstPassword::default()) };
    let is_configured = !config.admin_password.expose().is_empty();
    // An engine may hold an admin of an earlier folder; there auth alone knows whether it makes the first.
    let is_file = settings.store_url("auth").is_ok_and(|url| url == folder.store_url("auth"));
    let password = if is_configured || !is_file { None } else { folder.first_password(&deps.ids)? };
    Ok(FirstPassword { email: config.admin_email.clone(), password })
}

/// Gives auth what only this process knows.
fn completing(operator_token: Secret, first_password: Option<Secret>) -> serve::Complete {
    Box::new(move |section| {
        if let Section::Auth(config) = section {
            config.operator_secret = operator_token.clone();
            if let Some(password) = &first_password {
                config.admin_password = password.clone();
            }
        }
    })
}

async fn open_bus(
    bus: &BusConfig,
    folder: &Folder,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Transport>, CommandError> {
    let opened = bus::of_embedded(bus, folder, &services::WITH_STORE, Arc::clone(clock)).await;
    opened.map_err(CommandError::failed)
}

/// The registry in this process. A shop in one process stays out of others: its services are on loopback.
fn registry(sections: &[Section], gateway_port: u16) -> Secret {
    let at = format!("127.0.0.1:{}/eureka", port(DISCOVERY, gateway_port));
    let security = sections.iter().find_map(|section| match section {
        Section::Discovery(config) if !config.security.user.is_empty() => Some(&config.security),
        _ => None,
    });
    let encoded = |text: &str| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    Secret::new(match security {
        Some(security) => {
            format!("http://{}:{}@{at}", encoded(&security.user), encoded(security.password.expose()))
        }
        None => format!("http://{at}"),
    })
}

/// The client of the registry. Services of one process do not move, so nobody who registers can take the place of one.
fn find(
    settings: &Settings,
    registry: &Secret,
    config: &RegistrationConfig,
    deps: &Deps,
) -> Result<Discovery, CommandError> {
    let configured = settings.configured_services().map_err(CommandError::failed)?;
    let fixed: HashSet<String> = NAMES.map(ToOwned::to_owned).into_iter().chain(configured.into_keys()).collect();
    // A clock that is moved ends no registration.
    Settings::discovery_at(registry, config, &on_machine_time(deps), fixed)
}

/// The same, with the machine's own clock: for what concerns the network and not the business.
fn on_machine_time(deps: &Deps) -> Deps {
    Deps { clock: Arc::new(SystemClock), ..deps.clone() }
}

impl Shop {
    /// Takes changed configurations over, for as long as it is polled.
    pub async fn refresh(&mut self) {
        if let Some(refreshing) = self.refreshing.take() {
            refreshing.run(&self.services.iter().collect::<Vec<_>>()).await;
        }
    }

    /// Stops the gateway, then the services. Answers whether everything at hand was finished.
    pub async fn stop(self) -> bool {
        self.discovery.leave().await;
        self.leaving.cancel();
        // Streams have no end of their own; they are cut when the time is over.
        let gateway_is_done = tokio::time::timeout(GATEWAY_DRAIN, self.gateway.stop()).await.unwrap_or(false);
        let services = self.services.into_iter().map(Running::stop);
        let services_are_done = tokio::time::timeout(GATEWAY_DRAIN, futures::future::join_all(services)).await;
        gateway_is_done && services_are_done.is_ok_and(|done| done.into_iter().all(|is_done| is_done))
    }
}

fn keep_offset(folder: &Folder) -> Arc<dyn Fn(Duration) -> std::io::Result<()> + Send + Sync> {
    let folder = folder.clone();
    Arc::new(move |offset| folder.keep_clock_offset(offset))
}

/// The services as the configuration and the gateway's port say, and what all of them know of the shop. The registry
/// says the same, once it has heard from them.
fn make_peers(
    settings: &Settings,
    shop: ShopConfig,
    clock: &Arc<dyn Clock>,
    ids: &IdGen,
    gateway_port: u16,
) -> Result<(Peers, ShopConfig), CommandError> {
    let directory = Directory::default();
    for (name, standard) in SERVICES {
        directory.set(name, [format!("http://127.0.0.1:{}", port(standard, gateway_port))]);
    }
    for (name, urls) in settings.configured_services().map_err(CommandError::failed)? {
        directory.set(&name, urls);
    }
    let peers = Peers::new(directory, shop.service_secret.clone(), Arc::clone(clock), ids.clone());
    Ok((peers.map_err(CommandError::failed)?, shop))
}

fn make_deps(
    (peers, shop): (Peers, ShopConfig),
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    ids: IdGen,
) -> Deps {
    let verifier = Verifier::new(RemoteJwks(peers.plain_client("gateway", "auth")), Arc::clone(&clock));
    Deps { clock, ids, transport, peers, verifier, shop }
}
