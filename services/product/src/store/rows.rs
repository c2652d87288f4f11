//! Conversion between rows and the domain's types.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QuerySelect, Select, Set, sea_query::Expr};
use serde::{Serialize, de::DeserializeOwned};
use souk_sql::SqlError;
use souk_values::{Currency, Id, Money, Timestamp};

use super::{
    RequestKey, StoreError,
    entities::{category, product},
};
use crate::{
    category::Category,
    gallery::ProductPicture,
    product::{CatalogueProduct, ProductDetails},
};

/// Error for a stored value that the domain does not know.
pub(super) fn damaged(what: &str, value: impl std::fmt::Display) -> SqlError {
    SqlError::Failed(format!("a stored {what} cannot be read: {value}"))
}

pub(super) fn id<I: Id>(number: i64) -> Result<I, SqlError> {
    I::new(number).map_err(|_| damaged("id", number))
}

/// A product's row without `search_text`, which is long and needed by search only.
#[derive(Debug, FromQueryResult)]
pub(super) struct ProductRow {
    product_id: i64,
    sku: String,
    slug: String,
    name: String,
    description: String,
    price_minor: i64,
    category_id: i64,
    image_url: Option<String>,
    attributes: String,
    low_stock_at: i64,
    stock: i64,
    reserved: i64,
    sold: i64,
    hidden: bool,
    version: i64,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    group_id: i64,
    group_position: i64,
    options: Option<String>,
    compare_at_minor: Option<i64>,
    brand: Option<String>,
    tags: Option<String>,
    pictures: Option<String>,
    description_html: Option<String>,
    import_key: Option<String>,
    pub request_hash: Option<String>,
}

/// Condition of queries that name products or groups, and are to find the visible ones (or the hidden ones). Not
/// `hidden = false`: without statistics, SQLite takes an equality for selective, and reads the whole catalogue by an index
/// that begins with `hidden`, rather than a few products by their ids.
pub(super) fn is_visible(visible: bool) -> Expr {
    use product::Column;
    if visible { Column::VisibleSlug.is_not_null() } else { Column::VisibleSlug.is_null() }
}

/// Selects the columns of [`ProductRow`].
pub(super) fn select_products() -> Select<product::Entity> {
    use product::Column;
    product::Entity::find().select_only().columns([
        Column::ProductId,
        Column::Sku,
        Column::Slug,
        Column::Name,
        Column::Description,
        Column::PriceMinor,
        Column::CategoryId,
        Column::ImageUrl,
        Column::Attributes,
        Column::LowStockAt,
        Column::Stock,
        Column::Reserved,
        Column::Sold,
        Column::Hidden,
        Column::Version,
        Column::Revision,
        Column::CreatedAt,
        Column::UpdatedAt,
        Column::GroupId,
        Column::GroupPosition,
        Column::Options,
        Column::CompareAtMinor,
        Column::Brand,
        Column::Tags,
        Column::Pictures,
        Column::DescriptionHtml,
        Column::ImportKey,
        Column::RequestHash,
    ])
}

pub(super) fn read_product(row: ProductRow, currency: Currency) -> Result<CatalogueProduct, StoreError> {
    let attributes: BTreeMap<String, String> =
        serde_json::from_str(&row.attributes).map_err(|error| damaged("attribute", error))?;
    // Rows of the release before have one picture, and no group but their own.
    let pictures = match row.pictures {
        Some(_) => list("picture", row.pictures.as_deref())?,
        None => row.image_url.into_iter().map(|url| ProductPicture::new(url, String::new())).collect(),
    };
    let group_id = Some(row.group_id).filter(|group| ![0, row.product_id].contains(group)).map(id).transpose()?;
    Ok(CatalogueProduct {
        product_id: id(row.product_id)?,
        details: ProductDetails {
            sku: row.sku,
            slug: row.slug,
            name: row.name,
            description: row.description,
            description_html: row.description_html.unwrap_or_default(),
            price: Money::new(row.price_minor, currency),
            compare_at: row.compare_at_minor.map(|minor| Money::new(minor, currency)),
            category_id: id(row.category_id)?,
            brand: row.brand,
            tags: list("tag", row.tags.as_deref())?,
            pictures,
            attributes,
            group_id,
            group_position: row.group_position,
            options: list("option", row.options.as_deref())?,
            low_stock_at: row.low_stock_at,
            import_key: row.import_key,
        },
        stock: row.stock,
        reserved: row.reserved,
        sold: row.sold,
        hidden: row.hidden,
        version: row.version,
        revision: row.revision,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
    })
}

/// Reads a JSON array; none when the column is NULL.
pub(super) fn list<T: DeserializeOwned>(what: &str, json: Option<&str>) -> Result<Vec<T>, SqlError> {
    json.map_or(Ok(Vec::new()), |json| serde_json::from_str(json).map_err(|error| damaged(what, error)))
}

fn json(what: &str, value: &impl Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| damaged(what, error))
}

/// Sets the columns that edits change.
pub(super) fn edited_columns(product: &CatalogueProduct) -> Result<product::ActiveModel, StoreError> {
    let details = &product.details;
    Ok(product::ActiveModel {
        sku: Set(details.sku.clone()),
        slug: Set(details.slug.clone()),
        name: Set(details.name.clone()),
        name_key: Set(details.name_key()),
        description: Set(details.description.clone()),
        price_minor: Set(details.price.minor),
        category_id: Set(details.category_id.get()),
        image_url: Set(details.image_url().map(str::to_owned)),
        attributes: Set(json("attribute", &details.attributes)?),
        search_text: Set(details.search_text()),
        low_stock_at: Set(details.low_stock_at),
        hidden: Set(product.hidden),
        version: Set(product.version),
        revision: Set(product.revision),
        updated_at: Set(product.updated_at.millis()),
        group_id: Set(product.group_id().get()),
        group_position: Set(details.group_position),
        options: Set(Some(json("option", &details.options)?)),
        compare_at_minor: Set(details.compare_at.map(|price| price.minor)),
        brand: Set(details.brand.clone()),
        tags: Set(Some(json("tag", &details.tags)?)),
        pictures: Set(Some(json("picture", &details.pictures)?)),
        description_html: Set(Some(details.description_html.clone())),
        import_key: Set(details.import_key.clone()),
        visible_sku: Set((!product.hidden).then(|| details.sku.clone())),
        visible_slug: Set((!product.hidden).then(|| details.slug.clone())),
        ..Default::default()
    })
}

pub(super) fn new_row(
    product: &CatalogueProduct,
    request: Option<&RequestKey>,
) -> Result<product::ActiveModel, StoreError> {
    Ok(product::ActiveModel {
        product_id: Set(product.product_id.get()),
        stock: Set(product.stock),
        reserved: Set(0),
        sold: Set(0),
        created_at: Set(product.created_at.millis()),
        request_key: Set(request.map(|request| request.key.clone())),
        request_hash: Set(request.map(|request| request.body_hash.clone())),
        ..edited_columns(product)?
    })
}

pub(super) fn read_category(row: category::Model) -> Result<Category, SqlError> {
    Ok(Category {
        category_id: id(row.category_id)?,
        parent_id: row.parent_id.map(id).transpose()?,
        slug: row.slug,
        name: row.name,
        position: row.position,
    })
}

pub(super) fn category_row(category: &Category, request: Option<&RequestKey>) -> category::ActiveModel {
    category::ActiveModel {
        category_id: Set(category.category_id.get()),
        parent_id: Set(category.parent_id.map(Id::get)),
        slug: Set(category.slug.clone()),
        name: Set(category.name.clone()),
        position: Set(category.position),
        request_key: Set(request.map(|request| request.key.clone())),
        request_hash: Set(request.map(|request| request.body_hash.clone())),
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QueryTrait, Statement};
    use souk_sql::{Access, Db};

    use super::*;
    use crate::store::Migrations;

    /// Returns how SQLite would run a query.
    async fn plan(db: &Db, query: Select<product::Entity>) -> String {
        let statement = query.build(DbBackend::Sqlite);
        let explained = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let explained = Statement::from_sql_and_values(DbBackend::Sqlite, explained, statement.values.unwrap().0);
        let rows = db.reader().query_all_raw(explained).await.unwrap();
        let lines = rows.iter().map(|row| row.try_get::<String>("", "detail").unwrap());
        lines.collect::<Vec<_>>().join("; ")
    }

    #[tokio::test]
    async fn products_and_groups_that_a_query_names_are_read_by_their_ids() {
        use product::Column;
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/product.db", folder.path().display());
        let db = Db::open(&url, Access::ReadWrite).await.unwrap();
        db.migrate::<Migrations>().await.unwrap();
        let of =
            |column: Column, visible| select_products().filter(column.is_in(1..=500_i64)).filter(is_visible(visible));
        let by_ids = plan(&db, of(Column::ProductId, true)).await;
        assert_eq!(by_ids, "SEARCH product USING INTEGER PRIMARY KEY (rowid=?)");
        let by_groups = plan(&db, of(Column::GroupId, true).order_by_asc(Column::GroupId)).await;
        assert_eq!(by_groups, "SEARCH product USING INDEX ix_product_group (group_id=?)");
        // Of the hidden ones, the index of visible slugs has the ids.
        let hidden = plan(&db, of(Column::ProductId, false)).await;
        assert_eq!(hidden, "SEARCH product USING INDEX uq_product_visible_slug (visible_slug=? AND rowid=?)");
    }
}
