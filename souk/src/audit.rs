//! `souk audit`: reads every store, checks every invariant, and prints what does not hold.

mod invariants;
mod scan;
mod stores;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde::Serialize;

use crate::{cli::AuditArgs, command_error::CommandError, folder::Folder, settings::Settings};

use invariants::{Discrepancy, INVARIANTS, Source};
use scan::{Part, Scan};
use stores::WaitingEvent;

pub use watch::{Watch, describe};

/// Pause between two readings of the stores while there are discrepancies.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// True when every invariant holds.
    clean: bool,
    invariants: Vec<Line>,
    violations: Vec<Discrepancy>,
    /// Number of discrepancies beyond those that were kept and read again.
    omitted: u64,
    /// Discrepancies of a stopped shop that it will resolve when it is started.
    pending: Vec<Discrepancy>,
    /// Messages in the broker's queues. Only the broker can read them, so their content is not checked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    queued: Vec<Queued>,
    /// The reason why the broker could not be read.
    #[serde(rename = "broker", skip_serializing_if = "Option::is_none")]
    broker_error: Option<String>,
    /// False when the provider's own books were not read: then payment's record of them was checked.
    provider_books_read: bool,
    /// The reason why they were not read.
    #[serde(rename = "provider", skip_serializing_if = "Option::is_none")]
    provider_error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    /// Number of the invariant, 1 to 11.
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
    if args.watch {
        return watch::serve(Settings::of_lasting(&args.shop).await?, &args).await;
    }
    let settings = Settings::of(&args.shop).await?;
    let report = settle(&settings, &args).await?;
    if args.json {
        say!("{}", serde_json::to_string_pretty(&report).map_err(CommandError::failed)?);
    } else {
        print(&report);
    }
    if report.clean { Ok(()) } else { Err(CommandError::Finding) }
}

/// Reads the whole shop once, and while it runs, what disagreed again for up to `--settle`: only what was wrong in every
/// reading is a violation. In a stopped shop, a discrepancy of an order or payment that is in progress is pending.
async fn settle(settings: &Settings, args: &AuditArgs) -> Result<Report, CommandError> {
    // Another machine may run a part of a distributed shop: assume that it runs.
    let is_running = || settings.folder().is_none_or(Folder::is_locked);
    let limit = Duration::from_secs(args.settle);
    let listed = Duration::from_hours(24 * u64::from(args.provider_days));
    let mut scan = Box::pin(Scan::read(settings, Part::all(listed))).await?;
    Box::pin(scan.settle(settings, limit, PAUSE, is_running)).await?;
    Ok(report(scan, is_running()))
}

fn report(mut scan: Scan, is_running: bool) -> Report {
    let in_progress: BTreeSet<i64> = scan.waiting.iter().flat_map(|event| event.about.iter().copied()).collect();
    let mut found = std::mem::take(&mut scan.findings.found);
    found.extend(undelivered(&scan.waiting));
    let is_pending = |one: &Discrepancy| {
        let is_explained = one.awaits_provider || one.about.iter().any(|id| in_progress.contains(id));
        !is_running && !one.is_final && is_explained
    };
    let (pending, violations): (Vec<_>, Vec<_>) = found.into_iter().partition(is_pending);
    let count = |found: &[Discrepancy], invariant| {
        u64::try_from(found.iter().filter(|one| one.invariant == invariant).count()).unwrap_or(u64::MAX)
    };
    let invariants = INVARIANTS
        .iter()
        .map(|&(invariant, statement)| Line {
            invariant,
            statement,
            checked: scan.findings.checked(invariant),
            violations: count(&violations, invariant),
            pending: count(&pending, invariant),
        })
        .collect();
    let waiting = scan.depths.into_iter().filter(|depth| depth.waiting > 0);
    let queued = waiting.map(|depth| Queued { queue: depth.queue, messages: depth.waiting }).collect();
    let omitted = scan.findings.omitted;
    let clean = violations.is_empty() && omitted == 0;
    let provider_error = scan.books.unread;
    let (broker_error, provider_books_read) = (scan.broker_error, provider_error.is_none());
    Report {
        clean,
        invariants,
        violations,
        omitted,
        pending,
        queued,
        broker_error,
        provider_books_read,
        provider_error,
    }
}

/// Returns one discrepancy for each outbox, and one for the bus, with events that were never delivered meanwhile.
fn undelivered(waiting: &[WaitingEvent]) -> impl Iterator<Item = Discrepancy> {
    let mut places: BTreeMap<Option<&'static str>, (u64, Vec<i64>)> = BTreeMap::new();
    for event in waiting {
        let (count, about) = places.entry(event.outbox).or_default();
        *count += 1;
        about.extend(&event.about);
    }
    places.into_iter().map(|(outbox, (count, about))| {
        let (subject, detail) = match outbox {
            Some(service) => (format!("outbox of {service}"), format!("{count} events are not published")),
            None => ("bus".to_owned(), format!("{count} messages are not consumed")),
        };
        Discrepancy { about, ..Discrepancy::new(6, subject, detail, Source::Store) }
    })
}

fn print(report: &Report) {
    for Line { invariant, statement, checked, violations, pending } in &report.invariants {
        let mark = match (*violations, *invariant) {
            (0, 2) if !report.provider_books_read => "in part",
            (0, _) => "holds",
            _ => "VIOLATED",
        };
        let pending = if *pending > 0 { format!(", {pending} pending") } else { String::new() };
        say!("{invariant:<2}  {mark:<8}  {statement} ({checked} checked, {violations} violated{pending})");
    }
    for (word, found) in [("violated", &report.violations), ("pending", &report.pending)] {
        for Discrepancy { invariant, subject, detail, .. } in found {
            say!("   {word} {invariant}: {subject}: {detail}");
        }
    }
    if report.omitted > 0 {
        say!("   {} further discrepancies are not listed", report.omitted);
    }
    if let Some(reason) = &report.provider_error {
        say!("   the provider's own books were not read ({reason}); payment's record of them was checked");
    }
    if let Some(error) = &report.broker_error {
        say!("   the broker's queues could not be read: {error}");
    }
    for Queued { queue, messages } in &report.queued {
        say!("   {messages} messages wait in the broker's queue {queue}");
    }
    say!("{}", if report.clean { "Clean." } else { "NOT clean." });
}
