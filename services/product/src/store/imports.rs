//! Catalogue rows written by the chunk: known SKUs updated, others made, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::outbox;
use souk_sql::Tx;
use souk_values::{CategoryId, IdGen, ProductId};

use super::{
    ProductStore, StoreError, Telling, categories,
    entities::{
        category,
        product::{Column, Entity},
    },
    ledger::{self, Kind},
    products,
    rows::{self, ProductRow},
};
use crate::{
    category::{Category, Tree},
    import::CatalogueRow,
    news::News,
    product::{Details, Edit, Product},
};

/// Rows that go into one transaction, each with the id it gets if its SKU is new.
#[derive(Debug, Clone)]
pub struct Chunk(pub Vec<(CatalogueRow, ProductId)>);

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// Its product is new.
    Created,
    /// Its product has changed.
    Updated,
    /// Its product was so already.
    Unchanged,
    /// It cannot be taken; why.
    Rejected(String),
}

#[derive(Debug)]
struct Work {
    chunk: Chunk,
    telling: Telling,
    ids: IdGen,
    low_stock_at: i64,
}

/// What a transaction has found and decided so far.
struct Desk {
    tree: Tree,
    known: BTreeMap<String, Product>,
    slugs: BTreeSet<String>,
    made: Vec<Product>,
    news: Vec<News>,
}

impl ProductStore {
    /// Takes the rows of `chunk`, all of them but those it answers as rejected.
    pub(crate) async fn import(&self, chunk: Chunk) -> Result<Vec<RowOutcome>, StoreError> {
        let work = Work { chunk, telling: self.telling(), ids: self.ids.clone(), low_stock_at: self.low_stock_at };
        self.db.write(work, |tx, work| Box::pin(import(tx, work))).await
    }

    /// `count` ids that follow each other.
    pub(crate) fn product_ids(&self, count: usize) -> Vec<ProductId> {
        self.ids.next_many(count)
    }
}

async fn import(tx: &Tx, work: &Work) -> Result<Vec<RowOutcome>, StoreError> {
    let mut desk = open_desk(tx, work).await?;
    let mut outcomes = Vec::with_capacity(work.chunk.0.len());
    for (row, id) in &work.chunk.0 {
        outcomes.push(desk.take(tx, work, row, *id).await?);
    }
    let new_rows = desk.made.iter().map(|product| rows::new_row(product, None)).collect::<Result<Vec<_>, _>>()?;
    if !new_rows.is_empty() {
        Entity::insert_many(new_rows).exec_without_returning(tx).await?;
    }
    let entry = ledger::Entry { kind: Kind::Initial, cause: "initial", order_id: None, at: work.telling.now };
    ledger::write(tx, &entry, desk.made.iter().map(|product| (product.product_id, product.stock))).await?;
    outbox::add(tx, &work.telling.stamp(&desk.news)?).await?;
    Ok(outcomes)
}

async fn open_desk(tx: &Tx, work: &Work) -> Result<Desk, StoreError> {
    let skus = work.chunk.0.iter().map(|(row, _)| row.sku.as_str());
    let known = rows::select_products()
        .filter(Column::Sku.is_in(skus))
        .order_by_asc(Column::ProductId)
        .lock_exclusive()
        .into_model::<ProductRow>()
        .all(tx)
        .await?;
    let mut by_sku = BTreeMap::new();
    for row in known {
        let product = rows::read_product(row, work.telling.currency)?;
        by_sku.insert(product.details.sku.clone(), product);
    }
    let wanted = work.chunk.0.iter().map(|(row, _)| row.slug.as_str());
    let slugs: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Slug)
        .filter(Column::Slug.is_in(wanted))
        .into_tuple()
        .all(tx)
        .await?;
    Ok(Desk {
        tree: categories::tree(tx).await?,
        known: by_sku,
        slugs: slugs.into_iter().collect(),
        made: Vec::new(),
        news: Vec::new(),
    })
}

impl Desk {
    async fn take(
        &mut self,
        tx: &Tx,
        work: &Work,
        row: &CatalogueRow,
        id: ProductId,
    ) -> Result<RowOutcome, StoreError> {
        let known = self.known.get(&row.sku).cloned();
        if known.as_ref().is_some_and(|product| product.hidden) {
            return Ok(RowOutcome::Rejected(format!("the product with SKU {} was deleted", row.sku)));
        }
        let category_id = self.category(tx, &row.category, &work.ids).await?;
        let Some(known) = known else {
            self.make(row, id, category_id, work);
            return Ok(RowOutcome::Created);
        };
        match known.edited(&edit(row, category_id), work.telling.now) {
            None => Ok(RowOutcome::Unchanged),
            Some((edited, news)) => {
                products::save(tx, &edited, &news, &work.telling).await?;
                Ok(RowOutcome::Updated)
            }
        }
    }

    fn make(&mut self, row: &CatalogueRow, id: ProductId, category_id: CategoryId, work: &Work) {
        let slug = match row.slug.as_str() {
            "" => format!("product-{id}"),
            slug if self.slugs.contains(slug) => products::slug_with_id(slug, id),
            slug => slug.to_owned(),
        };
        self.slugs.insert(slug.clone());
        let details = Details {
            sku: row.sku.clone(),
            slug,
            name: row.name.clone(),
            description: row.description.clone(),
            price: row.price,
            category_id,
            image_url: row.image_url.clone(),
            attributes: row.attributes.clone(),
            low_stock_at: work.low_stock_at,
        };
        let product = Product::new(id, details, row.quantity, work.telling.now);
        self.news.push(product.shelf().changed());
        self.made.push(product);
    }

    /// The category at the end of `path`; what is missing of the path is made.
    async fn category(&mut self, tx: &Tx, path: &[String], ids: &IdGen) -> Result<CategoryId, StoreError> {
        let mut parent: Option<Category> = None;
        for name in path {
            let parent_id = parent.as_ref().map(|parent| parent.category_id);
            let node = match self.tree.child(parent_id, name) {
                Some(node) => node.clone(),
                None => self.make_category(tx, parent.as_ref(), name, ids).await?,
            };
            parent = Some(node);
        }
        parent.map(|category| category.category_id).ok_or(StoreError::ProductNotFound)
    }

    async fn make_category(
        &mut self,
        tx: &Tx,
        parent: Option<&Category>,
        name: &str,
        ids: &IdGen,
    ) -> Result<Category, StoreError> {
        let category_id = ids.next();
        let is_free = |slug: &String| self.tree.nodes().iter().all(|other| other.slug != *slug);
        let plain = categories::made_slug(name, category_id, false);
        let below = parent.map(|parent| format!("{:.70}-{plain:.70}", parent.slug));
        let slug = [Some(plain), below].into_iter().flatten().find(is_free);
        let category = Category {
            category_id,
            parent_id: parent.map(|parent| parent.category_id),
            slug: slug.unwrap_or_else(|| categories::made_slug(name, category_id, true)),
            name: name.to_owned(),
            position: 0,
        };
        category::Entity::insert(rows::category_row(&category, None)).exec_without_returning(tx).await?;
        self.tree.add(category.clone());
        Ok(category)
    }
}

/// What a row says of a product that is there already: never its stock, slug or threshold.
fn edit(row: &CatalogueRow, category_id: CategoryId) -> Edit {
    Edit {
        name: Some(row.name.clone()),
        description: Some(row.description.clone()),
        price: Some(row.price),
        category_id: Some(category_id),
        image_url: row.image_url.clone().map(Some),
        attributes: Some(row.attributes.clone()),
        ..Edit::default()
    }
}
