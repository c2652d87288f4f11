//! The embedded shop: every service in this process, each on its own store and its own port.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use souk_bus::LocalTransport;
use souk_gateway::{Extras, TestClock};
use souk_kit::{
    Deps, Peers, Running, Service, ShopConfig, StartError,
    auth::{RemoteJwks, Verifier},
    call::Directory,
    config::Sources,
};
use souk_sql::Access;
use souk_values::{Clock, IdGen, Secret, ShiftedClock, SystemClock};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    CommandError, assets,
    cli::UpArgs,
    folder::{Folder, Secrets},
};

/// Services beside the gateway, with their standard ports. Started in this order, stopped together.
pub const SERVICES: [(&str, u16); 6] =
    [("auth", 8081), ("product", 8082), ("order", 8083), ("cart", 8084), ("payment", 8085), ("notification", 8086)];
/// The gateway's standard port, from which the others' offset is reckoned.
const GATEWAY: u16 = 8080;
/// The gateway's standard management port.
const MANAGEMENT: u16 = 8079;
/// How long the gateway may take to finish requests at hand when the shop stops.
const GATEWAY_DRAIN: Duration = Duration::from_secs(2);

/// A shop that runs.
#[derive(Debug)]
pub struct Shop {
    gateway: Running,
    services: Vec<Running>,
    /// The catalogue's store, to be filled while the shop already answers.
    pub products: souk_product::ProductStore,
    /// An admin who was made just now.
    pub first_admin: Option<souk_auth::FirstAdmin>,
    /// Set to true once the catalogue is loaded.
    pub is_ready: watch::Sender<bool>,
}

/// What all parts of one start share.
struct Start<'a> {
    folder: &'a Folder,
    sources: Sources,
    deps: Deps,
    secrets: Secrets,
    operator_token: String,
}

/// The port of the service whose standard port is `standard`, when the gateway listens on `gateway`.
pub fn port(standard: u16, gateway: u16) -> u16 {
    (standard + gateway).saturating_sub(GATEWAY)
}

/// Starts every service, the gateway last.
pub async fn start(args: &UpArgs, folder: &Folder, operator_token: String) -> Result<Shop, CommandError> {
    let listeners = Listeners::bind(args.port).await?;
    let test_clock = args.test_clock.then(|| ShiftedClock::new(folder.clock_offset()));
    let clock: Arc<dyn Clock> = match test_clock.clone() {
        Some(clock) => clock,
        None => Arc::new(SystemClock),
    };
    let ids = IdGen::new(Arc::clone(&clock));
    let secrets = folder.secrets(&ids)?;
    let sources = Sources::default()
        .with("shop", "public_url", format!("http://localhost:{}", args.port))
        .with_files(&folder.config(), &SERVICES.map(|(name, _)| name))
        .map_err(CommandError::failed)?
        .with_env(std::env::vars());
    let deps = make_deps(folder, &sources, &secrets, clock, ids, args.port).await.map_err(CommandError::failed)?;
    let start = Start { folder, sources, deps, secrets, operator_token };
    let (services, products, first_admin) =
        Box::pin(start.services(listeners.services)).await.map_err(CommandError::failed)?;
    let (is_ready, shop_is_ready) = watch::channel(false);
    let extras = Extras {
        test_clock: test_clock.map(|clock| TestClock { clock, keep: keep_offset(folder) }),
        assets: Some(assets::asset),
        shop_is_ready,
        services: SERVICES.map(|(name, _)| name).to_vec(),
    };
    let config = start.sources.section("gateway").map_err(CommandError::failed)?;
    let gateway = souk_gateway::start(config, &start.deps, listeners.gateway, listeners.management, extras)
        .await
        .map_err(CommandError::failed)?;
    Ok(Shop { gateway, services, products, first_admin, is_ready })
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

async fn make_deps(
    folder: &Folder,
    sources: &Sources,
    secrets: &Secrets,
    clock: Arc<dyn Clock>,
    ids: IdGen,
    gateway_port: u16,
) -> Result<Deps, StartError> {
    let mut shop: ShopConfig = sources.section("shop")?;
    if shop.service_secret.expose().is_empty() {
        shop.service_secret = Secret::new(secrets.service_secret.clone());
    }
    let directory = Directory::default();
    for (name, standard) in SERVICES {
        directory.set(name, [format!("http://127.0.0.1:{}", port(standard, gateway_port))]);
    }
    for (name, urls) in sources.texts("services") {
        directory.set(&name, urls.split(',').map(ToOwned::to_owned));
    }
    let peers = Peers::new(directory, shop.service_secret.clone(), Arc::clone(&clock), ids.clone())
        .map_err(|error| StartError::Other(error.to_string()))?;
    let transport = LocalTransport::open(&folder.store_url("bus"), Access::ReadWrite, Arc::clone(&clock)).await?;
    let verifier = Verifier::new(RemoteJwks(peers.plain_client("gateway", "auth")), Arc::clone(&clock));
    Ok(Deps { clock, ids, transport: Arc::new(transport), peers, verifier, shop })
}

impl Start<'_> {
    /// A service's section, with its store in the folder unless configured elsewhere.
    fn section<T: serde::de::DeserializeOwned>(&self, name: &str, own: &[(&str, String)]) -> Result<T, StartError> {
        let defaults = own
            .iter()
            .fold(Sources::default().with(name, "store_url", self.folder.store_url(name)), |sources, (key, value)| {
                sources.with(name, key, value.clone())
            });
        Ok(defaults.then(&self.sources).section(name)?)
    }

    async fn services(
        &self,
        listeners: Vec<TcpListener>,
    ) -> Result<(Vec<Running>, souk_product::ProductStore, Option<souk_auth::FirstAdmin>), StartError> {
        let deps = &self.deps;
        let auth_config = self.section("auth", &[("operator_secret", self.operator_token.clone())])?;
        let (auth, first_admin) = souk_auth::build(auth_config, deps).await?;
        let (product, products) = souk_product::build(self.section("product", &[])?, deps).await?;
        let payment_config = self.section(
            "payment",
            &[
                ("sandbox_ledger_url", self.folder.store_url("sandbox")),
                ("sandbox_webhook_secret", self.secrets.webhook_secret.clone()),
            ],
        )?;
        let mailbox = self.folder.mailbox().display().to_string();
        let services: [Service; 6] = [
            auth,
            product,
            souk_order::build(self.section("order", &[])?, deps).await?,
            souk_cart::build(self.section("cart", &[])?, deps).await?,
            souk_payment::build(payment_config, deps).await?,
            souk_notification::build(self.section("notification", &[("mailbox_dir", mailbox)])?, deps).await?,
        ];
        let mut running = Vec::with_capacity(services.len());
        for (service, listener) in services.into_iter().zip(listeners) {
            let name = service.name;
            let started = souk_kit::start(service, listener, deps);
            running.push(started.map_err(|error| StartError::Io(format!("{name} cannot be started"), error))?);
        }
        Ok((running, products, first_admin))
    }
}

/// Every port, bound before anything else happens, so that a taken one costs nothing.
struct Listeners {
    gateway: TcpListener,
    management: TcpListener,
    services: Vec<TcpListener>,
}

impl Listeners {
    async fn bind(gateway: u16) -> Result<Self, CommandError> {
        let public = bind("the gateway", Ipv4Addr::UNSPECIFIED, gateway).await?;
        let management = bind("the gateway's management", Ipv4Addr::LOCALHOST, port(MANAGEMENT, gateway)).await?;
        let mut services = Vec::with_capacity(SERVICES.len());
        for (name, standard) in SERVICES {
            services.push(bind(name, Ipv4Addr::LOCALHOST, port(standard, gateway)).await?);
        }
        Ok(Self { gateway: public, management, services })
    }
}

async fn bind(what: &str, host: Ipv4Addr, port: u16) -> Result<TcpListener, CommandError> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        CommandError::failed(format!(
            "port {port}, for {what}, cannot be used: {error}. Choose another gateway port with --port; \
             the services' ports move with it."
        ))
    })
}
