//! Tables as SeaORM sees them.

pub(crate) mod product {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "product")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub product_id: i64,
        pub sku: String,
        pub slug: String,
        pub name: String,
        pub name_key: String,
        pub description: String,
        pub price_minor: i64,
        pub category_id: i64,
        pub image_url: Option<String>,
        pub attributes: String,
        pub search_text: String,
        pub low_stock_at: i64,
        pub stock: i64,
        pub reserved: i64,
        pub sold: i64,
        pub hidden: bool,
        pub version: i64,
        pub revision: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub request_key: Option<String>,
        pub request_hash: Option<String>,
        /// 0 in a row of a release before groups.
        pub group_id: i64,
        pub group_position: i64,
        /// JSON array of names and values.
        pub options: Option<String>,
        pub compare_at_minor: Option<i64>,
        pub brand: Option<String>,
        /// JSON array of texts.
        pub tags: Option<String>,
        /// JSON array of pictures; NULL in a row of a release that kept one picture in `image_url`.
        pub pictures: Option<String>,
        /// Safe HTML.
        pub description_html: Option<String>,
        /// Identity of a product that an import made without a SKU.
        pub import_key: Option<String>,
        /// The SKU, NULL once the product is hidden: unique among the visible.
        pub visible_sku: Option<String>,
        /// The slug, NULL once the product is hidden.
        pub visible_slug: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod category {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "category")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub category_id: i64,
        pub parent_id: Option<i64>,
        pub slug: String,
        pub name: String,
        pub position: i64,
        pub request_key: Option<String>,
        pub request_hash: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The units that an order reserved.
pub(crate) mod reservation {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "reservation")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        pub state: String,
        pub order_version: i64,
        /// JSON object from product ids to units.
        pub order_lines: String,
        pub created_at: i64,
        pub updated_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The ledger: every move of units, at most one for each product, cause and kind.
pub(crate) mod stock_movement {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock_movement")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub product_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub cause: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        pub quantity: i64,
        pub order_id: Option<i64>,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// An admin's correction of stock.
pub(crate) mod stock_adjustment {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "stock_adjustment")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub adjustment_id: String,
        pub product_id: i64,
        pub delta: i64,
        pub reason: String,
        pub admin_id: i64,
        pub request_key: String,
        pub request_hash: String,
        pub created_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// How often products were sold in one order, both ways.
pub(crate) mod bought_together {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "bought_together")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub product_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub other_id: i64,
        pub orders: i64,
        pub last_at: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
