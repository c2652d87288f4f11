//! `souk audit`: reads every store, checks every invariant, and says what does not hold.

mod facts;
mod invariants;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde::Serialize;
use souk_kit::config::Sources;

use crate::{CommandError, cli::AuditArgs, folder::Folder, settings::Settings};

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

/// Runs `souk audit`.
pub async fn run(args: AuditArgs) -> Result<(), CommandError> {
    let folder = Folder::at(&args.data.data);
    folder.must_exist()?;
    let settings = Settings::read(&folder, Sources::default())?;
    let report = settle(&folder, &settings, Duration::from_secs(args.settle)).await?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report).map_err(CommandError::failed)?);
    } else {
        print(&report);
    }
    if report.clean { Ok(()) } else { Err(CommandError::Finding) }
}

/// Reads until nothing disagrees, or for `patience` while the shop runs. In a shop that stands still,
/// what disagrees about an order or payment that is under way is pending; everything else is violated.
async fn settle(folder: &Folder, settings: &Settings, patience: Duration) -> Result<Report, CommandError> {
    // The patience of a person at a terminal: real time.
    let begun = Instant::now();
    loop {
        let facts = Facts::read(settings).await?;
        let findings = check(&facts);
        let is_over = !folder.is_held() || begun.elapsed() >= patience;
        if is_over || findings.is_empty() || findings.iter().any(|finding| finding.at_once) {
            let under_way = if folder.is_held() { BTreeSet::new() } else { facts.under_way() };
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
    Report { clean: violations.is_empty(), invariants, violations, pending }
}

fn print(report: &Report) {
    for Line { invariant, says, checked, violations, pending } in &report.invariants {
        let mark = if *violations > 0 { "VIOLATED" } else { "holds" };
        let pending = if *pending > 0 { format!(", {pending} pending") } else { String::new() };
        println!("{invariant}  {mark:<8}  {says} ({checked} checked, {violations} violated{pending})");
    }
    for finding in &report.violations {
        println!("   violated {}: {}: {}", finding.invariant, finding.subject, finding.detail);
    }
    for finding in &report.pending {
        println!("   pending {}: {}: {}", finding.invariant, finding.subject, finding.detail);
    }
    println!("{}", if report.clean { "Clean." } else { "NOT clean." });
}
