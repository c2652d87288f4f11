//! Reading of the whole catalogue by groups, in parts.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_values::Id;

use super::{
    ProductStore, StoreError,
    entities::product::{Column, Entity},
    rows::{self, ProductRow},
};
use crate::{export::Columns, product::CatalogueProduct};

/// Products that are read at a time; a group is read as a whole.
const PART: u64 = 500;

impl ProductStore {
    /// Returns the columns that the visible products require.
    pub(crate) async fn export_columns(&self) -> Result<Columns, StoreError> {
        let mut columns = Columns::default();
        let mut after = i64::MIN;
        loop {
            let query = rows::select_products().filter(rows::is_visible(true)).filter(Column::ProductId.gt(after));
            let query = query.order_by_asc(Column::ProductId).limit(PART).into_model::<ProductRow>();
            let rows = query.all(self.db.reader()).await?;
            if rows.is_empty() {
                return Ok(columns);
            }
            for row in rows {
                let product = rows::read_product(row, self.currency)?;
                after = product.product_id.get();
                columns.add(&product.details);
            }
        }
    }

    /// Returns the visible products of the next groups after the group `after`, group by group in the order of their
    /// variants, and the last group's id; `None` after the last one.
    pub(crate) async fn export_groups(&self, after: i64) -> Result<Option<(Vec<CatalogueProduct>, i64)>, StoreError> {
        let ids: Vec<i64> = Entity::find()
            .select_only()
            .column(Column::GroupId)
            .filter(rows::is_visible(true))
            .filter(Column::GroupId.gt(after))
            .order_by_asc(Column::GroupId)
            .limit(PART)
            .into_tuple()
            .all(self.db.reader())
            .await?;
        let Some(last) = ids.last().copied() else { return Ok(None) };
        let rows = rows::select_products()
            .filter(rows::is_visible(true))
            .filter(Column::GroupId.gt(after))
            .filter(Column::GroupId.lte(last))
            .order_by_asc(Column::GroupId)
            .order_by_asc(Column::GroupPosition)
            .order_by_asc(Column::ProductId)
            .into_model::<ProductRow>()
            .all(self.db.reader())
            .await?;
        let products = rows.into_iter().map(|row| rows::read_product(row, self.currency));
        Ok(Some((products.collect::<Result<_, _>>()?, last)))
    }
}
