//! `souk audit`: reads every store, checks every invariant, and prints what does not hold.

mod facts;
mod invariants;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{cli::AuditArgs, command_error::CommandError, folder::Folder, settings::Settings};

use facts::ShopFacts;
use invariants::{Discrepancy, INVARIANTS};

/// Pause between two readings of the stores while there are discrepancies.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// True when every invariant holds.
    clean: bool,
    invariants: Vec<Line>,
    violations: Vec<Discrepancy>,
    /// Discrepancies of a stopped shop that it will resolve when it is started.
    pending: Vec<Discrepancy>,
    /// Messages in the broker's queues. Only the broker can read them, so their content is not checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queued: Vec<Queued>,
    /// The reason why the broker could not be read.
    #[serde(rename = "broker", skip_serializing_if = "Option::is_none")]
    broker_error: Option<String>,
    /// False when the provider's own books cannot be read: then payment's record of them was checked.
    provider_books_read: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// Number of the invariant, 1 to 7.
    invariant: u8,
    #[serde(rename = "says")]
    statement: &'static str,
    /// Number of products, payments or orders that it was checked on.
    checked: u64,
    violations: u64,
    pending: u64,
}

#[derive(Debug, Serialize)]
struct Queued {
    queue: String,
    messages: u64,
}

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

/// Reads until there are no discrepancies, or for `limit` while the shop runs. In a stopped shop, a discrepancy of an
/// order or payment that is in progress is pending; every other one is a violation.
async fn settle(settings: &Settings, limit: Duration) -> Result<Report, CommandError> {
    // Another machine may run a part of a distributed shop: assume that it runs.
    let is_running = || settings.folder().is_none_or(Folder::is_locked);
    // Real time: the operator waits at a terminal.
    let started = Instant::now();
    loop {
        let facts = ShopFacts::read(settings).await?;
        let found = invariants::check(&facts);
        let is_over = !is_running() || started.elapsed() >= limit;
        if is_over || found.is_empty() || found.iter().any(|discrepancy| discrepancy.is_final) {
            let in_progress = if is_running() { BTreeSet::new() } else { facts.in_progress() };
            return Ok(report(&facts, found, &in_progress));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn report(facts: &ShopFacts, found: Vec<Discrepancy>, in_progress: &BTreeSet<i64>) -> Report {
    let is_pending = |one: &Discrepancy| !one.is_final && one.about.iter().any(|id| in_progress.contains(id));
    let (pending, violations): (Vec<_>, Vec<_>) = found.into_iter().partition(is_pending);
    let count = |found: &[Discrepancy], invariant| {
        u64::try_from(found.iter().filter(|one| one.invariant == invariant).count()).unwrap_or(u64::MAX)
    };
    let invariants = INVARIANTS
        .iter()
        .map(|&(invariant, statement)| Line {
            invariant,
            statement,
            checked: facts.checked(invariant),
            violations: count(&violations, invariant),
            pending: count(&pending, invariant),
        })
        .collect();
    let waiting = facts.depths.iter().flatten().filter(|depth| depth.waiting > 0);
    let queued = waiting.map(|depth| Queued { queue: depth.queue.clone(), messages: depth.waiting }).collect();
    let broker_error = facts.depths.as_ref().err().cloned();
    let clean = violations.is_empty();
    Report { clean, invariants, violations, pending, queued, broker_error, provider_books_read: facts.has_ledger }
}

fn print(report: &Report) {
    for Line { invariant, statement, checked, violations, pending } in &report.invariants {
        let mark = match (*violations, *invariant) {
            (0, 2) if !report.provider_books_read => "in part",
            (0, _) => "holds",
            _ => "VIOLATED",
        };
        let pending = if *pending > 0 { format!(", {pending} pending") } else { String::new() };
        println!("{invariant}  {mark:<8}  {statement} ({checked} checked, {violations} violated{pending})");
    }
    for (word, found) in [("violated", &report.violations), ("pending", &report.pending)] {
        for Discrepancy { invariant, subject, detail, .. } in found {
            println!("   {word} {invariant}: {subject}: {detail}");
        }
    }
    if !report.provider_books_read {
        println!("   the provider's own books were not read; payment's record of them was checked");
    }
    if let Some(error) = &report.broker_error {
        println!("   the broker's queues could not be read: {error}");
    }
    for Queued { queue, messages } in &report.queued {
        println!("   {messages} messages wait in the broker's queue {queue}");
    }
    println!("{}", if report.clean { "Clean." } else { "NOT clean." });
}
