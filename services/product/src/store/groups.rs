//! Groups of variants: read for pages, joined and split by admins.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use souk_sql::Tx;
use souk_values::{Id, Money, ProductId};

use super::{
    ProductStore, StoreError, TxContext,
    entities::product::{Column, Entity},
    products,
    rows::{self, ProductRow},
};
use crate::{
    group::{GroupChange, GroupFacts, Variant, have_same_options, next_position, successor},
    product::{CatalogueProduct, ProductEdit},
};

#[derive(Debug, FromQueryResult)]
struct VariantRow {
    product_id: i64,
    slug: String,
    options: Option<String>,
    price_minor: i64,
    stock: i64,
    image_url: Option<String>,
}

#[derive(Debug, FromQueryResult)]
struct FactsRow {
    group_id: i64,
    lowest: i64,
    highest: i64,
    variants: i64,
}

impl ProductStore {
    /// Returns the visible products of a group in their order.
    pub(crate) async fn variants(&self, group_id: ProductId) -> Result<Vec<Variant>, StoreError> {
        let found = Entity::find()
            .select_only()
            .columns([
                Column::ProductId,
                Column::Slug,
                Column::Options,
                Column::PriceMinor,
                Column::Stock,
                Column::ImageUrl,
            ])
            .filter(Column::GroupId.eq(group_id.get()))
            .filter(rows::is_visible(true))
            .order_by_asc(Column::GroupPosition)
            .order_by_asc(Column::ProductId)
            .into_model::<VariantRow>()
            .all(self.db.reader())
            .await?;
        found
            .into_iter()
            .map(|row| {
                Ok(Variant {
                    product_id: rows::id(row.product_id)?,
                    slug: row.slug,
                    options: rows::list("option", row.options.as_deref())?,
                    price: Money::new(row.price_minor, self.currency),
                    stock: row.stock,
                    image_url: row.image_url,
                })
            })
            .collect()
    }

    /// Returns what the variants of each group have in common, of the visible products or of the hidden ones.
    pub(super) async fn group_facts(
        &self,
        groups: impl IntoIterator<Item = ProductId>,
        hidden: bool,
    ) -> Result<BTreeMap<ProductId, GroupFacts>, StoreError> {
        let found = Entity::find()
            .select_only()
            .column(Column::GroupId)
            .column_as(Column::PriceMinor.min(), "lowest")
            .column_as(Column::PriceMinor.max(), "highest")
            .column_as(Column::ProductId.count(), "variants")
            .filter(Column::GroupId.is_in(groups.into_iter().map(Id::get)))
            .filter(rows::is_visible(!hidden))
            .group_by(Column::GroupId)
            .into_model::<FactsRow>()
            .all(self.db.reader())
            .await?;
        found
            .into_iter()
            .map(|row| {
                let facts = GroupFacts {
                    price_from: Money::new(row.lowest, self.currency),
                    prices_differ: row.lowest != row.highest,
                    variants: u64::try_from(row.variants).unwrap_or(0),
                };
                Ok((rows::id(row.group_id)?, facts))
            })
            .collect()
    }
}

/// Returns `edit` with the group that `change` leads to, and gives the rest of a group that its namesake leaves another id.
pub(super) async fn resolve(
    tx: &Tx,
    product: &CatalogueProduct,
    edit: ProductEdit,
    change: Option<GroupChange>,
    context: &TxContext,
) -> Result<ProductEdit, StoreError> {
    let (id, current) = (product.product_id, product.group_id());
    let (target, position) = match change {
        None => return Ok(edit),
        Some(GroupChange::Leave) => (id, 0),
        Some(GroupChange::Join(other)) => {
            let (target, members) = joined(tx, other, context).await?;
            if target == current {
                return Ok(edit);
            }
            (target, next_position(&members))
        }
    };
    if current == id {
        let mut rest = lock_members(tx, id, context).await?;
        rest.retain(|other| other.product_id != id);
        if let Some(name) = successor(&rest) {
            let renamed = ProductEdit { group_id: Some(name), ..ProductEdit::default() };
            for other in &rest {
                let Some((moved, events)) = other.edited(&renamed, context.now) else { continue };
                products::save(tx, &moved, &events, context).await?;
            }
        }
    }
    Ok(ProductEdit { group_id: Some(target), group_position: Some(position), ..edit })
}

/// Locks the group of the visible product `other`, and returns its id and members.
pub(super) async fn joined(
    tx: &Tx,
    other: ProductId,
    context: &TxContext,
) -> Result<(ProductId, Vec<CatalogueProduct>), StoreError> {
    let found = products::find_any(tx, other, context.currency).await?;
    let found = found.filter(|product| !product.hidden).ok_or(StoreError::GroupUnknown(other))?;
    let group = found.group_id();
    Ok((group, lock_members(tx, group, context).await?))
}

/// Errors: another visible product of the group has the same options.
pub(super) async fn check_options(tx: &Tx, product: &CatalogueProduct, context: &TxContext) -> Result<(), StoreError> {
    let members = lock_members(tx, product.group_id(), context).await?;
    let mut others = members.iter().filter(|other| other.product_id != product.product_id && !other.hidden);
    if others.any(|other| have_same_options(other, product)) { Err(StoreError::OptionsTaken) } else { Ok(()) }
}

/// Locks all products of a group in the order of their ids, deleted ones included.
async fn lock_members(tx: &Tx, group: ProductId, context: &TxContext) -> Result<Vec<CatalogueProduct>, StoreError> {
    let found = rows::select_products()
        .filter(Column::GroupId.eq(group.get()))
        .order_by_asc(Column::ProductId)
        .lock_exclusive()
        .into_model::<ProductRow>()
        .all(tx)
        .await?;
    found.into_iter().map(|row| rows::read_product(row, context.currency)).collect()
}
