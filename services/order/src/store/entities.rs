//! The order service's tables as SeaORM sees them. They stay inside the store.

/// Orders, with what belongs to them for ever (lines, address) in the same row: always read and
/// told as a whole.
pub mod shop_order {
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    /// The lines of an order.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Lines(pub Vec<souk_events::OrderLine>);

    /// Where it goes.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Address(pub souk_events::ShippingAddress);

    /// The lines that could not be had.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Refused(pub Vec<souk_events::RefusedLine>);

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shop_order")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        pub user_id: i64,
        pub status: String,
        pub order_date: i64,
        pub total_minor: i64,
        pub currency: String,
        pub order_lines: Lines,
        pub shipping_address: Address,
        pub payment_terms: String,
        pub pay_by: Option<i64>,
        pub payment_id: Option<i64>,
        pub cancel_reason: Option<String>,
        pub refused_lines: Option<Refused>,
        pub confirmed_at: Option<i64>,
        pub paid_at: Option<i64>,
        pub shipped_at: Option<i64>,
        pub delivered_at: Option<i64>,
        pub cancelled_at: Option<i64>,
        pub refunded_at: Option<i64>,
        pub lapse_at: Option<i64>,
        pub version: i64,
        pub idempotency_key: String,
        pub body_hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The timelines: one row a step.
pub mod order_step {
    use sea_orm::entity::prelude::*;

    use crate::order::Detail;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_step")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub happened_at: i64,
        pub utc_day: i64,
        pub step: String,
        pub cause: String,
        pub amount_minor: i64,
        pub detail: Option<Detail>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
