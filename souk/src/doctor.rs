//! `souk doctor`: checks each engine, broker and service of the configuration, how well secrets are kept, and says what to do about each problem.
//! It changes nothing.

mod broker;
mod broker_version;
mod disk;
mod engine;
mod finding;
mod peers;
mod refusals;
mod secrets;
mod stores;

use futures::future::{BoxFuture, join_all};
use serde::Serialize;

use crate::{cli::DoctorArgs, command_error::CommandError, configuration::mistakes, settings::Settings};

use finding::{Finding, State};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// True when no finding is `wrong`.
    healthy: bool,
    findings: Vec<Finding>,
}

pub async fn run(args: DoctorArgs) -> Result<(), CommandError> {
    let settings = Settings::of(&args.shop).await?;
    let configuration = mistakes(&settings).into_iter().map(|mistake| {
        let advice = "correct it in the environment, or in the folder's config/*.yml";
        Finding::wrong("configuration", "", mistake).with_advice(advice)
    });
    let mut findings: Vec<Finding> = configuration.collect();
    // Concurrently: each waits for something else.
    let checks: Vec<BoxFuture<'_, Vec<Finding>>> =
        vec![Box::pin(stores::check(&settings)), Box::pin(broker::check(&settings)), Box::pin(peers::check(&settings))];
    findings.extend(join_all(checks).await.into_iter().flatten());
    findings.extend(disk::check(&settings));
    findings.extend(secrets::check(&settings));
    let healthy = findings.iter().all(|finding| finding.state != State::Wrong);
    if args.json {
        let report = Report { healthy, findings };
        say!("{}", serde_json::to_string_pretty(&report).map_err(CommandError::failed)?);
    } else {
        print(&findings);
    }
    if healthy { Ok(()) } else { Err(CommandError::Finding) }
}

fn print(findings: &[Finding]) {
    let width =
        |of: fn(&Finding) -> &str| findings.iter().map(|finding| of(finding).chars().count()).max().unwrap_or(0);
    let part_width = width(|finding| &finding.part);
    let address_width = width(|finding| &finding.address);
    for Finding { part, address, state, message, advice } in findings {
        say!("{:<5}  {part:<part_width$}  {address:<address_width$}  {message}", state.word());
        if let Some(advice) = advice {
            say!("{:<5}  {:<part_width$}  → {advice}", "", "");
        }
    }
    let count = |state| findings.iter().filter(|finding| finding.state == state).count();
    match (count(State::Wrong), count(State::Warning)) {
        (0, 0) => say!("All is well."),
        (0, warnings) => say!("Nothing is wrong; {warnings} warning(s)."),
        (wrong, warnings) => say!("{wrong} wrong, {warnings} warning(s)."),
    }
}
