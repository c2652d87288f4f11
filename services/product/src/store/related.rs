//! Products that go with a product: bought together with it, counted from orders, and of the same category.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set,
    sea_query::{CaseStatement, Expr, OnConflict},
};
use souk_sql::{SqlError, Tx};
use souk_values::{Id, ProductId, Timestamp};

use super::{
    ProductStore, StoreError,
    entities::{bought_together, product},
    rows::{self, ProductRow},
};
use crate::product::CatalogueProduct;

/// Products of one order that are counted as pairs: with more, their number would grow with the square.
const MAX_COUNTED: usize = 10;
/// Products remembered for each product; those that were bought with it least often are forgotten.
const MAX_REMEMBERED: u64 = 50;
/// Products whose companions are trimmed in one run.
const TRIMMED_AT_ONCE: u64 = 100;

impl ProductStore {
    /// Returns at most `count` visible products that go with `product`, one of each group: first those bought together with
    /// it or its variants, most often first and of equals the last one, then the best sold of its category and those below,
    /// in stock before not.
    pub(crate) async fn related(
        &self,
        product: &CatalogueProduct,
        count: usize,
    ) -> Result<Vec<CatalogueProduct>, StoreError> {
        let companions = self.companions(product.group_id()).await?;
        let mut found = self.products(&companions).await?;
        found.extend(self.of_category(product).await?);
        let mut groups = BTreeSet::from([product.group_id()]);
        found.retain(|other| groups.insert(other.group_id()));
        found.truncate(count);
        Ok(found)
    }

    /// Returns the products that were bought together with one of a group, most often first and of equals the last one.
    pub(crate) async fn companions(&self, group_id: ProductId) -> Result<Vec<ProductId>, StoreError> {
        use bought_together::{Column, Entity};
        let variants = product::Entity::find()
            .select_only()
            .column(product::Column::ProductId)
            .filter(product::Column::GroupId.eq(group_id.get()))
            .into_query();
        let ids: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::OtherId)
            .filter(Column::ProductId.in_subquery(variants))
            .group_by(Column::OtherId)
            .order_by_desc(Column::Orders.sum())
            .order_by_desc(Column::LastAt.max())
            .order_by_asc(Column::OtherId)
            .limit(MAX_REMEMBERED)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        Ok(ids.into_iter().map(rows::id).collect::<Result<Vec<ProductId>, SqlError>>()?)
    }

    /// Returns the visible products of `ids`, in that order.
    pub(crate) async fn products(&self, ids: &[ProductId]) -> Result<Vec<CatalogueProduct>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let found = rows::select_products()
            .filter(product::Column::ProductId.is_in(ids.iter().map(|id| id.get())))
            .filter(rows::is_visible(true))
            .into_model::<ProductRow>()
            .all(self.db.reader())
            .await?;
        let mut found = found
            .into_iter()
            .map(|row| rows::read_product(row, self.currency))
            .collect::<Result<Vec<CatalogueProduct>, StoreError>>()?;
        found.sort_by_key(|product| ids.iter().position(|id| *id == product.product_id));
        Ok(found)
    }

    async fn of_category(&self, product: &CatalogueProduct) -> Result<Vec<CatalogueProduct>, StoreError> {
        use product::Column;
        let inside = self.categories().await?.with_descendants(product.details.category_id);
        let in_stock_first: Expr = CaseStatement::new().case(Expr::col(Column::Stock).gt(0), 0).finally(1).into();
        let found = rows::select_products()
            .filter(Column::CategoryId.is_in(inside.into_iter().map(Id::get)))
            .filter(Column::Hidden.eq(false))
            .order_by_asc(in_stock_first)
            .order_by_desc(Column::Sold)
            .order_by_desc(Column::ProductId)
            .limit(MAX_REMEMBERED)
            .into_model::<ProductRow>()
            .all(self.db.reader())
            .await?;
        found.into_iter().map(|row| rows::read_product(row, self.currency)).collect()
    }

    /// Forgets the companions of products that have too many, and returns their number. Errors: the store's.
    pub async fn trim_bought_together(&self) -> Result<u64, StoreError> {
        use bought_together::{Column, Entity};
        let crowded: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::ProductId)
            .group_by(Column::ProductId)
            .having(Column::OtherId.count().gt(i64::try_from(MAX_REMEMBERED).unwrap_or(i64::MAX)))
            .limit(TRIMMED_AT_ONCE)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let mut trimmed = 0;
        for product_id in crowded {
            let others: Vec<i64> = Entity::find()
                .select_only()
                .column(Column::OtherId)
                .filter(Column::ProductId.eq(product_id))
                .order_by_desc(Column::Orders)
                .order_by_desc(Column::LastAt)
                .order_by_asc(Column::OtherId)
                .into_tuple()
                .all(self.db.reader())
                .await?;
            let kept = usize::try_from(MAX_REMEMBERED).unwrap_or(usize::MAX);
            let forgotten: Vec<i64> = others.into_iter().skip(kept).collect();
            let trimming = self.db.write((product_id, forgotten), |tx, (product_id, forgotten)| {
                Box::pin(async move {
                    let deleted = Entity::delete_many()
                        .filter(Column::ProductId.eq(*product_id))
                        .filter(Column::OtherId.is_in(forgotten.iter().copied()))
                        .exec(tx)
                        .await?;
                    Ok::<_, StoreError>(deleted.rows_affected)
                })
            });
            trimmed += trimming.await?;
        }
        Ok(trimmed)
    }
}

/// Counts the products of each of the sold `orders` as bought together.
pub(super) async fn count(tx: &Tx, orders: &[Vec<ProductId>], now: Timestamp) -> Result<(), SqlError> {
    let mut counts = BTreeMap::<(i64, i64), i64>::new();
    for products in orders {
        let products: Vec<i64> = products.iter().take(MAX_COUNTED).map(|product| product.get()).collect();
        let pairs = products.iter().flat_map(|one| products.iter().map(move |other| (*one, *other)));
        for pair in pairs.filter(|(one, other)| one != other) {
            *counts.entry(pair).or_default() += 1;
        }
    }
    // All in the order of the key, as other transactions write it, so that they do not wait for each other in a circle. Only
    // then pairs of several orders once more: the engines do not agree on how an upsert adds a value of its own row.
    add_orders(tx, counts.keys().copied(), 1, now).await?;
    let mut repeated = BTreeMap::<i64, Vec<(i64, i64)>>::new();
    for (pair, orders) in counts.into_iter().filter(|(_, orders)| *orders > 1) {
        repeated.entry(orders - 1).or_default().push(pair);
    }
    for (orders, pairs) in repeated {
        add_orders(tx, pairs, orders, now).await?;
    }
    Ok(())
}

/// Adds `orders` to the counts of different pairs.
async fn add_orders(
    tx: &Tx,
    pairs: impl IntoIterator<Item = (i64, i64)>,
    orders: i64,
    now: Timestamp,
) -> Result<(), SqlError> {
    use bought_together::{ActiveModel, Column, Entity};
    let rows: Vec<ActiveModel> = pairs
        .into_iter()
        .map(|(product_id, other_id)| ActiveModel {
            product_id: Set(product_id),
            other_id: Set(other_id),
            orders: Set(orders),
            last_at: Set(now.millis()),
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let counted = OnConflict::columns([Column::ProductId, Column::OtherId])
        .value(Column::Orders, Expr::col((Entity, Column::Orders)).add(orders))
        .value(Column::LastAt, now.millis())
        .to_owned();
    Entity::insert_many(rows).on_conflict(counted).exec_without_returning(tx).await?;
    Ok(())
}
