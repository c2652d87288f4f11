//! `souk serve SERVICE...`: services as a process of their own, on the engines of the environment.

mod configuration;
mod no_bus;
mod refreshing;
mod starting;

use std::{fs::File, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use futures::future::{BoxFuture, join_all};
use souk_bus::{RabbitTransport, Transport};
use souk_kit::{
    Deps, Peers, Running, StartError,
    auth::{RemoteJwks, Verifier},
    call::Directory,
    config::Sources,
    telemetry,
};
use souk_values::{Clock, IdGen, SystemClock};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use self::no_bus::NoBus;
pub use self::{
    configuration::{Configuration, Section, ServeConfig, TelemetryConfig, mistakes},
    refreshing::{Complete, Refreshing, Served},
    starting::{Process, build, introduce, telling},
};
use crate::{CommandError, cli::ServeArgs, files, services::standard_port, settings::Settings};

/// How long leaving the broker may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves until the process is told to stop.
pub async fn run(args: ServeArgs) -> Result<(), CommandError> {
    let names: Vec<&str> = args.services.iter().map(String::as_str).collect();
    telemetry::log_json(configuration::log_filter(&Sources::from_env()));
    telemetry::install_metrics();
    let settings = Settings::of_process(&names).await?;
    let configuration = Configuration::read(&args.services, &settings).map_err(CommandError::failed)?;
    telemetry::change_level(configuration.log_filter);
    // Asked for before anything is started, so that no signal is lost.
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CommandError::failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CommandError::failed)?;
    let asked_to_stop = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    };
    let _locks = hold_files(&configuration.sections)?;
    let files = files_of(&configuration.sections);
    warn_of_folders(&configuration.sections);
    let mut listeners = Vec::new();
    for section in &configuration.sections {
        let port = args.port.unwrap_or_else(|| standard_port(section.name()));
        listeners.push(Listeners::bind(section, configuration.host, port).await?);
    }
    let names: Vec<&str> = configuration.sections.iter().map(Section::name).collect();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let broker = match &configuration.bus {
        Some(bus) => Some(bus.connect(&names, Arc::clone(&clock)).await.map_err(CommandError::failed)?),
        None => None,
    };
    let deps = make_deps(&configuration, broker.clone(), clock).map_err(CommandError::failed)?;
    let announcements = deps.transport.announcements();
    let process = Process { host: configuration.host, has_bus: broker.is_some() };
    let discovery = settings.discovery(&configuration.registration, &deps)?;

    let stop = CancellationToken::new();
    if let Some(discovery) = &discovery {
        tokio::spawn(discovery.clone().run(stop.child_token()));
    }
    let served = Served {
        settings,
        names: args.services.clone(),
        deps: deps.clone(),
        process,
        files,
        complete: Box::new(|_| {}),
    };
    let starting = configuration.sections.into_iter().zip(listeners).map(|(section, listeners)| {
        let (deps, stop, discovery) = (&deps, &stop, &discovery);
        let started: BoxFuture<'_, _> = Box::pin(async move {
            let started = starting::start(section, listeners, (deps, &process), stop).await;
            match &started {
                Ok(Some(running)) => {
                    if let Some(discovery) = discovery {
                        discovery.register(running.name, running.address);
                    }
                }
                Ok(None) => {}
                Err(_) => stop.cancel(),
            }
            started
        });
        started
    });
    let leaving = async || {
        if let Some(discovery) = &discovery {
            discovery.leave().await;
        }
    };
    let refreshing = Refreshing::new(served, announcements);
    let outcome = serve(join_all(starting), asked_to_stop, refreshing, leaving, &stop).await;
    if let Some(broker) = broker {
        // What was taken and not settled goes back to its queue now, not when the broker misses us.
        let closed = tokio::time::timeout(GOODBYE, broker.close()).await;
        tracing::debug!(is_clean = closed.is_ok(), "left the broker");
    }
    outcome
}

/// Waits until all are started and the process is told to stop, or something cannot be started; stops all.
async fn serve(
    starting: impl Future<Output = Vec<Result<Option<Running>, StartError>>>,
    asked_to_stop: impl Future<Output = ()>,
    refreshing: Refreshing,
    leaving: impl AsyncFnOnce(),
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    let (mut starting, mut asked_to_stop) = (std::pin::pin!(starting), std::pin::pin!(asked_to_stop));
    let started = tokio::select! {
        started = &mut starting => {
            if !stop.is_cancelled() {
                let running: Vec<&Running> = started.iter().flatten().flatten().collect();
                tokio::select! { () = &mut asked_to_stop => {}, () = refreshing.run(&running) => {} }
            }
            started
        }
        () = &mut asked_to_stop => {
            stop.cancel();
            starting.await
        }
    };
    tracing::info!("stopping");
    // Before anything closes, so that who looks from now on is sent elsewhere; who was sent here before tries another.
    leaving().await;
    let (mut running, mut failed) = (Vec::new(), None);
    for outcome in started {
        match outcome {
            Ok(started) => running.extend(started),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    stop_all(running).await;
    failed.map_or(Ok(()), |error| Err(CommandError::failed(error)))
}

/// The gateway first, so that no request comes to a service that is gone.
async fn stop_all(running: Vec<Running>) {
    let (gateway, services): (Vec<_>, Vec<_>) = running.into_iter().partition(|one| one.name == "gateway");
    let gateway_is_done = join_all(gateway.into_iter().map(Running::stop)).await;
    let services_are_done = join_all(services.into_iter().map(Running::stop)).await;
    let is_clean = gateway_is_done.into_iter().chain(services_are_done).all(|is_done| is_done);
    tracing::info!(is_clean, "stopped");
}

/// Every store of `sections` that is a file.
pub fn files_of(sections: &[Section]) -> Vec<PathBuf> {
    sections.iter().flat_map(Section::store_urls).filter_map(files::file_of).collect()
}

/// Takes every SQLite file that `sections` name for this process.
fn hold_files(sections: &[Section]) -> Result<Vec<File>, CommandError> {
    let mut held = Vec::new();
    for section in sections {
        for path in section.store_urls().into_iter().filter_map(files::file_of) {
            held.push(files::take(&path)?);
            tracing::warn!(
                service = section.name(),
                file = %path.display(),
                "this store is a file: right for one replica on one machine; with more, name an engine that they share"
            );
        }
    }
    Ok(held)
}

/// Tells of folders that each replica would have for itself.
fn warn_of_folders(sections: &[Section]) {
    for (section, key) in sections.iter().filter_map(|section| Some((section, section.unnamed_folder()?))) {
        tracing::warn!(
            service = section.name(),
            "{key} is not set: this process writes to a folder of its own; replicas need one that they share"
        );
    }
}

fn make_deps(
    configuration: &Configuration,
    broker: Option<RabbitTransport>,
    clock: Arc<dyn Clock>,
) -> Result<Deps, StartError> {
    let ids = IdGen::new(Arc::clone(&clock));
    let directory = Directory::default();
    for (name, bases) in &configuration.services {
        directory.set(name, bases.iter().cloned());
    }
    let secret = configuration.shop.service_secret.clone();
    let peers = Peers::new(directory, secret, Arc::clone(&clock), ids.clone())
        .map_err(|error| StartError::Other(error.to_string()))?;
    let verifier = Verifier::new(RemoteJwks(peers.plain_client("gateway", "auth")), Arc::clone(&clock));
    let transport: Arc<dyn Transport> = match broker {
        Some(broker) => Arc::new(broker),
        None => Arc::new(NoBus),
    };
    Ok(Deps { clock, ids, transport, peers, verifier, shop: configuration.shop.clone() })
}

/// Where one service listens.
struct Listeners {
    own: TcpListener,
    /// The gateway's port for operators.
    management: Option<TcpListener>,
}

impl Listeners {
    async fn bind(section: &Section, host: IpAddr, port: u16) -> Result<Self, CommandError> {
        let own = bind(section.name(), host, port).await?;
        let management = match section {
            Section::Gateway(config) => {
                Some(bind("the gateway's management", config.management_host, config.management_port).await?)
            }
            _ => None,
        };
        Ok(Self { own, management })
    }
}

async fn bind(what: &str, host: IpAddr, port: u16) -> Result<TcpListener, CommandError> {
    TcpListener::bind((host, port)).await.map_err(|error| {
        CommandError::failed(format!(
            "{host}:{port}, for {what}, cannot be used: {error}. --port chooses another for one service, \
             SOUK_GATEWAY__MANAGEMENT_PORT for the gateway's management, SOUK_SERVE__HOST another address."
        ))
    })
}
