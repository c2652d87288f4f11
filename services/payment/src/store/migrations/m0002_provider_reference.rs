//! What the provider calls a payment.

use sea_orm_migration::{prelude::*, schema};
use souk_sql::create_table;

pub struct ProviderReference;

impl MigrationName for ProviderReference {
    fn name(&self) -> &'static str {
        "payment_m0002_provider_reference"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for ProviderReference {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("provider_reference")
            .col(schema::big_integer("payment_id").primary_key())
            .col(schema::string_len("reference", 255))
            .col(schema::big_integer("noted_at"))
            .take();
        create_table(manager, table, []).await
    }
}
