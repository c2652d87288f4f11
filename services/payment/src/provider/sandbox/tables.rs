//! The tables of the sandbox's ledger.

use sea_orm_migration::{prelude::*, schema};

/// One row for each key that was charged, declined or closed.
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

/// One row for each return of money.
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

/// Makes them.
#[derive(Debug)]
pub struct LedgerMigrations;

impl MigratorTrait for LedgerMigrations {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Init)]
    }
}

struct Init;

impl MigrationName for Init {
    fn name(&self) -> &'static str {
        "sandbox_m0001_init"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Init {
    /// Whole or not at all: a process killed half-way finds nothing done.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let charges = Table::create()
            .table("sandbox_charge")
            .col(schema::big_integer("payment_id").primary_key())
            .col(schema::string_len("standing", 32))
            .col(schema::big_integer("amount_minor"))
            .col(schema::string_len("currency", 3))
            .col(schema::big_integer("settled_at"))
            .take();
        manager.create_table(charges).await?;
        let refunds = Table::create()
            .table("sandbox_refund")
            .col(schema::big_integer("refund_id").primary_key())
            .col(schema::big_integer("payment_id"))
            .col(schema::big_integer("amount_minor"))
            .col(schema::string_len("currency", 3))
            .col(schema::big_integer("returned_at"))
            .take();
        manager.create_table(refunds).await?;
        let by_payment =
            Index::create().name("ix_sandbox_refund_payment").table("sandbox_refund").col("payment_id").take();
        manager.create_index(by_payment).await
    }
}
