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
    refusals,
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
    with_timeout("bus", &address, Box::pin(check_bus(settings, config.url.expose(), &address))).await
}

async fn check_bus(settings: &Settings, url: &str, address: &str) -> Vec<Finding> {
    let bus = match OpenBus::open(settings, Access::ReadOnly).await {
        Ok(bus) => bus,
        Err(error) => return vec![unreachable(url, address, &error)],
    };
    let mut findings = match &bus {
        OpenBus::Local(_) => vec![Finding::good("bus", address, "the shop's own, in a file")],
        OpenBus::Rabbit(broker) => {
            let mut findings = vec![check_version(url, address).await];
            findings.extend(check_topology(broker, url, address).await);
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

async fn check_topology(broker: &RabbitTransport, url: &str, address: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match broker.check_topology().await {
        Ok(differences) => findings.extend(differences.iter().map(|difference| of_difference(difference, address))),
        Err(error) => findings.push(unreachable(url, address, &error)),
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

fn unreachable(url: &str, address: &str, error: &BusError) -> Finding {
    let text = error.to_string();
    let advice = refusals::of_broker(url, &text).unwrap_or_else(|| {
        let advice = match error {
            BusError::Unavailable(_) => "is RabbitMQ up, and are host and port of bus.url correct?",
            BusError::Store(_) => "the shop creates the file at its first start",
            _ => "check the section bus of the configuration",
        };
        advice.to_owned()
    });
    Finding::wrong("bus", address, text).with_advice(advice)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use souk_testkit::engine::{needs_engines, rabbitmq};
    use souk_values::{Secret, SystemClock};

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

    #[tokio::test]
    async fn a_real_broker_refuses_with_a_remedy() {
        if !needs_engines() {
            return;
        }
        souk_kit::install_crypto();
        let with = |user: &str, vhost: &str| {
            let mut url: url::Url = rabbitmq().parse().unwrap();
            url.set_username(user).unwrap();
            url.set_password(Some("geheim")).unwrap();
            url.set_path(vhost);
            url.to_string()
        };
        let mut vhost: url::Url = rabbitmq().parse().unwrap();
        vhost.set_path("no_such_vhost");
        for (url, expected) in [
            (with("nobody_here", "%2f"), "change_password 'nobody_here'"),
            (with("guest", "%2f"), "change_password 'guest'"),
            (vhost.to_string(), "add_vhost 'no_such_vhost'"),
        ] {
            let opened = RabbitTransport::inspect(&Secret::new(url.clone()), "", Arc::new(SystemClock)).await;
            let found = unreachable(&url, "", &opened.unwrap_err());
            assert!(found.advice.as_ref().unwrap().contains(expected), "{found:?}");
            assert!(!format!("{found:?}").contains("geheim"), "{found:?}");
        }
    }
}
