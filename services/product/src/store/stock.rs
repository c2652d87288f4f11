//! Stock of products: read under a lock, and moved.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use souk_sql::{SqlError, Tx};
use souk_values::{Currency, Id, Money, ProductId};

use super::{
    entities::product::{Column, Entity},
    rows,
};
use crate::{reservation::StockMove, stock::StockItem};

#[derive(Debug, FromQueryResult)]
struct Row {
    product_id: i64,
    sku: String,
    slug: String,
    image_url: Option<String>,
    name: String,
    price_minor: i64,
    stock: i64,
    low_stock_at: i64,
    hidden: bool,
    revision: i64,
}

/// Source and target of moved units, which are columns of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    StockToReserved,
    ReservedToStock,
    SoldToStock,
}

/// Locks products in the order of their ids, so that two orders for the same products cannot deadlock.
pub(super) async fn lock(
    tx: &Tx,
    lines: &BTreeMap<ProductId, i64>,
    currency: Currency,
) -> Result<Vec<StockItem>, SqlError> {
    let columns = [
        Column::ProductId,
        Column::Sku,
        Column::Slug,
        Column::ImageUrl,
        Column::Name,
        Column::PriceMinor,
        Column::Stock,
        Column::LowStockAt,
        Column::Hidden,
        Column::Revision,
    ];
    let rows = Entity::find()
        .select_only()
        .columns(columns)
        .filter(Column::ProductId.is_in(lines.keys().map(|id| id.get())))
        .order_by_asc(Column::ProductId)
        .lock_exclusive()
        .into_model::<Row>()
        .all(tx)
        .await?;
    rows.into_iter().map(|row| read(row, currency)).collect()
}

fn read(row: Row, currency: Currency) -> Result<StockItem, SqlError> {
    Ok(StockItem {
        product_id: rows::id(row.product_id)?,
        sku: row.sku,
        slug: row.slug,
        image_url: row.image_url,
        name: row.name,
        price: Money::new(row.price_minor, currency),
        stock: row.stock,
        low_stock_at: row.low_stock_at,
        hidden: row.hidden,
        revision: row.revision,
    })
}

/// Moves units of locked products.
///
/// The condition on `stock` repeats what was decided under the lock; if a row does not match, the transaction runs again.
pub(super) async fn apply(tx: &Tx, moves: &[StockMove], transfer: Transfer) -> Result<(), SqlError> {
    for StockMove { item, quantity, is_published } in moves {
        let mut update = Entity::update_many().filter(Column::ProductId.eq(item.product_id.get()));
        update = match transfer {
            Transfer::StockToReserved => update
                .col_expr(Column::Stock, Expr::col(Column::Stock).sub(*quantity))
                .col_expr(Column::Reserved, Expr::col(Column::Reserved).add(*quantity))
                .filter(Column::Stock.gte(*quantity)),
            Transfer::ReservedToStock => update
                .col_expr(Column::Stock, Expr::col(Column::Stock).add(*quantity))
                .col_expr(Column::Reserved, Expr::col(Column::Reserved).sub(*quantity)),
            Transfer::SoldToStock => update
                .col_expr(Column::Stock, Expr::col(Column::Stock).add(*quantity))
                .col_expr(Column::Sold, Expr::col(Column::Sold).sub(*quantity)),
        };
        if *is_published {
            update = update.col_expr(Column::Revision, Expr::value(item.revision));
        }
        if update.exec(tx).await?.rows_affected != 1 {
            return Err(SqlError::Busy("a product was changed despite its lock".to_owned()));
        }
    }
    Ok(())
}

/// Moves reserved units to the sold ones.
pub(super) async fn sell(tx: &Tx, lines: &BTreeMap<ProductId, i64>) -> Result<(), SqlError> {
    for (product_id, quantity) in lines {
        Entity::update_many()
            .filter(Column::ProductId.eq(product_id.get()))
            .col_expr(Column::Reserved, Expr::col(Column::Reserved).sub(*quantity))
            .col_expr(Column::Sold, Expr::col(Column::Sold).add(*quantity))
            .exec(tx)
            .await?;
    }
    Ok(())
}
