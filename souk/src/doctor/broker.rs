//! The bus: reached, its topology as it is declared, nothing dead in it.

use std::collections::BTreeMap;

use souk_bus::{
    BusError, RabbitTransport, Transport,
    rabbit::{Difference, QueueDepth},
};
use souk_events::QUEUES;
use souk_sql::Access;

use super::{Finding, State, broker_version, in_time};
use crate::{address, bus::Looked, settings::Settings};

/// More messages than this in one queue mean that its consumer does not keep up, or does not run.
const MANY: u64 = 10_000;

/// Looks at the bus.
pub async fn check(settings: &Settings) -> Vec<Finding> {
    // Without a URL that can be, it was told of as a mistake of the configuration.
    let Ok(config) = settings.bus() else { return Vec::new() };
    let place = match (config.is_local(), settings.folder()) {
        (Ok(true), Some(folder)) => folder.store_url("bus"),
        (Ok(false), _) => address::shown(config.url.expose()),
        (Ok(true), None) | (Err(_), _) => return Vec::new(),
    };
    in_time("bus", &place, Box::pin(look(settings, &place))).await
}

async fn look(settings: &Settings, place: &str) -> Vec<Finding> {
    let bus = match Looked::open(settings, Access::ReadOnly).await {
        Ok(bus) => bus,
        Err(error) => return vec![away(place, &error)],
    };
    let mut findings = match &bus {
        Looked::Local(_) => vec![Finding::good("bus", place, "the shop's own, in a file")],
        Looked::Rabbit(broker) => {
            let url = settings.bus().map(|bus| bus.url.expose().clone()).unwrap_or_default();
            let mut findings = vec![of_version(&url, place).await];
            findings.extend(of_topology(broker, place).await);
            findings
        }
    };
    findings.extend(dead_letters(bus.transport(), place, settings.is_distributed()).await);
    findings
}

async fn of_version(url: &str, place: &str) -> Finding {
    match broker_version::read(url).await {
        Ok(Some(version)) if !broker_version::is_new_enough(&version) => {
            let (major, minor) = broker_version::OLDEST;
            Finding::wrong("bus", place, format!("RabbitMQ {version} is too old"))
                .advising(format!("the topology needs RabbitMQ {major}.{minor} or later: update it"))
        }
        Ok(Some(version)) => Finding::good("bus", place, format!("RabbitMQ {version}")),
        Ok(None) => Finding::good("bus", place, "RabbitMQ answers; over TLS its version is not read"),
        Err(error) => Finding::warning("bus", place, format!("its version could not be read: {error}"))
            .advising("is there something else than a broker between?"),
    }
}

async fn of_topology(broker: &RabbitTransport, place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match broker.check_topology().await {
        Ok(differences) => findings.extend(differences.iter().map(|difference| of_difference(difference, place))),
        Err(error) => findings.push(away(place, &error)),
    }
    // A queue that is missing was told of as a difference.
    if let Ok(depths) = broker.queue_depths().await {
        findings.extend(of_depths(&depths, place));
    }
    findings
}

fn of_difference(difference: &Difference, place: &str) -> Finding {
    let state = if difference.found.is_some() { State::Wrong } else { State::Warning };
    Finding { state, ..Finding::good("bus", place, difference.to_string()) }.advising(difference.remedy())
}

/// Queues that nobody consumes, by service, and queues that grow long.
fn of_depths(depths: &[QueueDepth], place: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut idle: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for QueueDepth { queue, waiting, consumers } in depths {
        // Those of dead letters and of retries are nobody's to consume.
        let Some(known) = QUEUES.iter().find(|known| queue.ends_with(known.name)) else { continue };
        if *consumers == 0 {
            idle.entry(known.service()).or_default().push(format!("{queue} ({waiting} wait)"));
        } else if *waiting > MANY {
            let advice = format!("is the store of {} well? More replicas take more at a time", known.service());
            findings
                .push(Finding::warning("bus", place, format!("{waiting} messages wait in {queue}")).advising(advice));
        }
    }
    findings.extend(idle.into_iter().map(|(service, queues)| {
        Finding::warning("bus", place, format!("nobody consumes {}", queues.join(", ")))
            .advising(format!("does {service} run? Start it with 'souk serve {service}'"))
    }));
    findings
}

async fn dead_letters(bus: &dyn Transport, place: &str, is_distributed: bool) -> Option<Finding> {
    let queues: Vec<&'static str> = QUEUES.iter().map(|queue| queue.name).collect();
    let counts = bus.dead_letter_counts(&queues).await.ok()?;
    let dead: u64 = counts.iter().sum();
    let flag = if is_distributed { " --distributed" } else { "" };
    (dead > 0).then(|| {
        let advice =
            format!("look at them with 'souk dead-letters list{flag}'; replay them once their cause is mended");
        Finding::warning("bus", place, format!("{dead} dead letters")).advising(advice)
    })
}

fn away(place: &str, error: &BusError) -> Finding {
    let advice = match error {
        BusError::Unavailable(text) if text.contains("ACCESS_REFUSED") => {
            "user, password or vhost are refused: look at bus.url, and at the broker's permissions"
        }
        BusError::Unavailable(_) => "is RabbitMQ up, and are host and port of bus.url right?",
        BusError::Store(_) => "the shop makes the file at its first start",
        _ => "look at the section bus of the configuration",
    };
    Finding::wrong("bus", place, error.to_string()).advising(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_judged_by_who_consumes_them() {
        let depth = |queue: &str, waiting, consumers| QueueDepth { queue: queue.to_owned(), waiting, consumers };
        let well = [depth("t1.order.stock", 5, 1), depth("t1.order.stock.dead", 5, 0), depth("t1.souk.retry.1", 9, 0)];
        assert_eq!(of_depths(&well, ""), []);
        let alone = of_depths(&[depth("t1.order.stock", 5, 0), depth("t1.order.payments", 0, 0)], "");
        assert_eq!(alone.len(), 1);
        assert_eq!(alone[0].says, "nobody consumes t1.order.stock (5 wait), t1.order.payments (0 wait)");
        assert!(alone[0].advice.as_ref().unwrap().contains("souk serve order"));
        let late = of_depths(&[depth("order.stock", 20_000, 1)], "");
        assert_eq!((late.len(), late[0].state), (1, State::Warning));
    }

    #[test]
    fn another_topology_is_wrong_and_a_missing_one_is_made() {
        let difference = |found: Option<&str>| Difference { what: "queue x".into(), found: found.map(str::to_owned) };
        assert_eq!(of_difference(&difference(None), "").state, State::Warning);
        let other = of_difference(&difference(Some("x-queue-type is classic")), "");
        assert_eq!(other.state, State::Wrong);
        assert!(other.says.contains("classic") && other.advice.is_some());
    }
}
