//! Stock of products: read under a lock, and moved.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr},
};
use souk_sql::{SqlError, Tx};
use souk_values::{Currency, Id, Money, ProductId};

use super::{
    entities::product::{Column, Entity},
    ledger::MovementKind,
    rows,
};
use crate::stock::StockItem;

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
    ReservedToSold,
    SoldToStock,
}

impl Transfer {
    pub(super) fn movement(self) -> MovementKind {
        match self {
            Self::StockToReserved => MovementKind::Reserve,
            Self::ReservedToStock => MovementKind::Release,
            Self::ReservedToSold => MovementKind::Sell,
            Self::SoldToStock => MovementKind::Return,
        }
    }
}

/// Sum of the transfers of one product in a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct UnitChange {
    stock: i64,
    reserved: i64,
    sold: i64,
    /// Revision after the last published change; `None` if none was published.
    pub revision: Option<i64>,
}

impl UnitChange {
    pub(super) fn add(&mut self, transfer: Transfer, quantity: i64) {
        let (from, to) = match transfer {
            Transfer::StockToReserved => (&mut self.stock, &mut self.reserved),
            Transfer::ReservedToStock => (&mut self.reserved, &mut self.stock),
            Transfer::ReservedToSold => (&mut self.reserved, &mut self.sold),
            Transfer::SoldToStock => (&mut self.sold, &mut self.stock),
        };
        *from -= quantity;
        *to += quantity;
    }
}

/// Locks products in the order of their ids, so that two transactions on the same products cannot deadlock. Unknown ones are
/// absent from the result.
pub(super) async fn lock(
    tx: &Tx,
    products: impl IntoIterator<Item = ProductId>,
    currency: Currency,
) -> Result<BTreeMap<ProductId, StockItem>, SqlError> {
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
        .filter(Column::ProductId.is_in(products.into_iter().map(Id::get)))
        .order_by_asc(Column::ProductId)
        .lock_exclusive()
        .into_model::<Row>()
        .all(tx)
        .await?;
    rows.into_iter().map(|row| read(row, currency).map(|item| (item.product_id, item))).collect()
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

/// Writes the changes of locked products in one statement.
///
/// The condition on `stock` repeats what was decided under the locks; if a row does not match, the transaction runs again.
pub(super) async fn apply(tx: &Tx, changes: &BTreeMap<ProductId, UnitChange>) -> Result<(), SqlError> {
    let changes: Vec<(ProductId, UnitChange)> = changes
        .iter()
        .filter(|(_, change)| **change != UnitChange::default())
        .map(|(product, change)| (*product, *change))
        .collect();
    if changes.is_empty() {
        return Ok(());
    }
    let mut update =
        Entity::update_many().filter(Column::ProductId.is_in(changes.iter().map(|(product, _)| product.get())));
    if let Some(stock) = sum(&changes, Column::Stock, |change| change.stock) {
        update = update.filter(stock.clone().gte(0_i64)).col_expr(Column::Stock, stock);
    }
    if let Some(reserved) = sum(&changes, Column::Reserved, |change| change.reserved) {
        update = update.col_expr(Column::Reserved, reserved);
    }
    if let Some(sold) = sum(&changes, Column::Sold, |change| change.sold) {
        update = update.col_expr(Column::Sold, sold);
    }
    if let Some(revisions) = by_product(&changes, |change| change.revision) {
        update = update.col_expr(Column::Revision, revisions.finally(Expr::col(Column::Revision)).into());
    }
    let matched = update.exec(tx).await?.rows_affected;
    if usize::try_from(matched).is_ok_and(|matched| matched == changes.len()) {
        Ok(())
    } else {
        Err(SqlError::Busy("a product was changed despite its lock".to_owned()))
    }
}

/// Returns `column` with the units added that `units` has for each product; `None` if it has none.
fn sum(changes: &[(ProductId, UnitChange)], column: Column, units: impl Fn(&UnitChange) -> i64) -> Option<Expr> {
    let added = by_product(changes, |change| Some(units(change)).filter(|units| *units != 0))?;
    Some(Expr::col(column).add(added.finally(0_i64)))
}

/// Returns the cases of the products that have a value; `None` if none has one.
fn by_product(
    changes: &[(ProductId, UnitChange)],
    value: impl Fn(&UnitChange) -> Option<i64>,
) -> Option<CaseStatement> {
    let mut values = changes.iter().filter_map(|(product, change)| Some((*product, value(change)?))).peekable();
    values.peek()?;
    Some(
        values
            .fold(CaseStatement::new(), |case, (product, value)| case.case(Column::ProductId.eq(product.get()), value)),
    )
}
