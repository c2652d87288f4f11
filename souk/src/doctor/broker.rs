//! Checks the bus: whether it answers, its version and topology, its consumers, and its dead letters.

use std::collections::BTreeMap;

use souk_bus::{
    BusError, RabbitTransport, Transport,
    rabbit::{QueueDepth, TopologyDifference},
};
use souk_events::{QUEUES, dead_letter_names};
use souk_sql::Access;

use super::{
    broker_version,
    finding::{Finding, State, with_timeout},
};
use crate::{address, bus::OpenBus, settings::Settings};

/// Length of a queue above which its consumer is too slow or not running.
const LONG_QUEUE: u64 = 10_000;

pub async fn check(settings: &Settings) -> Vec<Finding> {
    // A malformed section is reported with the configuration.
    let Ok(config) = settings.bus() else { return Vec::new() };
    let address = match (config.is_local(), settings.folder()) {
        (Ok(true), Some(folder)) => folder.store_url("bus"),
        (Ok(false), _) => address::redacted(config.url.expose()),
        (Ok(true), None) | (Err(_), _) => return Vec::new(),
    };
    with_timeout("bus", &address, Box::pin(check_bus(settings, &address))).await
}

async fn check_bus(settings: &Settings, address: &str) -> Vec<Finding> {
    let bus = match OpenBus::open(settings, Access::ReadOnly).await {
        Ok(bus) => bus,
        Err(error) => return vec![unreachable(address, &error)],
    };
    let mut findings = match &bus {
        OpenBus::Local(_) => vec![Finding::good("bus", address, "the shop's own, in a file")],
        OpenBus::Rabbit(broker) => {
            let url = settings.bus().map(|bus| bus.url.expose().clone()).unwrap_or_default();
            let mut findings = vec![check_version(&url, address).await];
            findings.extend(check_topology(broker, address).await);
            findings
        }
    };
    findings.extend(dead_letters(bus.transport(), address, settings.is_distributed()).await);
    findings
}

async fn check_version(url: &str, address: &str) -> Finding {
    match broker_version::read(url).await {
        Ok(Some(version)) if !broker_version::is_supported(&version) => {
            let (major, minor) = broker_version::OLDEST_SUPPORTED;
            Finding::wrong("bus", address, format!("RabbitMQ {version} is too old"))
                .with_advice(format!("the topology needs RabbitMQ {major}.{minor} or later: update it"))
        }
        Ok(Some(version)) => Finding::good("bus", address, format!("RabbitMQ {version}")),
        Ok(None) => Finding::good("bus", address, "RabbitMQ answers; over TLS its version is not read"),
        Err(error) => Finding::warning("bus", address, format!("its version could not be read: {error}"))
            .with_advice("is there a proxy between, or something else than a broker?"),
    }
}

async fn check_topology(broker: &RabbitTransport, address: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match broker.check_topology().await {
        Ok(differences) => findings.extend(differences.iter().map(|difference| of_difference(difference, address))),
        Err(error) => findings.push(unreachable(address, &error)),
    }
    // Fails when a queue is missing, which is a difference of the topology already.
    if let Ok(depths) = broker.queue_depths().await {
        findings.extend(of_depths(&depths, address));
    }
    findings
}

fn of_difference(difference: &TopologyDifference, address: &str) -> Finding {
    // A missing part is declared by the next service that starts; a different one is never changed.
    let state = if difference.found.is_some() { State::Wrong } else { State::Warning };
    Finding { state, ..Finding::good("bus", address, difference.to_string()) }.with_advice(difference.remedy())
}

/// Returns findings for queues without a consumer, one for each service, and for long queues.
fn of_depths(depths: &[QueueDepth], address: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unconsumed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for QueueDepth { queue, waiting, consumers } in depths {
        // Queues of dead letters and of retries have no consumer by design.
        let Some(known) = QUEUES.iter().find(|known| queue.ends_with(known.name)) else { continue };
        if *consumers == 0 {
            unconsumed.entry(known.service()).or_default().push(format!("{queue} ({waiting} wait)"));
        } else if *waiting > LONG_QUEUE {
            let message = format!("{waiting} messages wait in {queue}");
            let advice = format!("is the store of {} slow? More replicas consume concurrently", known.service());
            findings.push(Finding::warning("bus", address, message).with_advice(advice));
        }
    }
    findings.extend(unconsumed.into_iter().map(|(service, queues)| {
        Finding::warning("bus", address, format!("no process consumes {}", queues.join(", ")))
            .with_advice(format!("is {service} running? Start it with 'souk serve {service}'"))
    }));
    findings
}

async fn dead_letters(bus: &dyn Transport, address: &str, is_distributed: bool) -> Option<Finding> {
    let queues: Vec<&'static str> = dead_letter_names().collect();
    let counts = bus.dead_letter_counts(&queues).await.ok()?;
    let count: u64 = counts.iter().sum();
    let flag = if is_distributed { " --distributed" } else { "" };
    (count > 0).then(|| {
        let advice = format!("list them with 'souk dead-letters list{flag}'; replay them once their cause is fixed");
        Finding::warning("bus", address, format!("{count} dead letters")).with_advice(advice)
    })
}

fn unreachable(address: &str, error: &BusError) -> Finding {
    let advice = match error {
        BusError::Unavailable(text) if text.contains("ACCESS_REFUSED") => {
            "user, password or vhost are refused: check bus.url, and the broker's permissions"
        }
        BusError::Unavailable(_) => "is RabbitMQ up, and are host and port of bus.url correct?",
        BusError::Store(_) => "the shop creates the file at its first start",
        _ => "check the section bus of the configuration",
    };
    Finding::wrong("bus", address, error.to_string()).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_checked_for_their_consumers() {
        let depth = |queue: &str, waiting, consumers| QueueDepth { queue: queue.to_owned(), waiting, consumers };
        let good = [depth("t1.order.stock", 5, 1), depth("t1.order.stock.dead", 5, 0), depth("t1.souk.retry.1", 9, 0)];
        assert_eq!(of_depths(&good, ""), []);
        let alone = of_depths(&[depth("t1.order.stock", 5, 0), depth("t1.order.payments", 0, 0)], "");
        assert_eq!(alone.len(), 1);
        assert_eq!(alone[0].message, "no process consumes t1.order.stock (5 wait), t1.order.payments (0 wait)");
        assert!(alone[0].advice.as_ref().unwrap().contains("souk serve order"));
        let late = of_depths(&[depth("order.stock", 20_000, 1)], "");
        assert_eq!((late.len(), late[0].state), (1, State::Warning));
    }

    #[test]
    fn a_different_topology_is_wrong_and_a_missing_one_a_warning() {
        let difference =
            |found: Option<&str>| TopologyDifference { object: "queue x".into(), found: found.map(str::to_owned) };
        assert_eq!(of_difference(&difference(None), "").state, State::Warning);
        let other = of_difference(&difference(Some("x-queue-type is classic")), "");
        assert_eq!(other.state, State::Wrong);
        assert!(other.message.contains("classic") && other.advice.is_some());
    }
}
