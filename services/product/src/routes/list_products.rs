//! `GET /products`: searches the catalogue.

use std::{fmt::Display, str::FromStr};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use souk_kit::{Problem, auth::Admin, extract::Query, text::normalized};
use souk_values::{CategoryId, Money, PageRequest, page::MAX_PAGE_SIZE};
use utoipa::{IntoParams, ToSchema};

use super::{conditional::PUBLIC, product_view::ProductView};
use crate::{
    app::App,
    error::ProductError,
    store::{CategoryCount, Filter, SearchResult, Sort},
    text,
};

/// Maximum length of `q` in characters.
const MAX_QUERY: usize = 200;
/// Number of words of `q` that count; further ones are ignored.
const MAX_WORDS: usize = 8;

/// An empty parameter is the same as an absent one: search forms send all their fields.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Search terms, at most 200 characters; a product matches when each of them occurs in its name, SKU, attributes or
    /// description.
    #[serde(default)]
    q: Option<String>,
    /// Slug or id of a category; products of the categories below it are included.
    #[serde(default)]
    category: Option<String>,
    /// Lowest price, inclusive, in minor units of the currency.
    #[serde(default, deserialize_with = "unless_blank")]
    min_price: Option<i64>,
    /// Highest price, inclusive, in minor units of the currency.
    #[serde(default, deserialize_with = "unless_blank")]
    max_price: Option<i64>,
    /// `true` for products that can be bought, `false` for those that are sold out.
    #[serde(default, deserialize_with = "unless_blank")]
    in_stock: Option<bool>,
    /// Only products with fewer units than this. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    stock_below: Option<i64>,
    /// Sort order: `relevance` (default; matches in the name first, then the most sold), `price`, `-price`, `name`, `newest`.
    #[serde(default, deserialize_with = "unless_blank")]
    #[param(value_type = Option<String>, pattern = "^(relevance|price|-price|name|newest)$", example = "-price")]
    sort: Option<Sort>,
    /// Page number, counted from 0. Default: 0.
    #[serde(default, deserialize_with = "unless_blank")]
    page: Option<u32>,
    /// Products on a page, 1 to 100. Default: 20.
    #[serde(default, deserialize_with = "unless_blank")]
    size: Option<u32>,
}

/// A page of products, with facets over all that match.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductList {
    /// Matching products on this page.
    items: Vec<ProductView>,
    /// Page number, counted from 0.
    page: u32,
    /// Maximum number of products on a page.
    size: u32,
    /// Number of products on all pages.
    total: u64,
    /// Categories, prices and availability of all matching products.
    facets: FacetsView,
}

/// Facets over all matching products. Each facet ignores the filter of its own kind, so that it shows what another choice
/// would find.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FacetsView {
    /// Categories that have matching products in or below them.
    categories: Vec<CategoryFacet>,
    /// Lowest and highest price; `null` when no product matches.
    price: Option<PriceFacet>,
    /// Number of products that can be bought.
    in_stock: u64,
}

/// A category with the number of matching products in or below it.
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
    /// Number of matching products in or below the category.
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

/// Searches the catalogue. `stockBelow` requires an admin's token.
#[utoipa::path(get, path = "", params(ListQuery), responses(
    (status = 200, body = ProductList),
    (status = 400, description = "`query.invalid`"),
    (status = 401, description = "`auth.token_missing`: `stockBelow` requires a token"),
    (status = 403, description = "`auth.forbidden`: `stockBelow` requires an admin"),
))]
pub(crate) async fn handle(
    State(app): State<App>,
    admin: Result<Admin, Problem>,
    Query(query): Query<ListQuery>,
) -> Result<Response, ProductError> {
    let caching = if query.stock_below.is_some() {
        admin.map_err(ProductError::Extractor)?;
        HeaderValue::from_static("no-store")
    } else {
        PUBLIC
    };
    let page = page(&query)?;
    let sort = query.sort.unwrap_or(Sort::Relevance);
    let found = app.store.search(&filter(query)?, sort, page).await?;
    Ok(([(header::CACHE_CONTROL, caching)], Json(list(found, page))).into_response())
}

fn page(query: &ListQuery) -> Result<PageRequest, ProductError> {
    let default = PageRequest::default();
    let size = query.size.unwrap_or(default.size);
    if !(1..=MAX_PAGE_SIZE).contains(&size) {
        return Err(ProductError::Query(format!("size must be 1 to {MAX_PAGE_SIZE}")));
    }
    Ok(PageRequest { page: query.page.unwrap_or(default.page), size })
}

fn filter(query: ListQuery) -> Result<Filter, ProductError> {
    let words = normalized(&query.q.unwrap_or_default());
    if words.chars().count() > MAX_QUERY {
        return Err(ProductError::Query(format!("q must have at most {MAX_QUERY} characters")));
    }
    let folded = text::fold(&words);
    let words = folded.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
    Ok(Filter {
        words: words.take(MAX_WORDS).collect(),
        category: query.category.filter(|category| !category.is_empty()),
        min_price: query.min_price,
        max_price: query.max_price,
        in_stock: query.in_stock,
        stock_below: query.stock_below,
    })
}

fn list(found: SearchResult, page: PageRequest) -> ProductList {
    let category = |CategoryCount { category, count }| CategoryFacet {
        category_id: category.category_id,
        parent_id: category.parent_id,
        slug: category.slug,
        name: category.name,
        count,
    };
    ProductList {
        items: found.products.into_iter().map(ProductView::from).collect(),
        page: page.page,
        size: page.size,
        total: found.total,
        facets: FacetsView {
            categories: found.facets.categories.into_iter().map(category).collect(),
            price: found.facets.prices.map(|(min, max)| PriceFacet { min, max }),
            in_stock: found.facets.in_stock,
        },
    }
}

fn unless_blank<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| D::Error::custom(format!("'{text}': {error}")))
}

impl FromStr for Sort {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "relevance" => Ok(Self::Relevance),
            "price" => Ok(Self::Price),
            "-price" => Ok(Self::PriceDown),
            "name" => Ok(Self::Name),
            "newest" => Ok(Self::Newest),
            _ => Err("sort must be relevance, price, -price, name or newest"),
        }
    }
}
