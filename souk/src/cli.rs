//! The command line.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};

use crate::{config_command::ConfigArgs, services};

/// A complete online shop: register, browse, order, pay. Start with `souk up`.
#[derive(Debug, Parser)]
#[command(name = "souk", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// The process's arguments. Ends the process with a usage error (2) when they cannot be.
    pub fn read() -> Self {
        let cli = Self::parse();
        if let Command::Serve(serve) = &cli.command
            && serve.port.is_some()
            && serve.services.len() > 1
        {
            let sentence = "--port is for one service alone; without it each listens on its standard port";
            Self::command().error(ErrorKind::ArgumentConflict, sentence).exit();
        }
        cli
    }
}

/// What souk can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole shop in this process, on files in one folder.
    Up(UpArgs),
    /// Run one service or more in this process, on the engines of the environment.
    Serve(ServeArgs),
    /// Bring the tables of stores up to date.
    Migrate(MigrateArgs),
    /// Load products from a CSV file in Shopify's columns.
    Import(ImportArgs),
    /// Check that nothing was oversold, lost or charged twice.
    Audit(AuditArgs),
    /// Look after messages that could not be digested.
    DeadLetters(DeadLettersArgs),
    /// Try every engine, broker and peer, and say what to do about what is wrong.
    Doctor(DoctorArgs),
    /// Show what a service is configured with and by whom; make and read {cipher} values.
    Config(ConfigArgs),
    /// Print the OpenAPI document of a service.
    Openapi(OpenapiArgs),
}

/// The embedded shop's folder.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// The shop's folder.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
}

/// Which shop, for the operator's commands.
#[derive(Debug, Clone, Args)]
pub struct ShopArgs {
    /// The folder of an embedded shop.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
    /// The shop on the engines of the environment (`SOUK_ORDER__STORE_URL` …), as 'souk serve' runs it.
    #[arg(long, conflicts_with = "data")]
    pub distributed: bool,
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

/// `souk serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which services.
    #[arg(required = true, value_name = "SERVICE", value_parser = services::NAMES)]
    pub services: Vec<String>,
    /// The port, for one service alone. Without it, each listens on its standard port, 8080 to 8086.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

/// `souk migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Whose stores.
    #[arg(required_unless_present = "all", conflicts_with = "all", value_name = "SERVICE", value_parser = services::WITH_STORE)]
    pub services: Vec<String>,
    /// The stores of all services.
    #[arg(long)]
    pub all: bool,
    /// Which shop; an embedded one must not run.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// `souk doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Which shop, running or not.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `souk import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The CSV file.
    pub file: PathBuf,
    /// Which shop, running or not.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// `souk audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Which shop, running or not.
    #[command(flatten)]
    pub shop: ShopArgs,
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
        shop: ShopArgs,
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
        shop: ShopArgs,
    },
    /// Put one back into its queue.
    Replay {
        /// Its id.
        id: String,
        /// Which shop, running or not.
        #[command(flatten)]
        shop: ShopArgs,
    },
    /// Drop one for good.
    Discard {
        /// Its id.
        id: String,
        /// Which shop, running or not.
        #[command(flatten)]
        shop: ShopArgs,
    },
}

/// `souk openapi`.
#[derive(Debug, Args)]
pub struct OpenapiArgs {
    /// Which service.
    #[arg(value_parser = services::NAMES)]
    pub service: String,
}
