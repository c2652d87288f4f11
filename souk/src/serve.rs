//! `souk serve`: runs services as a process of their own, on the engines of the environment.

mod listening;
mod no_bus;
mod starting;
mod unshared_files;

use std::{sync::Arc, time::Duration};

use futures::future::{BoxFuture, join_all};
use souk_bus::{RabbitTransport, Transport};
use souk_config_server::ConfigServerConfig;
use souk_discovery::DiscoveryConfig;
use souk_kit::{Deps, Running, StartError, call::Directory, config::Sources, discovery::Discovery, telemetry};
use souk_values::{Clock, IdGen, SystemClock};
use tokio_util::sync::CancellationToken;

use crate::{
    building, bus,
    cli::ServeArgs,
    command_error::CommandError,
    config_refresh::ConfigRefresh,
    configuration::{Configuration, early_log_filter},
    services::Section,
    settings::Settings,
    stop_signals::StopSignals,
};

use listening::Listeners;
use no_bus::NoBus;

/// Limit of closing the connection to the broker.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub async fn run(args: ServeArgs) -> Result<(), CommandError> {
    let names: Vec<&str> = args.services.iter().map(|service| service.name).collect();
    telemetry::log_json(early_log_filter(&Sources::from_env()));
    telemetry::install_metrics();
    let settings = Settings::of_process(&names).await?;
    let mut configuration = Configuration::read(&args.services, &settings).map_err(CommandError::failed)?;
    telemetry::change_level(configuration.log_filter);
    let traces = building::export_traces(configuration.traces.take())?;
    let mut signals = StopSignals::register()?;
    let _locks = unshared_files::lock_stores(&configuration.sections)?;
    unshared_files::warn_about_folders(&configuration.sections);
    let mut listeners = Vec::new();
    for section in &configuration.sections {
        let port = args.port.unwrap_or(section.service.port);
        listeners.push(Listeners::bind(section, configuration.host, port).await?);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let names: Vec<&str> = configuration.sections.iter().map(Section::name).collect();
    let broker = match &configuration.bus {
        Some(bus) => Some(bus::connect(bus, &names, Arc::clone(&clock)).await.map_err(CommandError::failed)?),
        None => None,
    };
    let deps = make_deps(&configuration, broker.clone(), clock)?;
    let discovery = settings.discovery(&configuration.registration, &deps)?;
    let store_files = configuration.store_files();
    let is_loopback = configuration.host.is_loopback();
    for section in &mut configuration.sections {
        set_process_values(section, is_loopback, broker.is_some(), &deps);
    }

    let stop = CancellationToken::new();
    if let Some(discovery) = &discovery {
        tokio::spawn(discovery.clone().run(stop.child_token()));
    }
    let refresh = ConfigRefresh {
        settings,
        services: args.services,
        deps: deps.clone(),
        store_files,
        process_values: Box::new(|_| {}),
        announcements: deps.transport.announcements(),
    };
    let starting = start_all(configuration.sections, listeners, &deps, discovery.as_ref(), &stop);
    let deregister = async || {
        if let Some(discovery) = &discovery {
            discovery.deregister().await;
        }
    };
    let outcome = serve(starting, signals.received(), refresh, deregister, &stop).await;
    if let Some(broker) = broker {
        // Returns unsettled messages to their queues now, and not when the broker misses our heartbeats.
        let closed = tokio::time::timeout(CLOSE_TIMEOUT, broker.close()).await;
        tracing::debug!(is_clean = closed.is_ok(), "disconnected from the broker");
    }
    if let Some(traces) = traces {
        traces.stop().await;
    }
    outcome
}

/// Starts all services concurrently, and registers each once it serves. A failure of one cancels `stop`.
async fn start_all(
    sections: Vec<Section>,
    listeners: Vec<Listeners>,
    deps: &Deps,
    discovery: Option<&Discovery>,
    stop: &CancellationToken,
) -> Vec<Result<Option<Running>, StartError>> {
    let starting = sections.into_iter().zip(listeners).map(|(section, listeners)| {
        let started: BoxFuture<'_, _> = Box::pin(async move {
            let started = starting::start(section, listeners, deps, stop).await;
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
    join_all(starting).await
}

/// Runs until a stop signal is received or a service cannot be started, then stops all services.
async fn serve(
    starting: impl Future<Output = Vec<Result<Option<Running>, StartError>>>,
    stop_signal: impl Future<Output = ()>,
    refresh: ConfigRefresh,
    deregister: impl AsyncFnOnce(),
    stop: &CancellationToken,
) -> Result<(), CommandError> {
    let mut starting = std::pin::pin!(starting);
    let mut stop_signal = std::pin::pin!(stop_signal);
    let started = tokio::select! {
        started = &mut starting => {
            if !stop.is_cancelled() {
                let running: Vec<&Running> = started.iter().flatten().flatten().collect();
                tokio::select! { () = &mut stop_signal => {}, () = refresh.run(&running) => {} }
            }
            started
        }
        () = &mut stop_signal => {
            stop.cancel();
            starting.await
        }
    };
    tracing::info!("stopping");
    // Before any listener closes: clients that query the registry from now on get other instances, and those that
    // already have this one retry elsewhere.
    deregister().await;
    let mut running = Vec::new();
    let mut failed = None;
    for outcome in started {
        match outcome {
            Ok(started) => running.extend(started),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    stop_all(running).await;
    failed.map_or(Ok(()), |error| Err(CommandError::failed(error)))
}

/// Stops the gateway first, so that it sends no request to a service that has stopped.
async fn stop_all(running: Vec<Running>) {
    let (gateway, services): (Vec<_>, Vec<_>) = running.into_iter().partition(|one| one.name == "gateway");
    let gateway_is_done = join_all(gateway.into_iter().map(Running::stop)).await;
    let services_are_done = join_all(services.into_iter().map(Running::stop)).await;
    let is_clean = gateway_is_done.into_iter().chain(services_are_done).all(|is_done| is_done);
    tracing::info!(is_clean, "stopped");
}

fn make_deps(
    configuration: &Configuration,
    broker: Option<RabbitTransport>,
    clock: Arc<dyn Clock>,
) -> Result<Deps, CommandError> {
    let directory = Directory::default();
    for (name, bases) in &configuration.services {
        directory.set(name, bases.iter().cloned());
    }
    let transport: Arc<dyn Transport> = match broker {
        Some(broker) => Arc::new(broker),
        None => Arc::new(NoBus),
    };
    let ids = IdGen::new(Arc::clone(&clock));
    building::make_deps(configuration.shop.clone(), directory, transport, clock, ids)
}

/// Sets the values of the registry and the config server that depend on the process they run in.
fn set_process_values(section: &mut Section, is_loopback: bool, has_bus: bool, deps: &Deps) {
    if let Some(config) = section.config_mut::<DiscoveryConfig>() {
        config.is_public = !is_loopback;
    }
    if let Some(config) = section.config_mut::<ConfigServerConfig>() {
        config.extras.is_loopback = is_loopback;
        config.extras.refresh = has_bus.then(|| building::refresh_publisher(deps));
    }
}
