//! `souk config`: shows the configuration of a service, and converts `{cipher}` values.

mod ciphering;
mod rows;
mod show;
mod table;

use crate::{
    cli::{ConfigArgs, ConfigCommand},
    command_error::CommandError,
};

pub async fn run(args: ConfigArgs) -> Result<(), CommandError> {
    match args.command {
        ConfigCommand::Show(args) => show::run(&args).await,
        ConfigCommand::Encrypt(args) => ciphering::run(&args, ciphering::encrypted),
        ConfigCommand::Decrypt(args) => ciphering::run(&args, ciphering::decrypted),
    }
}
