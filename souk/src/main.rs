//! `souk`: the whole shop in one binary, with the commands that operate it.

// An optimised build computes the layout of the commands' nested futures by recursion, deeper than the default of 128.
#![recursion_limit = "256"]

#[macro_use]
mod say;

mod address;
mod assets;
mod audit;
mod backup;
mod building;
mod bus;
mod cli;
mod command_error;
mod command_line_pages;
mod config_command;
mod config_refresh;
mod configuration;
mod dead_letters;
mod doctor;
mod embedded;
mod export;
mod first_admin;
mod folder;
mod free_space;
mod import;
mod listening;
mod migrate;
mod openapi;
mod operator;
mod probe;
mod process_config;
mod restore;
mod serve;
mod services;
mod settings;
mod shop;
mod sqlite_file;
mod stop_signals;
mod up;

use std::process::ExitCode;

use tikv_jemallocator::Jemalloc;

use cli::{Cli, Command};
use command_error::CommandError;

/// The system's allocator keeps three times the memory after a burst of orders (`docs/decisions/0008`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// Exit codes: 0 for success, 1 for a failure or a finding, 2 for wrong usage (set by clap).
fn main() -> ExitCode {
    souk_kit::install_crypto();
    let cli = Cli::read();
    prepare_process();
    if let Err(error) = souk_kit::environment::read_files() {
        complain!("souk: {error}");
        return ExitCode::FAILURE;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain!("souk: the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(cli.command));
    // Does not wait for blocking tasks, which may never end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandError::Finding) => ExitCode::FAILURE,
        Err(error @ CommandError::Failed(_)) => {
            complain!("souk: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Restricts new files to their owner, and raises the limit of open files and sockets to what the system allows.
fn prepare_process() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
    // Stores, mails and secrets are for the shop's operator alone, whatever umask the shell has.
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Shells start with a soft limit of 1,024 (256 on macOS); each connection of a customer takes two descriptors.
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        complain!("souk: the limit of open files stays at {:?}: {error}", limit.current);
    }
}

async fn run(command: Command) -> Result<(), CommandError> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Serve(args) => Box::pin(serve::run(args)).await,
        Command::Migrate(args) => migrate::run(args).await,
        Command::Import(args) => import::run(args).await,
        Command::Export(args) => export::run(args).await,
        Command::Audit(args) => audit::run(args).await,
        Command::Backup(args) => backup::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::DeadLetters(args) => dead_letters::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Config(args) => config_command::run(args).await,
        Command::Openapi(args) => openapi::run(&args),
        Command::Probe(args) => probe::run(args).await,
        Command::Completions(args) => command_line_pages::completions(&args),
        Command::Man(args) => command_line_pages::man(&args),
    }
}
