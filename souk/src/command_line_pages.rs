//! `souk completions` and `souk man`: what shells and `man` show of the command line, made from its definition.

use std::{
    io::{ErrorKind, Write as _},
    path::Path,
};

use clap::CommandFactory as _;

use crate::{
    cli::{Cli, CompletionsArgs, ManArgs},
    command_error::CommandError,
};

pub fn completions(args: &CompletionsArgs) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "souk", &mut script);
    print(&script)
}

pub fn man(args: &ManArgs) -> Result<(), CommandError> {
    if let Some(folder) = &args.dir {
        return write_pages(folder);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(CommandError::failed)?;
    print(&page)
}

fn write_pages(folder: &Path) -> Result<(), CommandError> {
    let failed = |error| CommandError::failed(format!("{} cannot be written to: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command().disable_help_subcommand(true), folder).map_err(failed)
}

/// Writes bytes to the standard output. A reader that ended, such as `head`, is no failure.
fn print(bytes: &[u8]) -> Result<(), CommandError> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandError::failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_has_completions_with_commands_and_services() {
        for shell in clap_complete::Shell::value_variants() {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "souk", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("dead-letters") && script.contains("data"), "{shell}");
        }
        let mut script = Vec::new();
        clap_complete::generate(clap_complete::Shell::Bash, &mut Cli::command(), "souk", &mut script);
        assert!(String::from_utf8(script).unwrap().contains("config-server"));
    }

    #[test]
    fn each_command_has_a_manual_page() {
        let folder = tempfile::tempdir().unwrap();
        write_pages(folder.path()).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page("souk.1").contains("souk\\-backup(1)") && page("souk-backup.1").contains("back\\-up"));
        for command in Cli::command().get_subcommands() {
            assert!(page(&format!("souk-{}.1", command.get_name())).starts_with(".ie"), "{}", command.get_name());
        }
    }
}
