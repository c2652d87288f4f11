//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A complete online shop: register, browse, order, pay. Start with `souk up`.
#[derive(Debug, Parser)]
#[command(name = "souk", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What souk can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole shop in this process, on files in one folder.
    Up(UpArgs),
    /// Load products from a CSV file in Shopify's columns.
    Import(ImportArgs),
    /// Check that nothing was oversold, lost or charged twice.
    Audit(AuditArgs),
    /// Look after messages that could not be digested.
    DeadLetters(DeadLettersArgs),
    /// Print the OpenAPI document of a service.
    Openapi(OpenapiArgs),
}

/// Which shop.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// The shop's folder.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
}

/// `souk up`.
#[derive(Debug, Args)]
pub struct UpArgs {
    /// Which shop; the folder is made when it is missing.
    #[command(flatten)]
    pub data: DataArgs,
    /// The gateway's port. The services listen on loopback, on their standard ports moved by as much.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1_025..=64_000))]
    pub port: u16,
    /// Leave an empty shop empty, instead of filling it with the sample catalogue.
    #[arg(long)]
    pub empty: bool,
    /// Let an admin move the clock (`POST /api/test-clock`). For tests only.
    #[arg(long)]
    pub test_clock: bool,
    /// Open the shop in the browser.
    #[arg(long)]
    pub open: bool,
}

/// `souk import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV file.
    pub file: PathBuf,
    /// Which shop, running or not.
    #[command(flatten)]
    pub data: DataArgs,
}

/// `souk audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Which shop, running or not.
    #[command(flatten)]
    pub data: DataArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// How long what disagrees may take to come right while the shop runs, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub settle: u64,
}

/// `souk dead-letters`.
#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub act: DeadLettersAct,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum DeadLettersAct {
    /// List them, newest first.
    List {
        /// Which shop, running or not.
        #[command(flatten)]
        data: DataArgs,
        /// Only those of this service.
        #[arg(long)]
        service: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show one with its event and the error.
    Show {
        /// Its id.
        id: String,
        /// Which shop, running or not.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Put one back into its queue.
    Replay {
        /// Its id.
        id: String,
        /// Which shop, running or not.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Drop one for good.
    Discard {
        /// Its id.
        id: String,
        /// Which shop, running or not.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `souk openapi`.
#[derive(Debug, Args)]
pub struct OpenapiArgs {
    /// Which service.
    #[arg(value_parser = ["auth", "product", "order", "cart", "payment", "notification", "gateway"])]
    pub service: String,
}
