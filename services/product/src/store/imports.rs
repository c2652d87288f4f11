//! Import of catalogue rows in batches: known SKUs are updated, others inserted, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::outbox;
use souk_sql::Tx;
use souk_values::{CategoryId, IdGen, ProductId};

use super::{
    ProductStore, StoreError, TxContext, categories,
    entities::{
        category,
        product::{Column, Entity},
    },
    ledger::{self, MovementKind},
    products,
    rows::{self, ProductRow},
};
use crate::{
    category::{Category, CategoryTree},
    event::ProductEvent,
    import::CatalogueRow,
    product::{CatalogueProduct, ProductDetails, ProductEdit},
};

/// Rows of one transaction, each with the id of its product if its SKU is new.
#[derive(Debug, Clone)]
pub(crate) struct ImportBatch(pub Vec<(CatalogueRow, ProductId)>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RowOutcome {
    Created,
    Updated,
    Unchanged,
    /// Left out, with the reason as a sentence.
    Rejected(String),
}

/// The arguments of an import's transaction.
#[derive(Debug)]
struct Import {
    batch: ImportBatch,
    context: TxContext,
    ids: IdGen,
    low_stock_at: i64,
}

/// Stored data that the rows of a batch refer to, and the changes decided so far.
struct ImportState {
    tree: CategoryTree,
    by_sku: BTreeMap<String, CatalogueProduct>,
    /// Slugs that are taken, of those that the batch wants.
    slugs: BTreeSet<String>,
    created: Vec<CatalogueProduct>,
    /// Events that the products in `created` lead to.
    events: Vec<ProductEvent>,
}

impl ProductStore {
    /// Imports all rows of `batch` but the rejected ones, and returns an outcome for each row.
    pub(crate) async fn import(&self, batch: ImportBatch) -> Result<Vec<RowOutcome>, StoreError> {
        let context = self.tx_context();
        let args = Import { batch, context, ids: self.ids.clone(), low_stock_at: self.low_stock_at };
        self.db.write(args, |tx, import| Box::pin(import_batch(tx, import))).await
    }

    pub(crate) fn product_ids(&self, count: usize) -> Vec<ProductId> {
        self.ids.next_many(count)
    }
}

async fn import_batch(tx: &Tx, import: &Import) -> Result<Vec<RowOutcome>, StoreError> {
    let mut state = ImportState::load(tx, import).await?;
    let mut outcomes = Vec::with_capacity(import.batch.0.len());
    for (row, id) in &import.batch.0 {
        outcomes.push(state.import_row(tx, import, row, *id).await?);
    }
    let new_rows = state.created.iter().map(|product| rows::new_row(product, None)).collect::<Result<Vec<_>, _>>()?;
    if !new_rows.is_empty() {
        Entity::insert_many(new_rows).exec_without_returning(tx).await?;
    }
    let entry = ledger::Entry { kind: MovementKind::Initial, cause: "initial", order_id: None, at: import.context.now };
    ledger::write(tx, &entry, state.created.iter().map(|product| (product.product_id, product.stock))).await?;
    outbox::add(tx, &import.context.stamp(&state.events)?).await?;
    Ok(outcomes)
}

impl ImportState {
    async fn load(tx: &Tx, import: &Import) -> Result<Self, StoreError> {
        let skus = import.batch.0.iter().map(|(row, _)| row.sku.as_str());
        let known = rows::select_products()
            .filter(Column::Sku.is_in(skus))
            .order_by_asc(Column::ProductId)
            .lock_exclusive()
            .into_model::<ProductRow>()
            .all(tx)
            .await?;
        let mut by_sku = BTreeMap::new();
        for row in known {
            let product = rows::read_product(row, import.context.currency)?;
            by_sku.insert(product.details.sku.clone(), product);
        }
        let wanted = import.batch.0.iter().map(|(row, _)| row.slug.as_str());
        let slugs: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Slug)
            .filter(Column::Slug.is_in(wanted))
            .into_tuple()
            .all(tx)
            .await?;
        Ok(Self {
            tree: categories::tree(tx).await?,
            by_sku,
            slugs: slugs.into_iter().collect(),
            created: Vec::new(),
            events: Vec::new(),
        })
    }

    async fn import_row(
        &mut self,
        tx: &Tx,
        import: &Import,
        row: &CatalogueRow,
        id: ProductId,
    ) -> Result<RowOutcome, StoreError> {
        let known = self.by_sku.get(&row.sku).cloned();
        if known.as_ref().is_some_and(|product| product.hidden) {
            return Ok(RowOutcome::Rejected(format!("the product with SKU {} was deleted", row.sku)));
        }
        let category_id = self.category(tx, &row.category, &import.ids).await?;
        let Some(known) = known else {
            self.create(row, id, category_id, import);
            return Ok(RowOutcome::Created);
        };
        match known.edited(&edit(row, category_id), import.context.now) {
            None => Ok(RowOutcome::Unchanged),
            Some((edited, events)) => {
                products::save(tx, &edited, &events, &import.context).await?;
                Ok(RowOutcome::Updated)
            }
        }
    }

    fn create(&mut self, row: &CatalogueRow, id: ProductId, category_id: CategoryId, import: &Import) {
        let slug = match row.slug.as_str() {
            "" => format!("product-{id}"),
            slug if self.slugs.contains(slug) => products::slug_with_id(slug, id),
            slug => slug.to_owned(),
        };
        self.slugs.insert(slug.clone());
        let details = ProductDetails {
            sku: row.sku.clone(),
            slug,
            name: row.name.clone(),
            description: row.description.clone(),
            price: row.price,
            category_id,
            image_url: row.image_url.clone(),
            attributes: row.attributes.clone(),
            low_stock_at: import.low_stock_at,
        };
        let product = CatalogueProduct::new(id, details, row.quantity, import.context.now);
        self.events.push(product.stock_item().changed());
        self.created.push(product);
    }

    /// Returns the category at the end of `path`, and creates those of the path that do not exist.
    async fn category(&mut self, tx: &Tx, path: &[String], ids: &IdGen) -> Result<CategoryId, StoreError> {
        let mut parent: Option<Category> = None;
        for name in path {
            let parent_id = parent.as_ref().map(|parent| parent.category_id);
            let node = match self.tree.child(parent_id, name) {
                Some(node) => node.clone(),
                None => self.create_category(tx, parent.as_ref(), name, ids).await?,
            };
            parent = Some(node);
        }
        parent.map(|category| category.category_id).ok_or(StoreError::ProductNotFound)
    }

    async fn create_category(
        &mut self,
        tx: &Tx,
        parent: Option<&Category>,
        name: &str,
        ids: &IdGen,
    ) -> Result<Category, StoreError> {
        let category_id = ids.next();
        let is_free = |slug: &String| self.tree.nodes().iter().all(|other| other.slug != *slug);
        let plain = categories::derived_slug(name, category_id, false);
        let below = parent.map(|parent| format!("{:.70}-{plain:.70}", parent.slug));
        let slug = [Some(plain), below].into_iter().flatten().find(is_free);
        let category = Category {
            category_id,
            parent_id: parent.map(|parent| parent.category_id),
            slug: slug.unwrap_or_else(|| categories::derived_slug(name, category_id, true)),
            name: name.to_owned(),
            position: 0,
        };
        category::Entity::insert(rows::category_row(&category, None)).exec_without_returning(tx).await?;
        self.tree.add(category.clone());
        Ok(category)
    }
}

/// Returns the edit of a known product, which never changes its stock, slug or threshold.
fn edit(row: &CatalogueRow, category_id: CategoryId) -> ProductEdit {
    ProductEdit {
        name: Some(row.name.clone()),
        description: Some(row.description.clone()),
        price: Some(row.price),
        category_id: Some(category_id),
        image_url: row.image_url.clone().map(Some),
        attributes: Some(row.attributes.clone()),
        ..ProductEdit::default()
    }
}
