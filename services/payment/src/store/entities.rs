//! SeaORM entities of the tables. They stay inside the store.

/// Payment's copy of an order; its `row_version` is the optimistic lock of the order's payments and refunds.
pub mod known_order {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "known_order")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        pub user_id: i64,
        pub amount_minor: i64,
        pub currency: String,
        pub terms: String,
        pub state: String,
        pub pay_by: Option<i64>,
        pub version: i64,
        pub row_version: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// An attempt to pay. `active_order_id` is the order's id unless the attempt failed; its unique index gives an order one
/// claim at most. The column `next_ask_at` is not here: see `schedule`.
pub mod payment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "payment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: i64,
        pub order_id: i64,
        pub active_order_id: Option<i64>,
        pub user_id: i64,
        pub amount_minor: i64,
        pub currency: String,
        pub status: String,
        pub failure_code: Option<String>,
        pub claimed_at: i64,
        pub claimed_day: i64,
        pub captured_at: Option<i64>,
        pub version: i64,
        pub key_hash: String,
        pub body_hash: String,
        pub provider: Option<String>,
        pub provider_account: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A refund; `asked_by` is the admin, `NULL` for an automatic one. The column `next_ask_at` is not here: see `schedule`.
pub mod payment_refund {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "payment_refund")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub refund_id: i64,
        pub payment_id: i64,
        pub order_id: i64,
        pub amount_minor: i64,
        pub currency: String,
        pub status: String,
        pub due_at: i64,
        pub settled_at: Option<i64>,
        pub settled_day: Option<i64>,
        pub asked_by: Option<i64>,
        pub key_hash: Option<String>,
        pub body_hash: Option<String>,
        pub attempt: i64,
        pub answered_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod provider_reference {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "provider_reference")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub payment_id: i64,
        pub reference: String,
        pub noted_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
