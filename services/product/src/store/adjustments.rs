//! An admin's corrections of stock.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set, sea_query::Expr};
use souk_bus::outbox;
use souk_sql::{SqlError, Tx};
use souk_values::{Id, ProductId, UserId};

use super::{
    ProductStore, RequestKey, StoreError, Telling,
    entities::{product, stock_adjustment},
    ledger::{self, Kind},
    products,
};
use crate::{product::Product, shelf};

/// A correction.
#[derive(Debug, Clone)]
pub struct Adjustment {
    /// Of which product.
    pub product_id: ProductId,
    /// How many more, or fewer below zero.
    pub delta: i64,
    /// Why, for people.
    pub reason: String,
    /// Who.
    pub admin: UserId,
    /// The promise that this is said once.
    pub request: RequestKey,
}

impl ProductStore {
    /// Changes a product's stock. Answers the product as it then is; with a key that was used before,
    /// as it now is.
    pub(crate) async fn adjust(&self, adjustment: Adjustment) -> Result<Product, StoreError> {
        if let Some(product) = self.adjusted_before(&adjustment).await? {
            return Ok(product);
        }
        let args = (adjustment.clone(), self.ids.uuid().to_string(), self.telling());
        let outcome =
            self.db.write(args, |tx, (adjustment, id, telling)| Box::pin(adjust(tx, adjustment, id, telling))).await;
        match outcome {
            Err(StoreError::Sql(error @ SqlError::Unique(_))) => {
                self.adjusted_before(&adjustment).await?.ok_or(StoreError::Sql(error))
            }
            outcome => outcome,
        }
    }

    async fn adjusted_before(&self, adjustment: &Adjustment) -> Result<Option<Product>, StoreError> {
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

async fn adjust(tx: &Tx, adjustment: &Adjustment, id: &str, telling: &Telling) -> Result<Product, StoreError> {
    let product = products::lock(tx, adjustment.product_id, telling.currency).await?;
    let (shelf, news) = product
        .shelf()
        .moved(adjustment.delta, shelf::Telling::Always)
        .map_err(|shelf::OutOfRange| StoreError::StockOutOfRange(product.stock))?;
    product::Entity::update_many()
        .filter(product::Column::ProductId.eq(shelf.product_id.get()))
        .col_expr(product::Column::Stock, Expr::value(shelf.stock))
        .col_expr(product::Column::Revision, Expr::value(shelf.revision))
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
        created_at: Set(telling.now.millis()),
    };
    stock_adjustment::Entity::insert(row).exec_without_returning(tx).await?;
    let entry = ledger::Entry { kind: Kind::Adjustment, cause: id, order_id: None, at: telling.now };
    ledger::write(tx, &entry, [(shelf.product_id, adjustment.delta)]).await?;
    outbox::add(tx, &telling.stamp(&news)?).await?;
    Ok(Product { stock: shelf.stock, revision: shelf.revision, ..product })
}
