//! Entities and migration of the sandbox's ledger.

use sea_orm::DbBackend;
use sea_orm_migration::{prelude::*, schema};
use souk_sql::{NewTable, create_tables};

/// One row for each `paymentId` that was charged, declined or closed.
pub mod sandbox_charge {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sandbox_charge")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: i64,
        pub standing: String,
        pub amount_minor: i64,
        pub currency: String,
        pub settled_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// One row for each refund that was returned.
pub mod sandbox_refund {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "sandbox_refund")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub refund_id: i64,
        pub payment_id: i64,
        pub amount_minor: i64,
        pub currency: String,
        pub returned_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Debug)]
pub struct LedgerMigrations;

impl MigratorTrait for LedgerMigrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![create_tables("sandbox_m0001_init", tables)]
    }
}

fn tables(_: DbBackend) -> Vec<NewTable> {
    let charges = Table::create()
        .table("sandbox_charge")
        .col(schema::big_integer("payment_id").primary_key())
        .col(schema::string_len("standing", 32))
        .col(schema::big_integer("amount_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::big_integer("settled_at"))
        .take();
    let refunds = Table::create()
        .table("sandbox_refund")
        .col(schema::big_integer("refund_id").primary_key())
        .col(schema::big_integer("payment_id"))
        .col(schema::big_integer("amount_minor"))
        .col(schema::string_len("currency", 3))
        .col(schema::big_integer("returned_at"))
        .take();
    vec![NewTable::new(charges), NewTable::new(refunds).index("ix_sandbox_refund_payment", &["payment_id"])]
}
