//! Corrections of stock by admins.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_bus::outbox;
use souk_sql::{SqlError, Tx};
use souk_values::{Id, ProductId, UserId};

use super::{
    ProductStore, RequestKey, StoreError, TxContext,
    entities::{product, stock_adjustment},
    ledger::{self, MovementKind},
    products,
};
use crate::{
    product::CatalogueProduct,
    stock::{OutOfRange, PublishPolicy},
};

#[derive(Debug, Clone)]
pub(crate) struct Adjustment {
    pub product_id: ProductId,
    /// Units to add; negative to remove.
    pub delta: i64,
    pub reason: String,
    pub admin: UserId,
    pub request: RequestKey,
}

impl ProductStore {
    /// Changes a product's stock, once for a key, and returns the product. A repeated key returns its current state.
    pub(crate) async fn adjust(&self, adjustment: Adjustment) -> Result<CatalogueProduct, StoreError> {
        if let Some(product) = self.adjusted_before(&adjustment).await? {
            return Ok(product);
        }
        let args = (adjustment.clone(), self.ids.uuid().to_string(), self.tx_context());
        let outcome =
            self.db.write(args, |tx, (adjustment, id, context)| Box::pin(adjust(tx, adjustment, id, context))).await;
        match outcome {
            // A concurrent request with the same key has won.
            Err(StoreError::Sql(error @ SqlError::Unique(_))) => {
                self.adjusted_before(&adjustment).await?.ok_or(StoreError::Sql(error))
            }
            outcome => outcome,
        }
    }

    async fn adjusted_before(&self, adjustment: &Adjustment) -> Result<Option<CatalogueProduct>, StoreError> {
        let row = stock_adjustment::Entity::find()
            .filter(stock_adjustment::Column::RequestKey.eq(&adjustment.request.key))
            .one(self.db.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        adjustment.request.must_match(Some(&row.request_hash))?;
        if row.product_id != adjustment.product_id.get() {
            return Err(StoreError::KeyReused);
        }
        products::find_any(self.db.reader(), adjustment.product_id, self.currency).await
    }
}

async fn adjust(
    tx: &Tx,
    adjustment: &Adjustment,
    id: &str,
    context: &TxContext,
) -> Result<CatalogueProduct, StoreError> {
    context.touched.edited(adjustment.product_id, context.by);
    let product = products::lock(tx, adjustment.product_id, context.currency).await?;
    let (item, events) = product
        .stock_item()
        .moved(adjustment.delta, PublishPolicy::Always)
        .map_err(|OutOfRange| StoreError::StockOutOfRange(product.stock))?;
    product::Entity::update_many()
        .filter(product::Column::ProductId.eq(item.product_id.get()))
        .col_expr(product::Column::Stock, Expr::value(item.stock))
        .col_expr(product::Column::Revision, Expr::value(item.revision))
        .exec(tx)
        .await?;
    let row = stock_adjustment::ActiveModel {
        adjustment_id: Set(id.to_owned()),
        product_id: Set(adjustment.product_id.get()),
        delta: Set(adjustment.delta),
        reason: Set(adjustment.reason.clone()),
        admin_id: Set(adjustment.admin.get()),
        request_key: Set(adjustment.request.key.clone()),
        request_hash: Set(adjustment.request.body_hash.clone()),
        created_at: Set(context.now.millis()),
    };
    stock_adjustment::Entity::insert(row).exec_without_returning(tx).await?;
    let entry = ledger::Entry { kind: MovementKind::Adjustment, cause: id, order_id: None, at: context.now };
    ledger::write(tx, &entry, [(item.product_id, adjustment.delta)]).await?;
    outbox::add(tx, &context.stamp(&events)?).await?;
    Ok(CatalogueProduct { stock: item.stock, revision: item.revision, ..product })
}
