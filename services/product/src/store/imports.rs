//! Import of catalogue rows in batches: known SKUs are updated, others inserted, in one transaction.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::outbox;
use souk_sql::Tx;
use souk_values::{CategoryId, IdGen, ProductId};

use super::{
    ProductStore, StoreError, TxContext, categories,
    changes::By,
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
    gallery::ProductPicture,
    import::{CatalogueRow, RowId},
    product::{CatalogueProduct, ProductDetails, ProductEdit},
    slug::{self, slugify},
};

/// Rows of one transaction.
#[derive(Debug, Clone)]
pub(crate) struct ImportBatch {
    /// Each with the id of its product if that is new.
    pub rows: Vec<(CatalogueRow, ProductId)>,
    /// All SKUs that the file gives: a product with one of them belongs to that row.
    pub skus: Arc<HashSet<String>>,
}

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
    /// Products that an import made, by handle and options, unless a row of the file has their SKU.
    by_key: BTreeMap<String, CatalogueProduct>,
    /// Slugs that are taken, of those that the batch wants.
    slugs: BTreeSet<String>,
    created: Vec<CatalogueProduct>,
    /// Group of each product in `created`, by its key.
    created_groups: BTreeMap<String, ProductId>,
    /// Events that the products in `created` lead to.
    events: Vec<ProductEvent>,
}

impl ProductStore {
    /// Imports all rows of `batch` but the rejected ones, and returns an outcome for each row.
    pub(crate) async fn import(&self, batch: ImportBatch) -> Result<Vec<RowOutcome>, StoreError> {
        let context = TxContext { by: By::Import, ..self.tx_context() };
        let args = Import { batch, context, ids: self.ids.clone(), low_stock_at: self.low_stock_at };
        let outcome = self.db.write(args, |tx, import| Box::pin(import_batch(tx, import))).await;
        // A file may bring categories.
        self.changes.note_categories(By::Import);
        outcome
    }

    pub(crate) fn product_ids(&self, count: usize) -> Vec<ProductId> {
        self.ids.next_many(count)
    }
}

async fn import_batch(tx: &Tx, import: &Import) -> Result<Vec<RowOutcome>, StoreError> {
    let mut state = ImportState::load(tx, import).await?;
    let mut outcomes = Vec::with_capacity(import.batch.rows.len());
    for (row, id) in &import.batch.rows {
        outcomes.push(state.import_row(tx, import, row, *id).await?);
    }
    state.created.iter().for_each(|product| import.context.touched.edited(product.product_id, By::Import));
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
        let batch = || import.batch.rows.iter().map(|(row, _)| row);
        let made = batch().filter(|row| row.has_made_sku).map(CatalogueRow::other_sku);
        let leaders = batch().filter_map(|row| row.leader.sku.clone());
        let skus: BTreeSet<String> = batch().map(|row| row.sku.clone()).chain(made).chain(leaders).collect();
        let keys: BTreeSet<&str> = batch().flat_map(|row| [row.key.as_str(), &row.leader.key]).collect();
        let known = rows::select_products()
            .filter(Condition::any().add(Column::Sku.is_in(skus)).add(Column::ImportKey.is_in(keys)))
            .order_by_asc(Column::ProductId)
            .lock_exclusive()
            .into_model::<ProductRow>()
            .all(tx)
            .await?;
        let (mut by_sku, mut by_key) = (BTreeMap::new(), BTreeMap::new());
        for row in known {
            let product = rows::read_product(row, import.context.currency)?;
            if let Some(key) = product.details.import_key.clone()
                && !import.batch.skus.contains(&product.details.sku)
            {
                insert_visible(&mut by_key, key, product.clone());
            }
            insert_visible(&mut by_sku, product.details.sku.clone(), product);
        }
        let wanted = batch().flat_map(|row| [row.slug.clone(), row.other_slug()]);
        let slugs: Vec<String> = Entity::find()
            .select_only()
            .column(Column::VisibleSlug)
            .filter(Column::VisibleSlug.is_in(wanted))
            .into_tuple()
            .all(tx)
            .await?;
        Ok(Self {
            tree: categories::tree(tx).await?,
            by_sku,
            by_key,
            slugs: slugs.into_iter().collect(),
            created: Vec::new(),
            created_groups: BTreeMap::new(),
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
        let known = self.find(&row.id()).cloned();
        if let Some(deleted) = known.as_ref().filter(|product| product.hidden) {
            let sku = &deleted.details.sku;
            return Ok(RowOutcome::Rejected(format!("the product with SKU {sku} was deleted; restore it")));
        }
        let category_id = self.category(tx, &row.category, &import.ids).await?;
        let Some(known) = known else {
            self.create(row, id, category_id, import);
            return Ok(RowOutcome::Created);
        };
        let edit = edit(&known, row, category_id, self.group_of(row, known.product_id));
        match known.edited(&edit, import.context.now) {
            None => Ok(RowOutcome::Unchanged),
            Some((edited, events)) => {
                products::save(tx, &edited, &events, &import.context).await?;
                Ok(RowOutcome::Updated)
            }
        }
    }

    /// Returns the group of the first row with the same handle; the product `id` begins a group if that is the row itself.
    fn group_of(&self, row: &CatalogueRow, id: ProductId) -> ProductId {
        match self.find(&row.leader) {
            Some(leader) => leader.group_id(),
            None => self.created_groups.get(&row.leader.key).copied().unwrap_or(id),
        }
    }

    /// Returns the product with the SKU of the file, else the one that an import made of this handle and these options.
    fn find(&self, id: &RowId) -> Option<&CatalogueProduct> {
        let by_sku = id.sku.as_ref().and_then(|sku| self.by_sku.get(sku));
        by_sku.or_else(|| self.by_key.get(&id.key))
    }

    /// Returns the SKU of a new product: that of the file, or the first made one that no other product has.
    fn free_sku(&self, row: &CatalogueRow, id: ProductId) -> String {
        let is_free = |sku: &String| self.by_sku.get(sku).is_none_or(|other| other.hidden);
        if !row.has_made_sku || is_free(&row.sku) {
            return row.sku.clone();
        }
        Some(row.other_sku()).filter(is_free).unwrap_or_else(|| format!("P-{id}"))
    }

    fn free_slug(&self, row: &CatalogueRow, id: ProductId) -> String {
        let free = [row.slug.clone(), row.other_slug()].into_iter().find(|slug| !self.slugs.contains(slug));
        free.unwrap_or_else(|| slug::with_id(&row.slug, id))
    }

    fn create(&mut self, row: &CatalogueRow, id: ProductId, category_id: CategoryId, import: &Import) {
        let slug = self.free_slug(row, id);
        self.slugs.insert(slug.clone());
        let details = ProductDetails {
            sku: self.free_sku(row, id),
            slug,
            name: row.name.clone(),
            description: row.description.clone(),
            description_html: row.description_html.clone(),
            price: row.price,
            compare_at: row.compare_at,
            category_id,
            brand: row.brand.clone(),
            tags: row.tags.clone(),
            pictures: row.pictures.clone(),
            attributes: row.attributes.clone(),
            group_id: Some(self.group_of(row, id)).filter(|group| *group != id),
            group_position: row.group_position,
            options: row.options.clone(),
            low_stock_at: import.low_stock_at,
            import_key: Some(row.key.clone()),
        };
        let product = CatalogueProduct::new(id, details, row.quantity, import.context.now);
        self.created_groups.insert(row.key.clone(), product.group_id());
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
        let below = parent.map(|parent| slugify(&format!("{}-{plain}", parent.slug)));
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

/// Inserts a product; a visible one comes before a deleted one with the same key.
fn insert_visible(products: &mut BTreeMap<String, CatalogueProduct>, key: String, product: CatalogueProduct) {
    let known = products.entry(key).or_insert_with(|| product.clone());
    if known.hidden && !product.hidden {
        *known = product;
    }
}

/// Returns the edit of a known product, which never changes its stock, slug or threshold, nor its place in its group.
fn edit(known: &CatalogueProduct, row: &CatalogueRow, category_id: CategoryId, group: ProductId) -> ProductEdit {
    ProductEdit {
        sku: (!row.has_made_sku).then(|| row.sku.clone()),
        name: Some(row.name.clone()),
        description: Some(row.description.clone()),
        price: Some(row.price),
        category_id: Some(category_id),
        description_html: Some(row.description_html.clone()),
        compare_at: Some(row.compare_at),
        brand: Some(row.brand.clone()),
        tags: Some(row.tags.clone()),
        pictures: (!row.pictures.is_empty())
            .then(|| row.pictures.iter().map(|picture| completed(picture, &known.details.pictures)).collect()),
        attributes: Some(row.attributes.clone()),
        group_id: Some(group),
        group_position: (group != known.group_id()).then_some(row.group_position),
        options: Some(row.options.clone()),
        ..ProductEdit::default()
    }
}

/// Adds what the file does not say about a picture: its size, and an alternative text if the file has none.
fn completed(picture: &ProductPicture, known: &[ProductPicture]) -> ProductPicture {
    let Some(known) = known.iter().find(|known| known.url == picture.url) else { return picture.clone() };
    let alt = if picture.alt.is_empty() { &known.alt } else { &picture.alt };
    ProductPicture { alt: alt.clone(), ..known.clone() }
}
