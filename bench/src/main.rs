//! Measures what a purchase costs in an embedded shop, and compares it with what it cost before.
//!
//! Wall time says as much about the machine as about the shop; what is counted for each order says nothing but what the
//! shop did. So a comparison is one of counted figures.

mod client;
mod comparison;
mod figures;
mod purchase;
mod shop;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

use crate::{
    comparison::Baseline,
    figures::{Figures, Process},
    shop::Shop,
};

/// Error of a measurement, as the person who runs it reads it.
type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// Pause before the memory of an idle shop is read.
const SETTLING: Duration = Duration::from_secs(3);

#[derive(Debug, Parser)]
#[command(about = "Buys in a fresh embedded shop and prints what an order costs it.")]
struct Arguments {
    /// The souk to measure; each further one is measured in the same rounds, and compared with the first.
    #[arg(required = true)]
    binaries: Vec<PathBuf>,
    /// Orders of one round, each from the cart until it is paid.
    #[arg(long, default_value_t = 1_200)]
    orders: u32,
    /// Customers who buy at the same time, one order after another.
    #[arg(long, default_value_t = 16)]
    shoppers: u32,
    /// Rounds, whose median is printed. The binaries take turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of rest before memory is read once more.
    #[arg(long, default_value_t = 0)]
    rest: u64,
    /// Fails if a counted figure is more than 30 % above that of this file.
    #[arg(long)]
    check: Option<PathBuf>,
    /// Writes the counted figures of the first binary to this file, for later checks.
    #[arg(long)]
    record: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns false if a figure is worse than it may be.
async fn run(arguments: &Arguments) -> Result<bool, BenchError> {
    let mut rounds: Vec<Vec<Figures>> = vec![Vec::new(); arguments.binaries.len()];
    for round in 1..=arguments.rounds {
        for (binary, figures) in arguments.binaries.iter().zip(&mut rounds) {
            eprintln!("round {round} of {}: {}", arguments.rounds, binary.display());
            figures.push(measure(binary, arguments).await?);
        }
    }
    let medians: Vec<Figures> = rounds.iter().map(|rounds| Figures::median(rounds)).collect();
    let Some((first, others)) = medians.split_first() else { return Ok(true) };
    println!("{}", figures::table(&arguments.binaries, first, others));
    if let Some(path) = &arguments.record {
        Baseline::of(first).write(path)?;
    }
    let Some(path) = &arguments.check else { return Ok(true) };
    let worse = Baseline::read(path)?.worse(first);
    for sentence in &worse {
        eprintln!("{sentence}");
    }
    Ok(worse.is_empty())
}

async fn measure(binary: &std::path::Path, arguments: &Arguments) -> Result<Figures, BenchError> {
    let mut shop = Shop::start(binary).await?;
    let first_start = shop.ready_after;
    tokio::time::sleep(SETTLING).await;
    let idle_mb = shop.memory_mb()?;
    let load = purchase::prepare(&shop, arguments.shoppers).await?;
    let before = shop.counts()?;
    let sold = load.buy(arguments.orders).await?;
    let loaded_mb = shop.memory_mb()?;
    // Mails and other consequences of an order follow its payment, and are part of its cost.
    let after = shop.counts_at_rest().await?;
    tokio::time::sleep(Duration::from_secs(arguments.rest)).await;
    let rested_mb = shop.memory_mb()?;
    let binary_mb = f64::from(u32::try_from(std::fs::metadata(binary)?.len() / 1_000)?) / 1_000.0;
    shop.restart(binary).await?;
    let later_start = shop.ready_after;
    shop.stop().await?;
    let process = Process { first_start, later_start, idle_mb, loaded_mb, rested_mb, binary_mb };
    Ok(Figures::of(&sold, &before, &after, &process))
}
