//! `souk openapi`: prints a service's OpenAPI document.

use crate::{cli::OpenapiArgs, command_error::CommandError};

pub fn run(args: &OpenapiArgs) -> Result<(), CommandError> {
    say!("{}", (args.service.openapi)().map_err(CommandError::failed)?);
    Ok(())
}
