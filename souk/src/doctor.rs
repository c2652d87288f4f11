//! `souk doctor`: tries each engine, broker and peer of the configuration, and says what to do about what
//! is wrong. It changes nothing.

mod broker;
mod broker_version;
mod disk;
mod engine;
mod finding;
mod peers;
mod stores;

use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use self::finding::{Finding, State};
use crate::{CommandError, cli::DoctorArgs, serve::mistakes, settings::Settings};

/// How long anything that is tried may take.
const LIMIT: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// Whether nothing is wrong.
    healthy: bool,
    findings: Vec<Finding>,
}

/// Runs `souk doctor`.
pub async fn run(args: DoctorArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    let configuration = mistakes(&settings).into_iter().map(|mistake| {
        let advice = "set it right in the environment, or in the folder's config/*.yml";
        Finding::wrong("configuration", "", mistake).advising(advice)
    });
    let mut findings: Vec<Finding> = configuration.collect();
    // Side by side: each waits for something else.
    let tried: Vec<BoxFuture<'_, Vec<Finding>>> =
        vec![Box::pin(stores::check(&settings)), Box::pin(broker::check(&settings)), Box::pin(peers::check(&settings))];
    findings.extend(join_all(tried).await.into_iter().flatten());
    findings.extend(disk::check(&settings));
    let healthy = findings.iter().all(|finding| finding.state != State::Wrong);
    if args.json {
        let report = Report { healthy, findings };
        println!("{}", serde_json::to_string_pretty(&report).map_err(CommandError::failed)?);
    } else {
        print(&findings);
    }
    if healthy { Ok(()) } else { Err(CommandError::Finding) }
}

fn print(findings: &[Finding]) {
    let width =
        |of: fn(&Finding) -> &str| findings.iter().map(|finding| of(finding).chars().count()).max().unwrap_or(0);
    let (part, address) = (width(|finding| &finding.part), width(|finding| &finding.address));
    for finding in findings {
        let Finding { part: name, address: place, state, says, advice } = finding;
        println!("{:<5}  {name:<part$}  {place:<address$}  {says}", state.word());
        if let Some(advice) = advice {
            println!("{:<5}  {:<part$}  → {advice}", "", "");
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    match (count(State::Wrong), count(State::Warning)) {
        (0, 0) => println!("All is well."),
        (0, warnings) => println!("Nothing is wrong; {warnings} to look at."),
        (wrong, warnings) => println!("{wrong} wrong, {warnings} to look at."),
    }
}

/// What `trying` finds, or that it takes too long.
async fn in_time(part: &str, address: &str, trying: BoxFuture<'_, Vec<Finding>>) -> Vec<Finding> {
    // Real time: a person waits at a terminal.
    tokio::time::timeout(LIMIT, trying).await.unwrap_or_else(|_| {
        let says = format!("gave no answer within {} s", LIMIT.as_secs());
        let advice = "is it up, and is the way to it open? A firewall that drops what it should refuse looks like this";
        vec![Finding::wrong(part, address, says).advising(advice)]
    })
}
