//! The tables of the SQL store.

/// A cart. `contents` is JSON: the columns beside it are those that queries over many carts need.
pub mod cart {
    use sea_orm::entity::prelude::*;
    use souk_sql::Json;

    use crate::cart::Contents;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "cart")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        pub version: i64,
        pub due_at: Option<i64>,
        pub active_items: i64,
        pub contents: Json<Contents>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A product that a user bought. `item` is JSON, as in a cart.
pub mod purchased_item {
    use sea_orm::entity::prelude::*;
    use souk_sql::Json;

    use crate::cart::Item;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "purchased_item")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub product_id: i64,
        pub cart_item_id: String,
        /// 0 when the time is unknown.
        pub bought_at: i64,
        pub item: Json<Item>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Progress of an order that took items from a cart.
pub mod known_order {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "known_order")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub order_id: i64,
        pub user_id: i64,
        pub version: i64,
        pub stage: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The copy of a product at its highest revision. Redis stores it as JSON, under a key that contains the product's id.
/// Prices are minor units of the shop's currency.
pub mod known_product {
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};
    use souk_values::{Currency, Id, Money, ProductId};

    use crate::product::{KnownProduct, ProductLink};

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Serialize, Deserialize)]
    #[sea_orm(table_name = "known_product")]
    #[serde(rename_all = "camelCase")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        #[serde(skip)]
        pub product_id: i64,
        pub name: String,
        pub price_minor: i64,
        pub stock: i64,
        pub hidden: bool,
        pub revision: i64,
        pub old_price_minor: i64,
        pub price_revision: i64,
        pub back_revision: i64,
        /// Absent in copies of earlier releases.
        #[serde(default)]
        pub slug: Option<String>,
        #[serde(default)]
        pub image_url: Option<String>,
    }

    impl From<&KnownProduct> for Model {
        fn from(known: &KnownProduct) -> Self {
            Self {
                product_id: known.product_id.get(),
                name: known.name.clone(),
                price_minor: known.price.minor,
                stock: known.stock,
                hidden: known.hidden,
                revision: known.revision,
                old_price_minor: known.old_price.minor,
                price_revision: known.price_revision,
                back_revision: known.back_revision,
                slug: known.link.as_ref().map(|link| link.slug.clone()),
                image_url: known.link.as_ref().and_then(|link| link.image_url.clone()),
            }
        }
    }

    impl Model {
        pub fn into_known(self, product_id: ProductId, currency: Currency) -> KnownProduct {
            KnownProduct {
                product_id,
                name: self.name,
                price: Money::new(self.price_minor, currency),
                stock: self.stock,
                hidden: self.hidden,
                link: self.slug.map(|slug| ProductLink { slug, image_url: self.image_url }),
                revision: self.revision,
                old_price: Money::new(self.old_price_minor, currency),
                price_revision: self.price_revision,
                back_revision: self.back_revision,
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A wish, with the revisions of its product up to which alerts were published.
pub mod wish {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "wish")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub product_id: i64,
        pub added_at: i64,
        pub told_back: i64,
        pub told_price: i64,
        /// Price of one unit when the wish was made; NULL in those of earlier releases.
        pub price_minor: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
