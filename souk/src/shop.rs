//! The embedded shop: every service in this process, each on its own store and its own port.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use souk_bus::Transport;
use souk_gateway::{Extras, TestClock};
use souk_kit::{
    Deps, Peers, Running, Service, ShopConfig, StartError,
    auth::{RemoteJwks, Verifier},
    call::Directory,
    config::{ConfigError, Sources},
};
use souk_values::{Clock, IdGen, Secret, ShiftedClock, SystemClock};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    CommandError, assets,
    bus::{self, BusConfig},
    cli::UpArgs,
    folder::{Folder, Secrets},
    serve::introduce,
    services::{self, SERVICES, port, with_store},
    settings::Settings,
};

/// How long the gateway may take to finish requests at hand when the shop stops.
const GATEWAY_DRAIN: Duration = Duration::from_secs(2);

/// A shop that runs.
#[derive(Debug)]
pub struct Shop {
    gateway: Running,
    services: Vec<Running>,
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

/// Every service's section.
struct Configs {
    auth: souk_auth::AuthConfig,
    product: souk_product::ProductConfig,
    order: souk_order::OrderConfig,
    cart: souk_cart::CartConfig,
    payment: souk_payment::PaymentConfig,
    notification: souk_notification::NotificationConfig,
    gateway: souk_gateway::GatewayConfig,
    bus: BusConfig,
}

impl Configs {
    /// Reads all sections. Errors: the mistakes of all of them at once.
    fn read(settings: &Settings, folder: &Folder, secrets: &Secrets) -> Result<Self, ConfigError> {
        let mut mistakes = Vec::new();
        let of_payment = [
            ("sandbox_ledger_url", folder.store_url("sandbox")),
            ("sandbox_webhook_secret", secrets.webhook_secret.clone()),
        ];
        let of_notification = [("mailbox_dir", folder.mailbox().display().to_string())];
        let auth = collect(settings.section("auth", &[]), &mut mistakes);
        let product = collect(settings.section("product", &[]), &mut mistakes);
        let order = collect(settings.section("order", &[]), &mut mistakes);
        let cart = collect(settings.section("cart", &[]), &mut mistakes);
        let payment = collect(settings.payment(&of_payment), &mut mistakes);
        let notification = collect(settings.section("notification", &of_notification), &mut mistakes);
        let gateway = collect(settings.plain_section("gateway"), &mut mistakes);
        let bus = collect(settings.bus(), &mut mistakes);
        let is_bus = bus.as_ref().map_or(Ok(true), BusConfig::is_local);
        collect(is_bus, &mut mistakes);
        collect(settings.configured_services(), &mut mistakes);
        match (auth, product, order, cart, payment, notification, gateway, bus) {
            (
                Some(auth),
                Some(product),
                Some(order),
                Some(cart),
                Some(payment),
                Some(notification),
                Some(gateway),
                Some(bus),
            ) if mistakes.is_empty() => Ok(Self { auth, product, order, cart, payment, notification, gateway, bus }),
            _ => Err(ConfigError(mistakes)),
        }
    }
}

fn collect<T>(section: Result<T, ConfigError>, mistakes: &mut Vec<String>) -> Option<T> {
    section.map_err(|ConfigError(found)| mistakes.extend(found)).ok()
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
    let defaults = Sources::default().with("shop", "public_url", format!("http://localhost:{}", args.port));
    let settings = Settings::read(folder, defaults)?;
    // Everything that can be wrong with the configuration is told before anything is made.
    let mut configs = Configs::read(&settings, folder, &secrets).map_err(CommandError::failed)?;
    let management = (configs.gateway.management_host, port(configs.gateway.management_port, args.port));
    let listeners = Listeners::bind(args.port, management).await?;
    let peers = make_peers(&settings, &secrets, &clock, &ids, args.port).map_err(CommandError::failed)?;
    let transport = bus::of_embedded(&configs.bus, folder, &services::WITH_STORE, Arc::clone(&clock)).await;
    let transport = transport.map_err(CommandError::failed)?;
    let deps = make_deps(peers, transport, clock, ids);
    configs.auth.operator_secret = Secret::new(operator_token);
    let is_configured = !configs.auth.admin_password.expose().is_empty();
    // An engine may hold an admin of an earlier folder; there auth alone knows whether it makes the first.
    let is_file = settings.store_url("auth").is_ok_and(|url| url == folder.store_url("auth"));
    let first_password = if is_configured || !is_file { None } else { folder.first_password(&deps.ids)? };
    if let Some(password) = &first_password {
        configs.auth.admin_password = password.clone();
    }
    let admin_email = configs.auth.admin_email.clone();
    let gateway_config = configs.gateway.clone();
    let started = Box::pin(start_services(configs, listeners.services, &deps)).await;
    let (services, products, made_admin) = started.map_err(CommandError::failed)?;
    let first_admin = match first_password {
        Some(password) => Some(FirstAdmin { email: admin_email, password: Some(password) }),
        None => made_admin.map(|admin| FirstAdmin { email: admin.email, password: None }),
    };
    let (is_ready, shop_is_ready) = watch::channel(false);
    let extras = Extras {
        test_clock: test_clock.map(|clock| TestClock { clock, keep: keep_offset(folder) }),
        assets: Some(assets::asset),
        shop_is_ready,
        services: with_store().collect(),
    };
    let gateway = souk_gateway::start(gateway_config, &deps, listeners.gateway, listeners.management, extras)
        .await
        .map_err(CommandError::failed)?;
    Ok(Shop { gateway, services, products, first_admin, management: management.into(), is_ready })
}

impl Shop {
    /// Stops the gateway, then the services. Answers whether everything at hand was finished.
    pub async fn stop(self) -> bool {
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

/// The services as the configuration and the gateway's port say, and what all of them know of the shop.
fn make_peers(
    settings: &Settings,
    secrets: &Secrets,
    clock: &Arc<dyn Clock>,
    ids: &IdGen,
    gateway_port: u16,
) -> Result<(Peers, ShopConfig), StartError> {
    let mut shop = settings.shop()?;
    if shop.service_secret.expose().is_empty() {
        shop.service_secret = Secret::new(secrets.service_secret.clone());
    }
    let directory = Directory::default();
    for (name, standard) in SERVICES {
        directory.set(name, [format!("http://127.0.0.1:{}", port(standard, gateway_port))]);
    }
    for (name, urls) in settings.configured_services()? {
        directory.set(&name, urls);
    }
    let peers = Peers::new(directory, shop.service_secret.clone(), Arc::clone(clock), ids.clone())
        .map_err(|error| StartError::Other(error.to_string()))?;
    Ok((peers, shop))
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

async fn start_services(
    configs: Configs,
    listeners: Vec<TcpListener>,
    deps: &Deps,
) -> Result<(Vec<Running>, souk_product::ProductStore, Option<souk_auth::FirstAdmin>), StartError> {
    let (auth, mut made_admin) = souk_auth::build(configs.auth, deps).await?;
    // A password that auth made is nowhere else: it is told before anything can fail.
    if let Some(admin) = made_admin.take_if(|admin| admin.generated) {
        introduce(&admin);
    }
    let (product, products) = souk_product::build(configs.product, deps).await?;
    let services: [Service; 6] = [
        auth,
        product,
        souk_order::build(configs.order, deps).await?,
        souk_cart::build(configs.cart, deps).await?,
        Box::pin(souk_payment::build(configs.payment, deps)).await?,
        souk_notification::build(configs.notification, deps).await?,
    ];
    let mut running = Vec::with_capacity(services.len());
    for (service, listener) in services.into_iter().zip(listeners) {
        let name = service.name;
        let started = souk_kit::start(service, listener, deps);
        running.push(started.map_err(|error| StartError::Io(format!("{name} cannot be started"), error))?);
    }
    Ok((running, products, made_admin))
}

/// Every port, bound before anything else happens, so that a taken one costs nothing.
struct Listeners {
    gateway: TcpListener,
    management: TcpListener,
    services: Vec<TcpListener>,
}

impl Listeners {
    async fn bind(gateway: u16, (host, management): (IpAddr, u16)) -> Result<Self, CommandError> {
        let public = bind("the gateway", Ipv4Addr::UNSPECIFIED.into(), gateway).await?;
        let management = bind("the gateway's management", host, management).await?;
        let mut services = Vec::with_capacity(SERVICES.len());
        for (name, standard) in SERVICES {
            services.push(bind(name, Ipv4Addr::LOCALHOST.into(), port(standard, gateway)).await?);
        }
        Ok(Self { gateway: public, management, services })
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
