//! `souk`: the whole shop in one binary, and its operator's commands.

mod address;
mod assets;
mod audit;
mod bus;
mod cli;
mod config_command;
mod dead_letters;
mod doctor;
mod embedded;
mod files;
mod folder;
mod import;
mod migrate;
mod openapi;
mod operator;
mod serve;
mod services;
mod settings;
mod shop;
mod up;

use std::process::ExitCode;

use crate::cli::{Cli, Command};

/// Why a command ended without doing what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Something failed; the sentence says what to do.
    #[error("{0}")]
    Failed(String),
    /// What was looked for was found, and is bad: already printed.
    #[error("")]
    Finding,
}

impl CommandError {
    fn failed(cause: impl std::fmt::Display) -> Self {
        Self::Failed(cause.to_string())
    }
}

/// 0: done. 1: a finding or failure. 2: usage (by clap).
fn main() -> ExitCode {
    souk_kit::install_crypto();
    let cli = Cli::read();
    prepare_process();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("souk: the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Finding) => ExitCode::FAILURE,
        Err(error @ CommandError::Failed(_)) => {
            eprintln!("souk: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What souk writes is for its owner only: stores, mails and secrets. And it may open as many files and
/// sockets as the system lets it, not the low number that shells begin with.
fn prepare_process() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        eprintln!("souk: the limit of open files stays at {:?}: {error}", limit.current);
    }
}

async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Serve(args) => Box::pin(serve::run(args)).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::DeadLetters(args) => dead_letters::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Config(args) => config_command::run(args).await,
        Command::Openapi(args) => openapi::run(&args),
    }
}
