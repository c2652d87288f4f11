//! The copies of products, each a row at its highest revision.

use std::collections::HashMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter};
use souk_sql::{SqlError, Tx};
use souk_values::{Currency, Id, ProductId};

use super::{SqlCartStore, damaged, insert_error, lost_race};
use crate::{
    product::{KnownProduct, ProductUpdate},
    store::{
        KnownProducts, StoreError,
        entities::known_product::{Column, Entity, Model},
    },
};

#[async_trait::async_trait]
impl KnownProducts for SqlCartStore {
    async fn known_products(&self, products: &[ProductId]) -> Result<HashMap<ProductId, KnownProduct>, StoreError> {
        if products.is_empty() {
            return Ok(HashMap::new());
        }
        let ids = products.iter().map(|product| product.get());
        let rows = Entity::find().filter(Column::ProductId.is_in(ids)).all(&self.db.lookup()).await?;
        let known = rows.into_iter().map(|row| known(row, self.currency).map(|known| (known.product_id, known)));
        Ok(known.collect::<Result<_, SqlError>>()?)
    }

    async fn update_product(&self, update: ProductUpdate) -> Result<(KnownProduct, bool), StoreError> {
        let args = (update, self.currency);
        self.db.write(args, |tx, (product, currency)| Box::pin(update_row(tx, product, *currency))).await
    }
}

async fn update_row(tx: &Tx, update: &ProductUpdate, currency: Currency) -> Result<(KnownProduct, bool), StoreError> {
    let Some(row) = Entity::find_by_id(update.product_id.get()).one(tx).await? else {
        let first = KnownProduct::first(update);
        let inserted = Entity::insert(Model::from(&first).into_active_model()).exec_without_returning(tx).await;
        inserted.map_err(|error| insert_error(error, "product"))?;
        return Ok((first, true));
    };
    let before = known(row, currency)?;
    let after = before.after(update);
    if after == before {
        return Ok((after, false));
    }
    let is_unchanged = Condition::all()
        .add(Column::ProductId.eq(before.product_id.get()))
        .add(Column::Revision.eq(before.revision))
        .add(Column::BackRevision.eq(before.back_revision));
    let row = Model::from(&after).into_active_model().reset_all();
    let saved = Entity::update_many().set(row).filter(is_unchanged).exec(tx).await?.rows_affected;
    if saved == 1 { Ok((after, true)) } else { Err(lost_race("product")) }
}

fn known(row: Model, currency: Currency) -> Result<KnownProduct, SqlError> {
    let product_id = ProductId::new(row.product_id).map_err(|_| damaged("product id", row.product_id))?;
    Ok(row.into_known(product_id, currency))
}
