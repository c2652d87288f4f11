//! `souk openapi SERVICE`.

use crate::{CommandError, cli::OpenapiArgs};

/// Prints the document.
pub fn run(args: &OpenapiArgs) -> Result<(), CommandError> {
    let document = match args.service.as_str() {
        "auth" => souk_auth::openapi(),
        "product" => souk_product::openapi(),
        "order" => souk_order::openapi(),
        "cart" => souk_cart::openapi(),
        "payment" => souk_payment::openapi(),
        "notification" => souk_notification::openapi(),
        "discovery" => souk_discovery::openapi(),
        "config-server" => souk_config_server::openapi(),
        "gateway" => souk_gateway::openapi(),
        other => return Err(CommandError::failed(format!("there is no service {other}"))),
    };
    println!("{}", document.to_pretty_json().map_err(CommandError::failed)?);
    Ok(())
}
