//! `GET /products`.

use std::{fmt::Display, str::FromStr};

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use souk_kit::{Problem, auth::Admin, extract::Query};
use souk_values::{CategoryId, Money, PageRequest, page::MAX_PAGE_SIZE};
use utoipa::{IntoParams, ToSchema};

use super::{conditional::PUBLIC, product_view::ProductView};
use crate::{
    App,
    error::ProductError,
    store::{CategoryCount, Filter, Found, Sort},
    words,
};

/// The longest `q`, characters.
const MAX_QUESTION: usize = 200;
/// Words of `q` that are looked for; the rest are left out.
const MAX_WORDS: usize = 8;

/// What is looked for. A parameter without a value is as one that is missing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Words that must all be in name, SKU, attributes or description; at most 200 characters.
    #[serde(default)]
    q: Option<String>,
    /// Slug or id of a category; what lies below it belongs to it.
    #[serde(default)]
    category: Option<String>,
    /// Minor units.
    #[serde(default, deserialize_with = "unless_blank")]
    min_price: Option<i64>,
    /// Minor units.
    #[serde(default, deserialize_with = "unless_blank")]
    max_price: Option<i64>,
    /// `true`: what can be bought; `false`: what is sold out.
    #[serde(default, deserialize_with = "unless_blank")]
    in_stock: Option<bool>,
    /// Fewer units than this. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    stock_below: Option<i64>,
    /// `relevance` (names first, then what sells most), `price`, `-price`, `name`, `newest`.
    #[serde(default, deserialize_with = "unless_blank")]
    #[param(value_type = Option<String>, pattern = "^(relevance|price|-price|name|newest)$", example = "-price")]
    sort: Option<Sort>,
    /// From 0.
    #[serde(default, deserialize_with = "unless_blank")]
    page: Option<u32>,
    /// 1 to 100; 20.
    #[serde(default, deserialize_with = "unless_blank")]
    size: Option<u32>,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductList {
    /// Of this page.
    items: Vec<ProductView>,
    /// Which page, from 0.
    page: u32,
    /// Products asked for.
    size: u32,
    /// Products in the whole list.
    total: u64,
    /// What could be chosen next.
    facets: FacetsView,
}

/// What the matching products have in common. Each facet leaves its own filter out, so that it shows what
/// choosing otherwise would find.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FacetsView {
    /// Categories with matching products in or below them.
    categories: Vec<CategoryFacet>,
    /// The lowest and the highest price; null when nothing matches.
    price: Option<PriceFacet>,
    /// How many can be bought.
    in_stock: u64,
}

/// A category and how many match in or below it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CategoryFacet {
    /// Which.
    category_id: CategoryId,
    /// Under which; null at the top.
    parent_id: Option<CategoryId>,
    /// Its slug.
    slug: String,
    /// Its name.
    name: String,
    /// How many products.
    count: u64,
}

/// The range of prices.
#[derive(Debug, Serialize, ToSchema)]
struct PriceFacet {
    /// The lowest.
    min: Money,
    /// The highest.
    max: Money,
}

/// Finds products.
#[utoipa::path(get, path = "", params(ListQuery), responses(
    (status = 200, body = ProductList),
    (status = 400, description = "`query.invalid`"),
    (status = 401, description = "`stockBelow` without a token: `auth.token_missing`"),
    (status = 403, description = "`stockBelow` and no admin: `auth.forbidden`"),
))]
pub async fn handle(
    State(app): State<App>,
    admin: Result<Admin, Problem>,
    Query(query): Query<ListQuery>,
) -> Result<Response, ProductError> {
    let caching = if query.stock_below.is_some() {
        admin.map_err(ProductError::Frame)?;
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
    let usual = PageRequest::default();
    let size = query.size.unwrap_or(usual.size);
    if !(1..=MAX_PAGE_SIZE).contains(&size) {
        return Err(ProductError::Query(format!("size is 1 to {MAX_PAGE_SIZE}")));
    }
    Ok(PageRequest { page: query.page.unwrap_or(usual.page), size })
}

fn filter(query: ListQuery) -> Result<Filter, ProductError> {
    let question = query.q.unwrap_or_default();
    if question.chars().count() > MAX_QUESTION {
        return Err(ProductError::Query(format!("q has at most {MAX_QUESTION} characters")));
    }
    let question = words::fold(&question);
    let words = question.split(' ').filter(|word| !word.is_empty()).map(str::to_owned);
    Ok(Filter {
        words: words.take(MAX_WORDS).collect(),
        category: query.category.filter(|category| !category.is_empty()),
        min_price: query.min_price,
        max_price: query.max_price,
        in_stock: query.in_stock,
        stock_below: query.stock_below,
    })
}

fn list(found: Found, page: PageRequest) -> ProductList {
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
            _ => Err("sort is relevance, price, -price, name or newest"),
        }
    }
}
