//! Watches a shop while it runs: reads a part of it each minute, and publishes the violations that last as a gauge.
//!
//! A part is what is young, what disagreed before, and the next of the rest, so that each order is read once in a while
//! and a large shop takes no longer than a small one.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::HeaderMap, routing::get};
use metrics::{describe_gauge, gauge};
use souk_bus::Transport;
use souk_kit::telemetry;
use souk_order::{AuditRound, AuditViolation, AuditedInvariant};
use souk_sql::{Access, Leadership};
use souk_values::{Clock, IdGen, SystemClock, Timestamp, gauge_value};
use tokio::net::TcpListener;

use super::{
    invariants::{Discrepancy, INVARIANTS, Source},
    scan::{Again, Part, Scan, now},
    undelivered,
};
use crate::{bus::OpenBus, cli::AuditArgs, command_error::CommandError, settings::Settings, stop_signals::StopSignals};

const SERVICE: &str = "audit";
const VIOLATIONS: &str = "audit_violations";
const READ_AT: &str = "audit_read_at_seconds";

/// Age up to which orders are read in every round.
const YOUNG: Duration = Duration::from_hours(1);
/// Ranges of older orders that are read in a round: about 65,000 orders.
const RANGES: usize = 16;
/// Pause between two readings of what disagrees.
const PAUSE: Duration = Duration::from_secs(2);
/// Rounds from one reading of the provider's own list to the next; the provider limits requests.
const LIST_ROUNDS: u64 = 60;
/// Time that this list covers, twice that between its readings; longer while something in it disagrees.
const LISTED: Duration = Duration::from_hours(2);
/// Longest time that it covers.
const LONGEST_LISTED: Duration = Duration::from_hours(30 * 24);

/// Violations of which the back office shows more than their number.
const MOST_SHOWN: usize = 50;

/// The state of a watch, from round to round.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
    /// The bus of this process, on which rounds are announced; `None` opens the shop's for each.
    transport: Option<Arc<dyn Transport>>,
    /// Time between two rounds.
    every: Duration,
    /// Time for disagreements to resolve.
    settle: Duration,
    rounds: u64,
    /// Order id above which the next part begins.
    after: i64,
    /// Start of the provider's list in its last reading, while something that it showed lasts.
    listed_from: Option<Timestamp>,
    /// The violations of earlier rounds.
    lasting: BTreeMap<(u8, String), Discrepancy>,
}

/// Describes the gauges of the audit.
pub fn describe() {
    describe_gauge!(VIOLATIONS, "Violations of an invariant that lasted, by its number");
    describe_gauge!(READ_AT, "Time of the audit's latest complete round, in seconds since 1970");
}

impl Watch {
    pub fn new(settings: Settings, every: Duration, settle: Duration) -> Self {
        Self {
            settings,
            transport: None,
            every,
            settle,
            rounds: 0,
            after: i64::MIN,
            listed_from: None,
            lasting: BTreeMap::new(),
        }
    }

    /// Announces the rounds on `transport`.
    pub fn announcing_on(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// Reads rounds until it is dropped. A round that fails is logged, and the gauge of its time grows old.
    pub async fn run(mut self) {
        loop {
            // Real time, as for an operator who waits.
            tokio::time::sleep(self.every).await;
            if let Err(error) = Box::pin(self.round()).await {
                tracing::warn!(error = %error, "the audit could not read the shop and will try again");
            }
        }
    }

    /// Reads one part, waits until what disagrees is resolved or lasts, and publishes the gauges.
    async fn round(&mut self) -> Result<(), CommandError> {
        let started = SystemClock.now();
        let is_list_due = self.rounds.is_multiple_of(LIST_ROUNDS);
        let reach = self.listed_from.map_or(LISTED, |from| LISTED.max(started.since(from)).min(LONGEST_LISTED));
        let listed = is_list_due.then_some(reach);
        let recent = IdGen::before(now(&self.settings).minus(YOUNG));
        let part = Part { after: self.after, ranges: RANGES, recent, listed };
        let mut scan = Box::pin(Scan::read(&self.settings, part)).await?;
        Box::pin(scan.settle(&self.settings, self.settle, PAUSE.min(self.settle), || true)).await?;
        self.forget_resolved(&part).await?;
        let undelivered = undelivered(&scan.waiting);
        for found in scan.findings.found.into_iter().chain(undelivered) {
            let key = found.key();
            if !self.lasting.contains_key(&key) {
                let Discrepancy { invariant, subject, detail, .. } = &found;
                tracing::error!(invariant, subject, detail, "an invariant is violated");
            }
            self.lasting.insert(key, found);
        }
        if is_list_due {
            let shows_something = self.lasting.values().any(|one| one.rests_on_list);
            self.listed_from = shows_something.then(|| started.minus(reach));
        }
        self.rounds += 1;
        self.after = if scan.until == i64::MAX { i64::MIN } else { scan.until };
        self.publish();
        if let Err(error) = self.announce().await {
            tracing::warn!(error, "the back office does not show this round of the audit");
        }
        Ok(())
    }

    /// Forgets the violations of earlier rounds that do not disagree any more, and those that this round finds again if
    /// they are still there: of the bus in every round, of whole stores when these were read.
    async fn forget_resolved(&mut self, part: &Part) -> Result<(), CommandError> {
        let has_read_stores = part.after == i64::MIN;
        let known: Vec<Discrepancy> = self.lasting.values().cloned().collect();
        let again = Box::pin(Again::read(&self.settings, &known, part.listed)).await?;
        self.lasting.retain(|_, one| match one.source {
            Source::Store => !has_read_stores && !matches!(one.invariant, 6 | 11),
            Source::Order(_) | Source::Capture(_) => again.confirms(one),
        });
        Ok(())
    }

    fn count(&self, invariant: u8) -> u64 {
        let count = self.lasting.keys().filter(|(number, _)| *number == invariant).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// Announces the round to the gateways. Errors: the bus cannot be used, as a sentence.
    async fn announce(&self) -> Result<(), String> {
        let invariant = |(invariant, statement): (u8, &str)| AuditedInvariant {
            invariant,
            statement: statement.to_owned(),
            violations: self.count(invariant),
        };
        let violation = |one: &Discrepancy| AuditViolation {
            invariant: one.invariant,
            subject: one.subject.clone(),
            detail: one.detail.clone(),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let round = AuditRound {
            read_at: clock.now(),
            invariants: INVARIANTS.map(invariant).into(),
            violations: self.lasting.values().take(MOST_SHOWN).map(violation).collect(),
        };
        let announcement = round.announcement(&IdGen::new(clock));
        let announced = match &self.transport {
            Some(transport) => transport.announce(announcement).await,
            None => match OpenBus::open(&self.settings, Access::ReadOnly).await {
                Ok(OpenBus::Rabbit(bus)) => bus.announce(announcement).await,
                // The bus of a folder stays within the process that serves it, which audits itself.
                Ok(OpenBus::Local(_)) => Ok(()),
                Err(error) => Err(error),
            },
        };
        announced.map_err(|error| error.to_string())
    }

    fn publish(&self) {
        for (invariant, _) in INVARIANTS {
            let label = invariant.to_string();
            gauge!(VIOLATIONS, "service" => SERVICE, "invariant" => label).set(gauge_value(self.count(invariant)));
        }
        let read_at = u64::try_from(SystemClock.now().seconds()).unwrap_or_default();
        gauge!(READ_AT, "service" => SERVICE).set(gauge_value(read_at));
    }
}

/// Runs a watch as a process of its own until a signal ends it: as the leader, or waiting to become it.
pub async fn serve(settings: Settings, args: &AuditArgs) -> Result<(), CommandError> {
    telemetry::log_json("info");
    telemetry::install_metrics();
    describe();
    let mut signals = StopSignals::register()?;
    let address = SocketAddr::from(([0, 0, 0, 0], args.port));
    let listener = TcpListener::bind(address).await;
    let listener =
        listener.map_err(|error| CommandError::failed(format!("port {} cannot be used: {error}", args.port)))?;
    let (every, settle) = (Duration::from_secs(args.every), Duration::from_secs(args.settle));
    tokio::select! {
        () = signals.received() => Ok(()),
        served = axum::serve(listener, router()) => served.map_err(CommandError::failed),
        () = lead(&settings, every, settle) => Ok(()),
    }
}

fn router() -> Router {
    Router::new()
        .route("/metrics", get(async |headers: HeaderMap| telemetry::metrics_response(None, &headers)))
        .route("/health/live", get(async || "live"))
        .route("/health/ready", get(async || "ready"))
}

/// Watches while this process is the one that leads. A former leader publishes nothing more: it ends, and is started
/// again by whatever supervises it.
async fn lead(settings: &Settings, every: Duration, settle: Duration) {
    loop {
        match leadership(settings).await {
            Ok(Some(leadership)) => {
                tracing::info!("this process audits the shop");
                let watch = Watch::new(settings.clone(), every, settle);
                tokio::select! {
                    () = Box::pin(watch.run()) => {}
                    () = lost(&leadership, every) => {
                        tracing::error!("the engine of order does not respond, and with it the lead is lost");
                        return;
                    }
                }
            }
            Ok(None) => tracing::debug!("another process audits the shop"),
            Err(error) => tracing::warn!(error = %error, "whether another process audits the shop cannot be read"),
        }
        tokio::time::sleep(every).await;
    }
}

async fn leadership(settings: &Settings) -> Result<Option<Leadership>, CommandError> {
    let url = settings.store_url("order").map_err(CommandError::failed)?;
    Leadership::take(&url, SERVICE).await.map_err(CommandError::failed)
}

async fn lost(leadership: &Leadership, every: Duration) {
    while leadership.is_held().await {
        tokio::time::sleep(every).await;
    }
}
