//! `GET /products`: searches the catalogue.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{
        Error as _,
        value::{Error as ValueError, MapDeserializer},
    },
};
use souk_kit::{Problem, auth::Admin, extract::Query, text::normalized};
use souk_values::{CategoryId, Id as _, Money, PageRequest, ProductId, page::MAX_PAGE_SIZE};
use utoipa::{IntoParams, ToSchema};

use super::{conditional::NEVER, product_view::ProductView, rules::search_terms};
use crate::{
    answers::Prepared,
    app::App,
    error::ProductError,
    index::CatalogueIndex,
    reading,
    store::{CategoryCount, Entries, Filter, ListEntry, OptionCount, SearchResult, Sort},
};

/// Maximum number of `ids`.
const MAX_IDS: usize = 100;
/// Maximum number of options of a filter, and of values of one of them or of brands.
const MAX_OPTIONS: usize = 8;
const MAX_VALUES: usize = 30;

/// An empty parameter is the same as an absent one: search forms send all their fields.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Search terms, at most 200 characters. Each of them has to occur, or to begin a word, in name, brand, category, SKU,
    /// barcode, attributes or description; forms of English and German words count, and typos if nothing else is found.
    #[serde(default, deserialize_with = "unless_blank")]
    q: Option<String>,
    /// Slug or id of a category; products of the categories below it are included.
    #[serde(default, deserialize_with = "unless_blank")]
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
    /// Name of a brand, as the facet `brands` writes it; may be repeated: a product of any of them matches.
    #[serde(skip)]
    #[param(required = false)]
    brand: Vec<String>,
    /// Values of options: read from parameters such as `option.Diameter=26 cm`.
    #[serde(skip)]
    #[param(ignore)]
    options: BTreeMap<String, Vec<String>>,
    /// `true` for one entry per group of variants, `false` for one per product. Default: `true`; `false` with a parameter for
    /// admins.
    #[serde(default, deserialize_with = "unless_blank")]
    groups: Option<bool>,
    /// Ids of products, separated by commas, at most 100: the list is these products in this order, less those that the shop
    /// does not sell, on one page without facets. Only `ids` itself may be given.
    #[serde(default, deserialize_with = "unless_blank")]
    #[param(example = "246290604621824,246290604621825")]
    ids: Option<String>,
    /// Only products with fewer units than this. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    stock_below: Option<i64>,
    /// `true` for the products that were deleted from the catalogue. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    hidden: Option<bool>,
    /// Sort order: `relevance` (default; matches in the name first, then the most sold), `price`, `-price`, `name`, `newest`;
    /// for admins also `stock`, `-stock`.
    #[serde(default, deserialize_with = "unless_blank")]
    #[param(value_type = Option<String>, pattern = "^(relevance|price|-price|name|newest|stock|-stock)$", example = "-price")]
    sort: Option<Sort>,
    /// Page number, counted from 0. Default: 0.
    #[serde(default, deserialize_with = "unless_blank")]
    page: Option<u32>,
    /// Products on a page, 1 to 100. Default: 20.
    #[serde(default, deserialize_with = "unless_blank")]
    size: Option<u32>,
}

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
        let found = app.store.products(&by_ids(&query, ids)?).await?.into_iter();
        one_page(found.map(|product| view(ListEntry { product, group: None })).collect())
    } else {
        let page = page(&query)?;
        let sort = query.sort.unwrap_or(Sort::Relevance);
        let (filter, entries) = (filter(&query)?, query.entries());
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

impl ListQuery {
    /// Errors: an unknown parameter, one that is repeated though it may not be, or one whose value has another form.
    fn read(parameters: Vec<(String, String)>) -> Result<Self, ProductError> {
        let (mut brands, mut options) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
        let mut others = Vec::with_capacity(parameters.len());
        for (name, value) in parameters {
            if name == "brand" {
                brands.push(normalized(&value));
            } else if let Some(option) = name.strip_prefix("option.") {
                options.entry(normalized(option)).or_default().push(normalized(&value));
            } else {
                others.push((name, value));
            }
        }
        brands.retain(|brand| !brand.is_empty());
        for values in options.values_mut() {
            values.retain(|value| !value.is_empty());
        }
        options.retain(|_, values| !values.is_empty());
        if options.len() > MAX_OPTIONS
            || options.values().map(Vec::len).chain([brands.len()]).any(|many| many > MAX_VALUES)
        {
            return Err(ProductError::Query(format!("at most {MAX_OPTIONS} options, and {MAX_VALUES} values of one")));
        }
        let others = MapDeserializer::<_, ValueError>::new(others.into_iter());
        let query = Self::deserialize(others).map_err(|error| ProductError::Query(error.to_string()))?;
        Ok(Self { brand: brands, options, ..query })
    }

    fn is_for_admins(&self) -> bool {
        self.stock_below.is_some()
            || self.hidden == Some(true)
            || matches!(self.sort, Some(Sort::Stock | Sort::StockDown))
    }

    fn entries(&self) -> Entries {
        if self.groups.unwrap_or(!self.is_for_admins()) { Entries::Groups } else { Entries::Products }
    }
}

/// Errors: another parameter is given too, an id is none, or there are too many.
fn by_ids(query: &ListQuery, ids: &str) -> Result<Vec<ProductId>, ProductError> {
    let is_alone = [&query.q, &query.category].into_iter().flatten().all(String::is_empty)
        && query.brand.is_empty()
        && query.options.is_empty()
        && !query.is_for_admins()
        && query.min_price.or(query.max_price).is_none()
        && query.in_stock.or(query.groups).or(query.hidden).is_none()
        && query.page.or(query.size).is_none()
        && query.sort.is_none();
    if !is_alone {
        return Err(ProductError::Query("ids cannot be combined with other parameters".to_owned()));
    }
    let mut wanted = Vec::new();
    for text in ids.split(',') {
        let id = text.trim().parse().ok().and_then(|number: i64| ProductId::new(number).ok());
        let id = id.ok_or_else(|| ProductError::Query(format!("ids: '{text}' is not the id of a product")))?;
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    if wanted.len() > MAX_IDS {
        return Err(ProductError::Query(format!("ids: at most {MAX_IDS}")));
    }
    Ok(wanted)
}

fn one_page(items: Vec<ProductView>) -> ProductList {
    let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
    ProductList { items, page: 0, size: count, total: count.into(), corrected: None, facets: None }
}

fn page(query: &ListQuery) -> Result<PageRequest, ProductError> {
    let default = PageRequest::default();
    let size = query.size.unwrap_or(default.size);
    if !(1..=MAX_PAGE_SIZE).contains(&size) {
        return Err(ProductError::Query(format!("size must be 1 to {MAX_PAGE_SIZE}")));
    }
    Ok(PageRequest { page: query.page.unwrap_or(default.page), size })
}

fn filter(query: &ListQuery) -> Result<Filter, ProductError> {
    Ok(Filter {
        query: search_terms(query.q.as_deref().unwrap_or_default())?,
        category: query.category.clone().filter(|category| !category.is_empty()),
        min_price: query.min_price,
        max_price: query.max_price,
        in_stock: query.in_stock,
        stock_below: query.stock_below,
        brands: query.brand.clone(),
        options: query.options.clone(),
        hidden: query.hidden == Some(true),
    })
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
            "stock" => Ok(Self::Stock),
            "-stock" => Ok(Self::StockDown),
            _ => Err("sort must be relevance, price, -price, name, newest, stock or -stock"),
        }
    }
}
