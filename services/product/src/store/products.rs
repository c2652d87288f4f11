//! Products: read, made, edited, hidden.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use souk_bus::outbox;
use souk_peers::product::QuotedItem;
use souk_sql::{SqlError, Tx};
use souk_values::{Currency, Id, Money, ProductId};

use super::{
    ProductStore, RequestKey, StoreError, Telling, categories,
    entities::product::{Column, Entity},
    ledger::{self, Kind},
    rows::{self, ProductRow},
};
use crate::{
    news::News,
    product::{Details, Edit, Product},
    slug::slugify,
};

/// How often making a product is tried with another id or slug.
const ATTEMPTS: u32 = 4;

/// A product to be made. An empty SKU or slug is made from id and name.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What is said of it.
    pub details: Details,
    /// Units on hand.
    pub stock: i64,
    /// The caller's promise, if one was given.
    pub request: Option<RequestKey>,
}

#[derive(Debug, FromQueryResult)]
struct QuoteRow {
    product_id: i64,
    name: String,
    price_minor: i64,
    stock: i64,
    revision: i64,
}

impl ProductStore {
    /// A product of the catalogue.
    pub(crate) async fn product(&self, id: ProductId) -> Result<Product, StoreError> {
        visible(find_any(self.db.reader(), id, self.currency).await?)
    }

    /// The same by its slug.
    pub(crate) async fn product_by_slug(&self, slug: &str) -> Result<Product, StoreError> {
        let row = rows::select_products()
            .filter(Column::Slug.eq(slug))
            .into_model::<ProductRow>()
            .one(self.db.reader())
            .await?;
        visible(row.map(|row| rows::read_product(row, self.currency)).transpose()?)
    }

    /// Prices and stock of those of `ids` that the shop sells, in no order.
    pub(crate) async fn quoted(&self, ids: &[ProductId]) -> Result<Vec<QuotedItem>, StoreError> {
        let rows = Entity::find()
            .select_only()
            .columns([Column::ProductId, Column::Name, Column::PriceMinor, Column::Stock, Column::Revision])
            .filter(Column::ProductId.is_in(ids.iter().map(|id| id.get())))
            .filter(Column::Hidden.eq(false))
            .into_model::<QuoteRow>()
            .all(self.db.reader())
            .await?;
        rows.into_iter()
            .map(|row| {
                Ok(QuotedItem {
                    product_id: rows::id(row.product_id)?,
                    name: row.name,
                    price: Money::new(row.price_minor, self.currency),
                    stock: row.stock,
                    revision: row.revision,
                })
            })
            .collect()
    }

    /// The ids of the products that sold most, at most `count`.
    pub(crate) async fn top_sellers(&self, count: u64) -> Result<Vec<i64>, SqlError> {
        let ids = Entity::find()
            .select_only()
            .column(Column::ProductId)
            .filter(Column::Hidden.eq(false))
            .filter(Column::Sold.gt(0))
            .order_by_desc(Column::Sold)
            .order_by_desc(Column::ProductId)
            .limit(count)
            .into_tuple::<i64>()
            .all(self.db.reader());
        Ok(ids.await?)
    }

    /// The stock of these products.
    pub(crate) async fn stock_of(&self, ids: &[i64]) -> Result<Vec<(i64, i64)>, SqlError> {
        let stocks = Entity::find()
            .select_only()
            .columns([Column::ProductId, Column::Stock])
            .filter(Column::ProductId.is_in(ids.iter().copied()))
            .into_tuple::<(i64, i64)>()
            .all(self.db.reader());
        Ok(stocks.await?)
    }

    /// Makes a product. With a key that was used before, answers the one made then, as it now is.
    pub(crate) async fn insert(&self, draft: Draft) -> Result<Product, StoreError> {
        let mut attempt = 1;
        loop {
            if let Some(product) = self.made_before(draft.request.as_ref()).await? {
                return Ok(product);
            }
            let telling = self.telling();
            let product_id = self.ids.next();
            let details = named(&draft.details, product_id, attempt > 1);
            let product = Product::new(product_id, details, draft.stock, telling.now);
            let args = (product.clone(), draft.request.clone(), telling);
            match self
                .db
                .write(args, |tx, (product, request, telling)| Box::pin(insert(tx, product, request.as_ref(), telling)))
                .await
            {
                Ok(()) => return Ok(product),
                Err(StoreError::Sql(error @ SqlError::Unique(_))) => {
                    // The same request may have won meanwhile; it is looked for before anything else is said.
                    if let Some(product) = self.made_before(draft.request.as_ref()).await? {
                        return Ok(product);
                    }
                    refuse_taken(&error, !draft.details.slug.is_empty(), !draft.details.sku.is_empty())?;
                    if attempt == ATTEMPTS {
                        return Err(StoreError::Sql(error));
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn made_before(&self, request: Option<&RequestKey>) -> Result<Option<Product>, StoreError> {
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

    /// Edits the product whose version is `seen`. Answers it as it then is.
    pub(crate) async fn edit(&self, id: ProductId, seen: i64, edit: Edit) -> Result<Product, StoreError> {
        let outcome = self
            .db
            .write((id, seen, edit, self.telling()), |tx, (id, seen, edit, telling)| {
                Box::pin(async move {
                    let product = lock_seen(tx, *id, *seen, telling).await?;
                    let Some((edited, news)) = product.edited(edit, telling.now) else { return Ok(product) };
                    if edited.details.category_id != product.details.category_id {
                        categories::lock_for_content(tx, edited.details.category_id).await?;
                    }
                    save(tx, &edited, &news, telling).await?;
                    Ok(edited)
                })
            })
            .await;
        if let Err(StoreError::Sql(error)) = &outcome {
            refuse_taken(error, true, true)?;
        }
        outcome
    }

    /// Takes the product whose version is `seen` out of the catalogue.
    pub(crate) async fn hide(&self, id: ProductId, seen: i64) -> Result<(), StoreError> {
        self.db
            .write((id, seen, self.telling()), |tx, (id, seen, telling)| {
                Box::pin(async move {
                    let (hidden, news) = lock_seen(tx, *id, *seen, telling).await?.hide(telling.now);
                    save(tx, &hidden, &news, telling).await
                })
            })
            .await
    }
}

/// The details with SKU and slug, made of id and name where they are empty.
fn named(details: &Details, id: ProductId, with_id: bool) -> Details {
    let mut details = details.clone();
    if details.sku.is_empty() {
        details.sku = format!("P-{id}");
    }
    if details.slug.is_empty() {
        let mut slug = slugify(&details.name);
        if slug.is_empty() {
            slug = format!("product-{id}");
        } else if with_id {
            slug = slug_with_id(&slug, id);
        }
        details.slug = slug;
    }
    details
}

/// A slug that no other product has.
pub(super) fn slug_with_id(slug: &str, id: ProductId) -> String {
    format!("{slug:.120}-{id}")
}

/// Errors: the caller's own slug or SKU is another product's.
pub(super) fn refuse_taken(error: &SqlError, slug_is_given: bool, sku_is_given: bool) -> Result<(), StoreError> {
    let is_taken = |index: &str, column: &str| error.is_unique(index) || error.is_unique(column);
    if slug_is_given && is_taken("uq_product_slug", "product.slug") {
        return Err(StoreError::SlugTaken);
    }
    if sku_is_given && is_taken("uq_product_sku", "product.sku") {
        return Err(StoreError::SkuTaken);
    }
    Ok(())
}

fn visible(product: Option<Product>) -> Result<Product, StoreError> {
    product.filter(|product| !product.hidden).ok_or(StoreError::ProductNotFound)
}

/// A product, hidden or not.
pub(super) async fn find_any(
    connection: &impl ConnectionTrait,
    id: ProductId,
    currency: Currency,
) -> Result<Option<Product>, StoreError> {
    let query = rows::select_products().filter(Column::ProductId.eq(id.get()));
    let row = query.into_model::<ProductRow>().one(connection).await?;
    row.map(|row| rows::read_product(row, currency)).transpose()
}

/// A product of the catalogue, locked.
pub(super) async fn lock(tx: &Tx, id: ProductId, currency: Currency) -> Result<Product, StoreError> {
    let query = rows::select_products().filter(Column::ProductId.eq(id.get())).lock_exclusive();
    let row = query.into_model::<ProductRow>().one(tx).await?;
    visible(row.map(|row| rows::read_product(row, currency)).transpose()?)
}

async fn lock_seen(tx: &Tx, id: ProductId, seen: i64, telling: &Telling) -> Result<Product, StoreError> {
    let product = lock(tx, id, telling.currency).await?;
    if product.version == seen { Ok(product) } else { Err(StoreError::Stale) }
}

/// Writes what an edit changed.
pub(super) async fn save(tx: &Tx, product: &Product, news: &[News], telling: &Telling) -> Result<(), StoreError> {
    let columns = rows::edited_columns(product)?;
    Entity::update_many().set(columns).filter(Column::ProductId.eq(product.product_id.get())).exec(tx).await?;
    outbox::add(tx, &telling.stamp(news)?).await?;
    Ok(())
}

async fn insert(tx: &Tx, product: &Product, request: Option<&RequestKey>, telling: &Telling) -> Result<(), StoreError> {
    categories::lock_for_content(tx, product.details.category_id).await?;
    Entity::insert(rows::new_row(product, request)?).exec_without_returning(tx).await?;
    let entry = ledger::Entry { kind: Kind::Initial, cause: "initial", order_id: None, at: telling.now };
    ledger::write(tx, &entry, [(product.product_id, product.stock)]).await?;
    outbox::add(tx, &telling.stamp(&[product.shelf().changed()])?).await?;
    Ok(())
}
