//! The command line. Doc comments here are the text of `--help`.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, error::ErrorKind};

use crate::services::{self, ServiceRow};

/// A complete online shop: register, browse, order, pay. Start with `souk up`.
#[derive(Debug, Parser)]
#[command(name = "souk", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Parses the arguments of the process. Exits with 2 and the usage when they are wrong.
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

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole shop in this process, with all data in one folder.
    Up(UpArgs),
    /// Run one service or more in this process, on the engines that the environment names.
    Serve(ServeArgs),
    /// Migrate the stores of services to the schema of this version.
    Migrate(MigrateArgs),
    /// Import products from a CSV file of Shopify or WooCommerce.
    Import(ImportArgs),
    /// Export all visible products to a CSV file in Shopify's format.
    Export(ExportArgs),
    /// Check that nothing was oversold, lost or charged twice.
    Audit(AuditArgs),
    /// Copy an embedded shop, running or stopped, into an empty folder.
    Backup(BackupArgs),
    /// Write a back-up into an empty folder, on which 'souk up' starts the shop as it was.
    Restore(RestoreArgs),
    /// List, replay or discard messages that no attempt could process.
    DeadLetters(DeadLettersArgs),
    /// Check every engine, broker and service, and say what to do about each problem.
    Doctor(DoctorArgs),
    /// Show the configuration of a service with the origin of each value; encrypt and decrypt {cipher} values.
    Config(ConfigArgs),
    /// Print the OpenAPI document of a service as JSON.
    Openapi(OpenapiArgs),
    /// Check that a service of this machine is ready; exits 1 when it is not.
    Probe(ProbeArgs),
    /// Print the completions of the command line for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands into a folder.
    Man(ManArgs),
}

#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder of the embedded shop, created if it is missing.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
}

/// The shop that an operator's command is about.
#[derive(Debug, Clone, Args)]
pub struct ShopArgs {
    /// Folder of an embedded shop.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
    /// Use the shop on the engines that the environment names (`SOUK_ORDER__STORE_URL` …), as 'souk serve' runs it.
    #[arg(long, conflicts_with = "data")]
    pub distributed: bool,
}

#[derive(Debug, Args)]
pub struct UpArgs {
    #[command(flatten)]
    pub data: DataArgs,
    /// Port of the gateway. The services listen on loopback, and their standard ports move with the gateway's.
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1_025..=64_000))]
    pub port: u16,
    /// Leave an empty shop empty, instead of filling it with the sample catalogue.
    #[arg(long)]
    pub empty: bool,
    /// Let an admin move the clock (`POST /api/test-clock`). For tests only.
    #[arg(long)]
    pub test_clock: bool,
    /// Open the shop in the browser once it is ready.
    #[arg(long)]
    pub open: bool,
}

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Services to run in this process.
    #[arg(required = true, value_name = "SERVICE", value_parser = services::parser())]
    pub services: Vec<&'static ServiceRow>,
    /// Port, if there is one service. Without it, each service listens on its standard port (order: 8083).
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
}

#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Services whose stores are migrated. An embedded shop must be stopped.
    #[arg(
        required_unless_present = "all",
        conflicts_with = "all",
        value_name = "SERVICE",
        value_parser = services::parser_with_store()
    )]
    pub services: Vec<&'static ServiceRow>,
    /// Migrate the stores of all services.
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub shop: ShopArgs,
}

#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Path of the CSV file, as Shopify or WooCommerce exports it.
    pub file: PathBuf,
    #[command(flatten)]
    pub shop: ShopArgs,
}

#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Path of the CSV file to write. An existing file is replaced once the export is complete.
    pub file: PathBuf,
    #[command(flatten)]
    pub shop: ShopArgs,
}

#[derive(Debug, Args)]
pub struct AuditArgs {
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print the report as JSON instead of text.
    #[arg(long)]
    pub json: bool,
    /// Time in seconds for disagreements of a running shop to resolve before they count as violations.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub settle: u64,
    /// Number of days for which the provider's own list of captures is read (Stripe; the sandbox's ledger is read whole).
    #[arg(long, value_name = "DAYS", default_value_t = 2)]
    pub provider_days: u16,
    /// Read a part of the shop again and again, and serve the number of violations at /metrics. Of several such processes
    /// one reads; 'souk up' does it automatically.
    #[arg(long, conflicts_with = "json")]
    pub watch: bool,
    /// With --watch: time in seconds between two readings.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    pub every: u64,
    /// With --watch: port of /metrics, /health/live and /health/ready.
    #[arg(long, value_name = "PORT", default_value_t = 8079, requires = "watch")]
    pub port: u16,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// Folder of the back-up, which is empty or does not exist.
    #[arg(value_name = "DIR")]
    pub target: PathBuf,
    /// Folder of the embedded shop.
    #[arg(long, value_name = "DIR", default_value = "./souk-data")]
    pub data: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Folder of the back-up.
    #[arg(value_name = "DIR")]
    pub source: PathBuf,
    /// Folder of the restored shop, which is empty or does not exist.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
}

#[derive(Debug, Args)]
pub struct DeadLettersArgs {
    #[command(subcommand)]
    pub command: DeadLettersCommand,
}

#[derive(Debug, Subcommand)]
pub enum DeadLettersCommand {
    /// List all dead letters, newest first.
    List {
        #[command(flatten)]
        shop: ShopArgs,
        /// List only those of this service.
        #[arg(long)]
        service: Option<String>,
        /// Print the dead letters as JSON instead of text.
        #[arg(long)]
        json: bool,
    },
    /// Show a dead letter with its event and error.
    Show {
        /// Id of the dead letter, a UUID.
        id: String,
        #[command(flatten)]
        shop: ShopArgs,
    },
    /// Return a dead letter to its queue.
    Replay {
        /// Id of the dead letter, a UUID.
        id: String,
        #[command(flatten)]
        shop: ShopArgs,
    },
    /// Delete a dead letter for good.
    Discard {
        /// Id of the dead letter, a UUID.
        id: String,
        #[command(flatten)]
        shop: ShopArgs,
    },
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print the findings as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the configuration of a service and the origin of each value. Secrets are hidden.
    Show(ShowArgs),
    /// Encrypt a text to a {cipher} value, with the key of the config server.
    Encrypt(CipherArgs),
    /// Decrypt a {cipher} value to its text.
    Decrypt(CipherArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Service whose configuration is printed.
    #[arg(value_parser = services::parser())]
    pub service: &'static ServiceRow,
    /// Profile, in place of those of `SOUK_CONFIG_PROFILES`. Can be repeated; later ones override earlier ones.
    #[arg(long = "profile", value_name = "PROFILE")]
    pub profiles: Vec<String>,
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print the values as JSON instead of a table.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct CipherArgs {
    /// Value to convert. Without it, or with -, it is read from standard input, so that no shell records it.
    pub value: Option<String>,
    // The key is that of an embedded shop's folder, unless `SOUK_CONFIG_SERVER__ENCRYPT__KEY` is set.
    #[command(flatten)]
    pub shop: ShopArgs,
}

#[derive(Debug, Args)]
pub struct OpenapiArgs {
    /// Service whose document is printed.
    #[arg(value_parser = services::parser())]
    pub service: &'static ServiceRow,
}

#[derive(Debug, Args)]
pub struct ProbeArgs {
    /// Service that is probed at its standard port.
    #[arg(default_value = "gateway", value_parser = services::parser())]
    pub service: &'static ServiceRow,
    /// Port, in place of the service's standard port.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Path that answers 200 when all is well.
    #[arg(long, default_value = "/health/ready")]
    pub path: String,
    /// Time limit of the answer in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Shell that reads the completions.
    pub shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder for the pages of all commands: souk.1, souk-up.1 and so on.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
