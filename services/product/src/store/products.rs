//! Products: read, insert, edit, hide.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::outbox;
use souk_peers::product::QuotedItem;
use souk_sql::{SqlError, Tx};
use souk_values::{Currency, Id, Money, ProductId};

use super::{
    ProductStore, RequestKey, StoreError, TxContext, categories,
    entities::product::{Column, Entity},
    groups,
    ledger::{self, MovementKind},
    rows::{self, ProductRow},
};
use crate::{
    event::ProductEvent,
    group::{GroupChange, next_position},
    product::{CatalogueProduct, ProductDetails, ProductEdit},
    slug::{self, slugify},
};

/// Attempts to insert a product, each with another id and, from the second on, the id in its slug.
const MAX_ATTEMPTS: u32 = 4;

/// A new product. An empty SKU is derived from the id, an empty slug from the name.
#[derive(Debug, Clone)]
pub(crate) struct ProductDraft {
    pub details: ProductDetails,
    pub stock: i64,
    /// A product whose group the new one joins.
    pub joins: Option<ProductId>,
    pub request: Option<RequestKey>,
}

#[derive(Debug, FromQueryResult)]
struct QuoteRow {
    product_id: i64,
    name: String,
    price_minor: i64,
    stock: i64,
    revision: i64,
    slug: String,
    image_url: Option<String>,
}

impl ProductStore {
    pub(crate) async fn product(&self, id: ProductId) -> Result<CatalogueProduct, StoreError> {
        visible(find_any(self.db.reader(), id, self.currency).await?)
    }

    /// Returns a product, even one that was deleted from the catalogue.
    pub(crate) async fn any_product(&self, id: ProductId) -> Result<CatalogueProduct, StoreError> {
        find_any(self.db.reader(), id, self.currency).await?.ok_or(StoreError::ProductNotFound)
    }

    pub(crate) async fn product_by_slug(&self, slug: &str) -> Result<CatalogueProduct, StoreError> {
        let row = rows::select_products()
            .filter(Column::VisibleSlug.eq(slug))
            .into_model::<ProductRow>()
            .one(self.db.reader())
            .await?;
        visible(row.map(|row| rows::read_product(row, self.currency)).transpose()?)
    }

    /// Returns price and stock of those of `ids` that are in the catalogue, in any order.
    pub(crate) async fn quoted(&self, ids: &[ProductId]) -> Result<Vec<QuotedItem>, StoreError> {
        let rows = Entity::find()
            .select_only()
            .columns([
                Column::ProductId,
                Column::Name,
                Column::PriceMinor,
                Column::Stock,
                Column::Revision,
                Column::Slug,
                Column::ImageUrl,
            ])
            .filter(Column::ProductId.is_in(ids.iter().map(|id| id.get())))
            .filter(rows::is_visible(true))
            .into_model::<QuoteRow>()
            .all(&self.db.lookup())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(QuotedItem {
                    product_id: rows::id(row.product_id)?,
                    name: row.name,
                    price: Money::new(row.price_minor, self.currency),
                    stock: row.stock,
                    revision: row.revision,
                    slug: Some(row.slug),
                    image_url: row.image_url,
                })
            })
            .collect()
    }

    /// Returns at most `count` products, those that sold most first.
    pub(crate) async fn top_sellers(&self, count: u64) -> Result<Vec<ProductId>, SqlError> {
        let ids = Entity::find()
            .select_only()
            .column(Column::ProductId)
            .filter(Column::Hidden.eq(false))
            .filter(Column::Sold.gt(0))
            .order_by_desc(Column::Sold)
            .order_by_desc(Column::ProductId)
            .limit(count)
            .into_tuple::<i64>()
            .all(self.db.reader())
            .await?;
        ids.into_iter().map(rows::id).collect()
    }

    pub(crate) async fn stock_of(&self, ids: &[ProductId]) -> Result<Vec<(ProductId, i64)>, SqlError> {
        let stocks = Entity::find()
            .select_only()
            .columns([Column::ProductId, Column::Stock])
            .filter(Column::ProductId.is_in(ids.iter().map(|id| id.get())))
            .into_tuple::<(i64, i64)>()
            .all(self.db.reader())
            .await?;
        stocks.into_iter().map(|(id, stock)| Ok((rows::id(id)?, stock))).collect()
    }

    /// Inserts a product. A repeated key returns the product that it created, in its current state.
    pub(crate) async fn insert(&self, draft: ProductDraft) -> Result<CatalogueProduct, StoreError> {
        let mut attempt = 1;
        loop {
            if let Some(product) = self.product_created_by(draft.request.as_ref()).await? {
                return Ok(product);
            }
            let context = self.tx_context();
            let product_id = self.ids.next();
            let details = with_names(&draft.details, product_id, attempt > 1);
            let product = CatalogueProduct::new(product_id, details, draft.stock, context.now);
            let args = (ProductDraft { details: product.details.clone(), ..draft.clone() }, product, context);
            match self
                .db
                .write(args, |tx, (draft, product, context)| Box::pin(insert(tx, draft, product, context)))
                .await
            {
                Ok(product) => return Ok(product),
                Err(StoreError::Sql(error @ SqlError::Unique(_))) => {
                    // A concurrent request with the same key may have won: then its product is the result.
                    if let Some(product) = self.product_created_by(draft.request.as_ref()).await? {
                        return Ok(product);
                    }
                    refuse_taken(&error, !draft.details.slug.is_empty(), !draft.details.sku.is_empty())?;
                    if attempt == MAX_ATTEMPTS {
                        return Err(StoreError::Sql(error));
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn product_created_by(&self, request: Option<&RequestKey>) -> Result<Option<CatalogueProduct>, StoreError> {
        let Some(request) = request else { return Ok(None) };
        let row = rows::select_products()
            .filter(Column::RequestKey.eq(&request.key))
            .into_model::<ProductRow>()
            .one(self.db.reader())
            .await?;
        let Some(row) = row else { return Ok(None) };
        request.must_match(row.request_hash.as_deref())?;
        rows::read_product(row, self.currency).map(Some)
    }

    /// Edits the product and returns it. Errors: [`StoreError::Stale`] when its version is not `seen`.
    pub(crate) async fn edit(
        &self,
        id: ProductId,
        seen: i64,
        edit: ProductEdit,
        group: Option<GroupChange>,
    ) -> Result<CatalogueProduct, StoreError> {
        let outcome = self
            .db
            .write((id, seen, edit, group, self.tx_context()), |tx, (id, seen, edit, group, context)| {
                Box::pin(async move {
                    let product = lock_seen(tx, *id, *seen, context).await?;
                    let edit = groups::resolve(tx, &product, edit.clone(), *group, context).await?;
                    let Some((edited, events)) = product.edited(&edit, context.now) else { return Ok(product) };
                    if edited.details.category_id != product.details.category_id {
                        categories::lock_for_content(tx, edited.details.category_id).await?;
                    }
                    if (edited.group_id(), &edited.details.options) != (product.group_id(), &product.details.options) {
                        groups::check_options(tx, &edited, context).await?;
                    }
                    save(tx, &edited, &events, context).await?;
                    Ok(edited)
                })
            })
            .await;
        if let Err(StoreError::Sql(error)) = &outcome {
            refuse_taken(error, true, true)?;
        }
        outcome
    }

    /// Deletes the product from the catalogue; orders keep its units. Errors: as [`edit`](Self::edit).
    pub(crate) async fn hide(&self, id: ProductId, seen: i64) -> Result<(), StoreError> {
        self.db
            .write((id, seen, self.tx_context()), |tx, (id, seen, context)| {
                Box::pin(async move {
                    let (hidden, events) = lock_seen(tx, *id, *seen, context).await?.hide(context.now);
                    save(tx, &hidden, &events, context).await
                })
            })
            .await
    }

    /// Puts a deleted product back into the catalogue; one that is in it stays as it is.
    ///
    /// Errors: [`StoreError::SkuTaken`], [`StoreError::SlugTaken`] or [`StoreError::OptionsTaken`] when another product got them
    /// meanwhile.
    pub(crate) async fn restore(&self, id: ProductId) -> Result<CatalogueProduct, StoreError> {
        let outcome = self
            .db
            .write((id, self.tx_context()), |tx, (id, context)| {
                Box::pin(async move {
                    let product = lock_any(tx, *id, context.currency).await?.ok_or(StoreError::ProductNotFound)?;
                    if !product.hidden {
                        return Ok(product);
                    }
                    let (restored, events) = product.restore(context.now);
                    groups::check_options(tx, &restored, context).await?;
                    categories::lock_for_content(tx, restored.details.category_id).await?;
                    save(tx, &restored, &events, context).await?;
                    Ok(restored)
                })
            })
            .await;
        if let Err(StoreError::Sql(error)) = &outcome {
            refuse_taken(error, true, true)?;
        }
        outcome
    }
}

/// Fills in an empty SKU and an empty slug.
fn with_names(details: &ProductDetails, id: ProductId, with_id: bool) -> ProductDetails {
    let mut details = details.clone();
    if details.sku.is_empty() {
        details.sku = format!("P-{id}");
    }
    if details.slug.is_empty() {
        let mut slug = slugify(&details.name);
        if slug.is_empty() {
            slug = format!("product-{id}");
        } else if with_id {
            slug = slug::with_id(&slug, id);
        }
        details.slug = slug;
    }
    details
}

/// Errors: `error` is a violation of a unique index by the slug or SKU that the caller gave.
fn refuse_taken(error: &SqlError, slug_is_given: bool, sku_is_given: bool) -> Result<(), StoreError> {
    let is_taken = |index: &str, column: &str| error.is_unique(index) || error.is_unique(column);
    if slug_is_given && is_taken("uq_product_visible_slug", "product.visible_slug") {
        return Err(StoreError::SlugTaken);
    }
    if sku_is_given && is_taken("uq_product_visible_sku", "product.visible_sku") {
        return Err(StoreError::SkuTaken);
    }
    Ok(())
}

fn visible(product: Option<CatalogueProduct>) -> Result<CatalogueProduct, StoreError> {
    product.filter(|product| !product.hidden).ok_or(StoreError::ProductNotFound)
}

/// Returns a product, even one that was deleted from the catalogue.
pub(super) async fn find_any(
    connection: &impl ConnectionTrait,
    id: ProductId,
    currency: Currency,
) -> Result<Option<CatalogueProduct>, StoreError> {
    let query = rows::select_products().filter(Column::ProductId.eq(id.get()));
    let row = query.into_model::<ProductRow>().one(connection).await?;
    row.map(|row| rows::read_product(row, currency)).transpose()
}

pub(super) async fn lock(tx: &Tx, id: ProductId, currency: Currency) -> Result<CatalogueProduct, StoreError> {
    visible(lock_any(tx, id, currency).await?)
}

/// Locks a product, even one that was deleted from the catalogue.
async fn lock_any(tx: &Tx, id: ProductId, currency: Currency) -> Result<Option<CatalogueProduct>, StoreError> {
    let query = rows::select_products().filter(Column::ProductId.eq(id.get())).lock_exclusive();
    let row = query.into_model::<ProductRow>().one(tx).await?;
    row.map(|row| rows::read_product(row, currency)).transpose()
}

async fn lock_seen(tx: &Tx, id: ProductId, seen: i64, context: &TxContext) -> Result<CatalogueProduct, StoreError> {
    let product = lock(tx, id, context.currency).await?;
    if product.version == seen { Ok(product) } else { Err(StoreError::Stale) }
}

/// Writes an edited product and its events.
pub(super) async fn save(
    tx: &Tx,
    product: &CatalogueProduct,
    events: &[ProductEvent],
    context: &TxContext,
) -> Result<(), StoreError> {
    context.touched.edited(product.product_id, context.by);
    let columns = rows::edited_columns(product)?;
    Entity::update_many().set(columns).filter(Column::ProductId.eq(product.product_id.get())).exec(tx).await?;
    outbox::add(tx, &context.stamp(events)?).await?;
    Ok(())
}

async fn insert(
    tx: &Tx,
    draft: &ProductDraft,
    product: &CatalogueProduct,
    context: &TxContext,
) -> Result<CatalogueProduct, StoreError> {
    context.touched.edited(product.product_id, context.by);
    let mut product = product.clone();
    categories::lock_for_content(tx, product.details.category_id).await?;
    if let Some(other) = draft.joins {
        let (group, members) = groups::joined(tx, other, context).await?;
        (product.details.group_id, product.details.group_position) = (Some(group), next_position(&members));
        groups::check_options(tx, &product, context).await?;
    }
    Entity::insert(rows::new_row(&product, draft.request.as_ref())?).exec_without_returning(tx).await?;
    let entry = ledger::Entry { kind: MovementKind::Initial, cause: "initial", order_id: None, at: context.now };
    ledger::write(tx, &entry, [(product.product_id, product.stock)]).await?;
    outbox::add(tx, &context.stamp(&[product.stock_item().changed()])?).await?;
    Ok(product)
}
