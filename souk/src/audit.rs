//! `souk audit`: reads every store, checks every invariant, and says what does not hold.

mod facts;
mod invariants;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use crate::{CommandError, cli::AuditArgs, folder::Folder, settings::Settings};
use serde::Serialize;
use souk_bus::rabbit::QueueDepth;

pub use facts::Facts;
pub use invariants::{Finding, INVARIANTS, check};

/// Between two readings while something disagrees.
const PAUSE: Duration = Duration::from_millis(500);

/// What an audit found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether every invariant holds.
    pub clean: bool,
    /// Each invariant with how often it is violated and what was looked at.
    pub invariants: Vec<Line>,
    /// What does not hold.
    pub violations: Vec<Finding>,
    /// What is merely under way.
    pub pending: Vec<Finding>,
    /// Messages that wait in the broker's queues, which only the broker can read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub queued: Vec<Queued>,
    /// Why the broker does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<String>,
    /// Whether the provider's own books were read. If not, payment's record of them was checked.
    pub provider_books_read: bool,
}

/// One invariant.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// 1 to 7.
    pub invariant: u8,
    /// In words.
    pub says: &'static str,
    /// Things looked at.
    pub checked: u64,
    /// Violations.
    pub violations: u64,
    /// Disagreements that are under way.
    pub pending: u64,
}

/// A queue with messages in it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    /// Which.
    pub queue: String,
    /// How many wait.
    pub messages: u64,
}

impl From<&QueueDepth> for Queued {
    fn from(depth: &QueueDepth) -> Self {
        Self { queue: depth.queue.clone(), messages: depth.waiting }
    }
}

/// Runs `souk audit`.
pub async fn run(args: AuditArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    let report = settle(&settings, Duration::from_secs(args.settle)).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(CommandError::failed)?);
    } else {
        print(&report);
    }
    if report.clean { Ok(()) } else { Err(CommandError::Finding) }
}

/// Reads until nothing disagrees, or for `patience` while the shop runs. In a shop that stands still,
/// what disagrees about an order or payment that is under way is pending; everything else is violated.
async fn settle(settings: &Settings, patience: Duration) -> Result<Report, CommandError> {
    // Of a distributed shop nobody knows whether all of it stands still.
    let runs = || settings.folder().is_none_or(Folder::is_held);
    // The patience of a person at a terminal: real time.
    let begun = Instant::now();
    loop {
        let facts = Facts::read(settings).await?;
        let findings = check(&facts);
        let is_over = !runs() || begun.elapsed() >= patience;
        if is_over || findings.is_empty() || findings.iter().any(|finding| finding.at_once) {
            let under_way = if runs() { BTreeSet::new() } else { facts.under_way() };
            return Ok(report(&facts, findings, &under_way));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn report(facts: &Facts, findings: Vec<Finding>, under_way: &BTreeSet<i64>) -> Report {
    let is_pending = |finding: &Finding| !finding.at_once && finding.about.iter().any(|id| under_way.contains(id));
    let (pending, violations): (Vec<_>, Vec<_>) = findings.into_iter().partition(is_pending);
    let count = |findings: &[Finding], invariant| {
        u64::try_from(findings.iter().filter(|finding| finding.invariant == invariant).count()).unwrap_or(u64::MAX)
    };
    let invariants = INVARIANTS
        .iter()
        .map(|&(invariant, says)| Line {
            invariant,
            says,
            checked: facts.checked(invariant),
            violations: count(&violations, invariant),
            pending: count(&pending, invariant),
        })
        .collect();
    let (queued, broker) = match &facts.depths {
        Ok(depths) => (depths.iter().filter(|depth| depth.waiting > 0).map(Queued::from).collect(), None),
        Err(error) => (Vec::new(), Some(error.clone())),
    };
    let (clean, provider_books_read) = (violations.is_empty(), facts.has_ledger);
    Report { clean, invariants, violations, pending, queued, broker, provider_books_read }
}

fn print(report: &Report) {
    for Line { invariant, says, checked, violations, pending } in &report.invariants {
        let mark = match (*violations, *invariant) {
            (0, 2) if !report.provider_books_read => "in part",
            (0, _) => "holds",
            _ => "VIOLATED",
        };
        let pending = if *pending > 0 { format!(", {pending} pending") } else { String::new() };
        println!("{invariant}  {mark:<8}  {says} ({checked} checked, {violations} violated{pending})");
    }
    for finding in &report.violations {
        println!("   violated {}: {}: {}", finding.invariant, finding.subject, finding.detail);
    }
    for finding in &report.pending {
        println!("   pending {}: {}: {}", finding.invariant, finding.subject, finding.detail);
    }
    if !report.provider_books_read {
        println!("   the provider's own books were not read; payment's record of them was checked");
    }
    if let Some(broker) = &report.broker {
        println!("   the broker does not tell what waits in it: {broker}");
    }
    for Queued { queue, messages } in &report.queued {
        println!("   {messages} messages wait in the broker's queue {queue}");
    }
    println!("{}", if report.clean { "Clean." } else { "NOT clean." });
}
