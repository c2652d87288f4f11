//! `GET /products`: searches the catalogue.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use souk_kit::{Problem, auth::Admin, extract::Query};
use souk_values::{CategoryId, Money, PageRequest};
use utoipa::ToSchema;

use super::{conditional::NEVER, list_query::ListQuery, product_view::ProductView};
use crate::{
    answers::Prepared,
    app::App,
    error::ProductError,
    index::CatalogueIndex,
    reading,
    store::{CategoryCount, Entries, ListEntry, OptionCount, SearchResult, Sort},
};

/// A page of products or of groups of variants, with facets over all that match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductList {
    /// Matching entries on this page. A group is shown by its first matching variant that is in stock, else by its first one.
    items: Vec<ProductView>,
    /// Page number, counted from 0.
    page: u32,
    /// Maximum number of entries on a page.
    size: u32,
    /// Number of entries on all pages.
    total: u64,
    /// The query as it was understood, when a word was found only with typos.
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected: Option<String>,
    /// Categories, prices, brands and availability of all matching entries. Absent in a list by ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<FacetsView>,
}

/// Facets over all matching entries. Each facet ignores the filter of its own kind, so that it shows what another choice
/// would find.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FacetsView {
    /// Categories that have matching entries in or below them.
    categories: Vec<CategoryFacet>,
    /// Lowest and highest price; `null` when no product matches.
    price: Option<PriceFacet>,
    /// Number of entries that can be bought.
    in_stock: u64,
    /// Brands of matching entries, the most frequent first, at most 50.
    brands: Vec<BrandFacet>,
    /// Options of matching variants, in the order of their names, each with its 50 most frequent values. Empty in lists for
    /// admins.
    options: Vec<OptionFacet>,
}

/// An option with the values that matching entries have.
#[derive(Debug, Serialize, ToSchema)]
struct OptionFacet {
    /// Name of the option, such as `Diameter`. The parameter `option.Diameter` filters by it.
    name: String,
    /// Values in their natural order.
    values: Vec<OptionValueFacet>,
}

/// A value of an option with the number of its matching entries.
#[derive(Debug, Serialize, ToSchema)]
struct OptionValueFacet {
    /// The value, such as `26 cm`.
    value: String,
    /// Number of matching entries.
    count: u64,
}

/// A brand with the number of its matching entries.
#[derive(Debug, Serialize, ToSchema)]
struct BrandFacet {
    /// Name of the brand.
    brand: String,
    /// Number of matching entries.
    count: u64,
}

/// A category with the number of matching entries in or below it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CategoryFacet {
    /// Unique id of the category.
    category_id: CategoryId,
    /// Id of the parent category; `null` at the top level.
    parent_id: Option<CategoryId>,
    /// Unique part of the URL, such as `coffee-tea`.
    slug: String,
    /// Name of the category, in plain text.
    name: String,
    /// Number of matching entries in or below the category.
    count: u64,
}

/// Range of prices of the matching products.
#[derive(Debug, Serialize, ToSchema)]
struct PriceFacet {
    /// Lowest price of one unit.
    min: Money,
    /// Highest price of one unit.
    max: Money,
}

/// Searches the catalogue. A parameter `option.{name}`, such as `option.Diameter=26 cm`, selects the variants with this value of
/// an option; repeated, any of its values will do. `stockBelow`, `hidden` and sorting by stock require an admin's token, which also adds `reserved`,
/// `sold` and `hidden` to each product.
#[utoipa::path(get, path = "", params(ListQuery), responses(
    (status = 200, body = ProductList),
    (status = 400, description = "`query.invalid`"),
    (status = 401, description = "`auth.token_missing`: a parameter requires a token"),
    (status = 403, description = "`auth.forbidden`: a parameter requires an admin"),
))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Result<Admin, Problem>,
    Query(parameters): Query<Vec<(String, String)>>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let key = raw.unwrap_or_default();
    if admin.is_err()
        && let Some(kept) = app.ready_index().and_then(|index| app.answers.list(&key, index))
    {
        return Ok(kept.response(&headers));
    }
    let query = ListQuery::read(parameters)?;
    let is_admin = admin.is_ok();
    if query.is_for_admins() {
        admin.map_err(ProductError::Extractor)?;
    }
    // Read before the list is: what changes meanwhile makes the answer old.
    let epoch = app.ready_index().map(CatalogueIndex::epoch);
    let view = if is_admin { ProductView::listed_for_admin } else { ProductView::listed };
    let body = if let Some(ids) = query.ids.as_deref().filter(|ids| !ids.is_empty()) {
        let ids = query.by_ids(ids)?;
        let indexed = if is_admin { None } else { reading::products(&app, &ids) };
        let found = if let Some(found) = indexed {
            found
        } else {
            let found = app.store.products(&ids).await?.into_iter();
            found.map(|product| ListEntry { product, group: None }).collect()
        };
        one_page(found.into_iter().map(view).collect())
    } else {
        let page = query.page()?;
        let sort = query.sort.unwrap_or(Sort::Relevance);
        let (filter, entries) = (query.filter()?, query.entries());
        let indexed = match entries {
            Entries::Groups if !is_admin => reading::search(&app, &filter, sort, page).await,
            Entries::Groups | Entries::Products => None,
        };
        let found = match indexed {
            Some(found) => found,
            None => app.store.search(&filter, entries, sort, page).await?,
        };
        list(found, page, view)
    };
    if is_admin {
        return Ok(([(header::CACHE_CONTROL, NEVER)], Json(body)).into_response());
    }
    let prepared = Prepared::hashed(&body)?;
    if let Some(epoch) = epoch {
        app.answers.keep_list(&key, epoch, prepared.clone());
    }
    Ok(prepared.response(&headers))
}

fn one_page(items: Vec<ProductView>) -> ProductList {
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    ProductList { items, page: 0, size: count, total: count.into(), corrected: None, facets: None }
}

fn list(found: SearchResult, page: PageRequest, view: fn(ListEntry) -> ProductView) -> ProductList {
    let category = |CategoryCount { category, count }| CategoryFacet {
        category_id: category.category_id,
        parent_id: category.parent_id,
        slug: category.slug,
        name: category.name,
        count,
    };
    ProductList {
        items: found.entries.into_iter().map(view).collect(),
        page: page.page,
        size: page.size,
        total: found.total,
        corrected: found.corrected,
        facets: Some(FacetsView {
            categories: found.facets.categories.into_iter().map(category).collect(),
            price: found.facets.prices.map(|(min, max)| PriceFacet { min, max }),
            in_stock: found.facets.in_stock,
            brands: found.facets.brands.into_iter().map(|(brand, count)| BrandFacet { brand, count }).collect(),
            options: found.facets.options.into_iter().map(OptionFacet::from).collect(),
        }),
    }
}

impl From<OptionCount> for OptionFacet {
    fn from(option: OptionCount) -> Self {
        let values = option.values.into_iter().map(|(value, count)| OptionValueFacet { value, count });
        Self { name: option.name, values: values.collect() }
    }
}
