//! SeaORM's entities of the order service's tables. They stay inside the store.

/// Orders. Lines and address are JSON in the same row: they never change and are always read with it.
pub(crate) mod shop_order {
    use sea_orm::entity::prelude::*;
    use souk_events::{OrderLine, RefusedLine, ShippingAddress};
    use souk_sql::Json;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "shop_order")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        pub user_id: i64,
        pub status: String,
        pub order_date: i64,
        pub total_minor: i64,
        pub currency: String,
        pub order_lines: Json<Vec<OrderLine>>,
        pub shipping_address: Json<ShippingAddress>,
        pub payment_terms: String,
        pub pay_by: Option<i64>,
        pub payment_id: Option<i64>,
        pub cancel_reason: Option<String>,
        pub refused_lines: Option<Json<Vec<RefusedLine>>>,
        pub confirmed_at: Option<i64>,
        pub paid_at: Option<i64>,
        pub shipped_at: Option<i64>,
        pub delivered_at: Option<i64>,
        pub cancelled_at: Option<i64>,
        pub refunded_at: Option<i64>,
        pub lapse_at: Option<i64>,
        pub lapse_attempts: i64,
        pub version: i64,
        pub idempotency_key: String,
        pub body_hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Cart lines of orders that are not cancelled.
pub(crate) mod ordered_cart_line {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ordered_cart_line")]
    #[expect(clippy::struct_field_names, reason = "the columns' names")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub cart_item_id: String,
        pub user_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Words of recipients' names, in lower case and without accents.
pub(crate) mod recipient_word {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "recipient_word")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub word: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Timelines, one row for each step.
pub(crate) mod order_step {
    use sea_orm::entity::prelude::*;

    use souk_sql::Json;

    use crate::order::StepDetail;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "order_step")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: i64,
        pub happened_at: i64,
        pub utc_day: i64,
        pub step: String,
        pub cause: String,
        pub amount_minor: i64,
        pub detail: Option<Json<StepDetail>>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
