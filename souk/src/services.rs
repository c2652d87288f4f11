//! The table of services: one row for each, made from its [`Service`] implementation. Commands go through the rows, so
//! that a new service is a new row and nothing else.

mod row;

use std::sync::LazyLock;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use souk_auth::Auth;
use souk_cart::Cart;
use souk_config_server::ConfigServer;
use souk_discovery::Discovery;
use souk_gateway::Gateway;
use souk_kit::{Service, config::Sources};
use souk_notification::Notification;
use souk_order::Order;
use souk_payment::{Payment, PaymentConfig};
use souk_product::Product;

use crate::folder::Folder;

use row::{MAX_UNPUBLISHED, StoreKey};
pub use row::{Role, Section, ServiceRow};

/// Every service, in the order in which their sections are read and their stores opened.
static ROWS: LazyLock<[ServiceRow; 9]> = LazyLock::new(|| {
    [
        ServiceRow::of::<Auth>(),
        ServiceRow::of::<Product>(),
        ServiceRow::of::<Order>(),
        ServiceRow::of::<Cart>().with_outbox(|url| Box::pin(souk_cart::audit::unpublished(url, MAX_UNPUBLISHED))),
        ServiceRow::of::<Payment>()
            .with_outbox(|url| Box::pin(souk_payment::audit::unpublished(url, MAX_UNPUBLISHED)))
            .with_store(StoreKey { key: "sandbox_ledger_url", file: "sandbox", is_used: uses_sandbox })
            .with_check(PaymentConfig::check),
        ServiceRow::of::<Notification>().with_folder_key("mailbox_dir", Folder::mailbox),
        ServiceRow::of::<Gateway>().in_role(Role::Gateway),
        ServiceRow::of::<Discovery>().in_role(Role::Platform),
        ServiceRow::of::<ConfigServer>().in_role(Role::Platform),
    ]
});

pub fn all() -> &'static [ServiceRow] {
    &*ROWS
}

pub fn with_store() -> impl Iterator<Item = &'static ServiceRow> {
    all().iter().filter(|service| !service.stores.is_empty())
}

pub fn in_role(role: Role) -> impl Iterator<Item = &'static ServiceRow> {
    all().iter().filter(move |service| service.role == role)
}

/// Parses the name of any service on the command line.
pub fn parser() -> impl TypedValueParser<Value = &'static ServiceRow> {
    parser_of(all().iter())
}

/// Parses the name of a service with a store on the command line.
pub fn parser_with_store() -> impl TypedValueParser<Value = &'static ServiceRow> {
    parser_of(with_store())
}

fn parser_of(rows: impl Iterator<Item = &'static ServiceRow>) -> impl TypedValueParser<Value = &'static ServiceRow> {
    let names = PossibleValuesParser::new(rows.map(|service| service.name));
    names.try_map(|name| all().iter().find(|service| service.name == name).ok_or("no such service"))
}

/// Returns the port of an embedded shop that is `standard` when the gateway has its standard port.
pub fn port_beside(gateway: u16, standard: u16) -> u16 {
    match standard.checked_sub(Gateway::PORT) {
        Some(above) => gateway.saturating_add(above),
        None => gateway.saturating_sub(Gateway::PORT - standard),
    }
}

/// True if the sandbox is configured: it takes new payments, or took some before.
pub fn uses_sandbox(sources: &Sources) -> bool {
    let takes_payments = sources.text(Payment::NAME, "provider").is_none_or(|provider| provider == "sandbox");
    takes_payments || sources.text(Payment::NAME, "sandbox_ledger_url").is_some_and(|url| !url.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_service_on_its_standard_port() {
        let ports: Vec<(&str, u16)> = all().iter().map(|service| (service.name, service.port)).collect();
        let expected = [
            ("auth", 8081),
            ("product", 8082),
            ("order", 8083),
            ("cart", 8084),
            ("payment", 8085),
            ("notification", 8086),
            ("gateway", 8080),
            ("discovery", 8761),
            ("config-server", 8888),
        ];
        assert_eq!(ports, expected);
        assert!(with_store().map(|service| service.name).eq(in_role(Role::Shop).map(|service| service.name)));
    }

    #[test]
    fn ports_move_with_the_gateways() {
        assert_eq!((port_beside(9080, 8084), port_beside(9080, 8761)), (9084, 9761));
        assert_eq!(
            (port_beside(64_000, 8888), port_beside(1_025, 8079), port_beside(1_025, 8081)),
            (64_808, 1_024, 1_026)
        );
    }
}
