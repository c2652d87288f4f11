//! Measures souk in one run: what a purchase costs, embedded and on engines, what the catalogue and the gateway do beside
//! nginx, sign-ins, memory and starts.
//!
//! Wall time says as much about the machine as about the shop; what is counted for each order says nothing but what the
//! shop did. So a comparison with an earlier version is one of counted figures, and one with nginx a ratio.

mod catalogue;
mod client;
mod comparison;
mod figures;
mod gateway;
mod hot_product;
mod load;
mod nginx;
mod people;
mod processes;
mod purchase;
mod reads;
mod report;
mod shop;
mod sign_ins;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, ValueEnum};

use crate::{comparison::Baseline, figures::Figures, report::Report};

/// Error of a measurement, as the person who runs it reads it.
type BenchError = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, Parser)]
#[command(about = "Measures a souk and prints its figures with the goals beside them.")]
struct Arguments {
    /// The souk to measure; each further one is measured in the same rounds, and compared with the first.
    #[arg(required = true)]
    binaries: Vec<PathBuf>,
    /// Parts to measure, in this order.
    #[arg(long, value_delimiter = ',', default_value = "purchase")]
    parts: Vec<Part>,
    /// Orders of one round, each from the cart until it is paid.
    #[arg(long, default_value_t = 1_200)]
    orders: u32,
    /// Customers who buy at the same time, one order after another.
    #[arg(long, default_value_t = 16)]
    shoppers: u32,
    /// Rounds, whose median is printed with its spread. The binaries take turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Seconds of rest before memory is read once more.
    #[arg(long, default_value_t = 0)]
    rest: u64,
    /// Minutes of purchases whose memory is read after each.
    #[arg(long, default_value_t = 10)]
    minutes: u32,
    /// Orders of the last units of one product.
    #[arg(long, default_value_t = 10_000)]
    buyers: u32,
    /// Numbers of products of which the catalogue is read.
    #[arg(long, value_delimiter = ',', default_value = "1000,100000,1000000")]
    sizes: Vec<usize>,
    /// Seconds of each load of reads.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Fails if a counted figure is more than 30 % above that of this file.
    #[arg(long)]
    check: Option<PathBuf>,
    /// Writes the counted figures of the first binary to this file, for later checks.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Writes all figures with their rounds, the machine and the versions to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes the report between the marks `bench` of this document in Markdown.
    #[arg(long)]
    document: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Cart, order and payment in one process.
    Purchase,
    /// The same with one process for each service, on PostgreSQL, MariaDB or MySQL, Redis and RabbitMQ.
    Engines,
    /// Purchases in one process for some minutes, with its memory after each; once, whatever the number of rounds.
    Minutes,
    /// Many buyers of the last units of one product, embedded and on engines.
    HotProduct,
    SignIns,
    /// The catalogue, through the gateway and beside nginx's files.
    Reads,
    /// The gateway beside nginx as a proxy.
    Gateway,
}

impl Part {
    fn title(self) -> &'static str {
        match self {
            Self::Purchase => "A purchase, embedded",
            Self::Engines => "A purchase on engines",
            Self::Minutes => "Memory of minutes of purchases, embedded",
            Self::HotProduct => "The last units of one product",
            Self::SignIns => "Sign-ins, embedded",
            Self::Reads => "Reads of the catalogue, 16 connections",
            Self::Gateway => "The gateway beside nginx as a proxy, 1 KB",
        }
    }

    async fn measure(self, binary: &Path, arguments: &Arguments) -> Result<Figures, BenchError> {
        let load = purchase::Load {
            orders: arguments.orders,
            shoppers: arguments.shoppers,
            rest: Duration::from_secs(arguments.rest),
        };
        let lasts = Duration::from_secs(arguments.seconds);
        match self {
            Self::Purchase => purchase::embedded(binary, load).await,
            Self::Engines => purchase::on_engines(binary, load).await,
            Self::Minutes => purchase::for_minutes(binary, arguments.shoppers, arguments.minutes).await,
            Self::HotProduct => {
                let mut figures = hot_product::embedded(binary, arguments.buyers).await?;
                figures.add(hot_product::on_engines(binary, arguments.buyers).await?);
                Ok(figures)
            }
            Self::SignIns => sign_ins::measure(binary, 400).await,
            Self::Reads => {
                let mut figures = Figures::default();
                for size in &arguments.sizes {
                    figures.add(reads::measure(binary, *size, lasts).await?);
                }
                Ok(figures)
            }
            Self::Gateway => gateway::measure(binary, lasts).await,
        }
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = run(&Arguments::parse()).await;
    shop::remove_folders();
    match outcome {
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
    let mut report = Report::new(&arguments.binaries)?;
    let mut counted = Figures::default();
    for part in &arguments.parts {
        let mut figures: Vec<Figures> = vec![Figures::default(); arguments.binaries.len()];
        let rounds = if *part == Part::Minutes { 1 } else { arguments.rounds };
        for round in 1..=rounds {
            for (binary, figures) in arguments.binaries.iter().zip(&mut figures) {
                eprintln!("{}, round {round} of {rounds}: {}", part.title(), binary.display());
                figures.add(part.measure(binary, arguments).await?);
            }
        }
        println!("\n## {}\n\n{}", part.title(), figures::table(&arguments.binaries, &figures));
        counted.add(figures.first().cloned().unwrap_or_default());
        report.add(part.title(), figures);
    }
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
    }
    if let Some(path) = &arguments.document {
        report.write_into(path)?;
    }
    if let Some(path) = &arguments.record {
        Baseline::of(&counted).write(path)?;
    }
    let Some(path) = &arguments.check else { return Ok(true) };
    let worse = Baseline::read(path)?.worse(&counted);
    for sentence in &worse {
        eprintln!("{sentence}");
    }
    Ok(worse.is_empty())
}
