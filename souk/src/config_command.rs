//! `souk config show|encrypt|decrypt`: what a service is configured with and by whom, and `{cipher}` values.

mod ciphering;
mod rows;
mod show;
mod table;

use clap::{Args, Subcommand};

use crate::{CommandError, cli::ShopArgs, services};

/// `souk config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub act: ConfigAct,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigAct {
    /// Print what a service is configured with, and where each value is from. Secrets are not shown.
    Show(ShowArgs),
    /// Make a {cipher} value of a text, with the key of the config server.
    Encrypt(CipherArgs),
    /// Make the text of a {cipher} value again.
    Decrypt(CipherArgs),
}

/// `souk config show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Which service.
    #[arg(value_parser = services::NAMES)]
    pub service: String,
    /// A profile, in place of those of `SOUK_CONFIG_PROFILES`; given again, a later one is stronger.
    #[arg(long = "profile", value_name = "PROFILE")]
    pub profiles: Vec<String>,
    /// Which shop, running or not.
    #[command(flatten)]
    pub shop: ShopArgs,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// `souk config encrypt` and `decrypt`.
#[derive(Debug, Args)]
pub struct CipherArgs {
    /// The value. Without it, or with -, it is read from standard input, so that no shell remembers it.
    pub value: Option<String>,
    /// Whose key: that of an embedded shop's folder, unless `SOUK_CONFIG_SERVER__ENCRYPT__KEY` is set.
    #[command(flatten)]
    pub shop: ShopArgs,
}

/// Does it.
pub async fn run(args: ConfigArgs) -> Result<(), CommandError> {
    match args.act {
        ConfigAct::Show(args) => show::run(&args).await,
        ConfigAct::Encrypt(args) => ciphering::encrypt(&args),
        ConfigAct::Decrypt(args) => ciphering::decrypt(&args),
    }
}
