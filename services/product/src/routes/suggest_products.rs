//! `GET /products/suggest`: suggestions while a query is typed.

use axum::{extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};
use souk_kit::extract::{Query, search_terms};
use souk_values::{CategoryId, Money, ProductId};
use utoipa::{IntoParams, ToSchema};

use crate::{
    answers::Prepared,
    app::App,
    error::ProductError,
    index::{CatalogueIndex, Suggested, SuggestedProduct},
    reading,
};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SuggestQuery {
    /// The query as far as it is typed, at most 200 characters.
    #[serde(default)]
    #[param(example = "skil")]
    q: String,
}

/// What a query may become.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suggestions {
    /// The best matches, at most 6, one of each group of variants.
    products: Vec<ProductSuggestion>,
    /// Categories whose names match, at most 3.
    categories: Vec<CategorySuggestion>,
    /// Brands whose names match, at most 3.
    brands: Vec<String>,
    /// The query as it was understood, when a word was found only with typos; else `null`.
    corrected: Option<String>,
    /// Number of all entries that `GET /products` lists for this query.
    total: u64,
}

/// A product that matches what is typed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProductSuggestion {
    /// Unique id of the product.
    product_id: ProductId,
    /// Unique part of the URL.
    slug: String,
    /// Name of its group.
    name: String,
    /// URL of its main picture; `null` when there is none.
    image_url: Option<String>,
    /// Name of the maker; `null` when it is not known.
    brand: Option<String>,
    /// Lowest price of the group's variants.
    price_from: Money,
    /// True when the group's variants have different prices.
    prices_differ: bool,
}

/// A category whose name matches what is typed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CategorySuggestion {
    /// Unique id of the category.
    category_id: CategoryId,
    /// Unique part of the URL.
    slug: String,
    /// Name of the category.
    name: String,
}

/// Suggests products, categories and brands for what is typed, and what was meant if it has a typo. Nothing is suggested
/// while the service prepares its index, for some seconds after its first start.
#[utoipa::path(get, path = "", params(SuggestQuery), responses(
    (status = 200, body = Suggestions),
    (status = 400, description = "`query.invalid`"),
))]
pub(crate) async fn handle(
    State(app): State<App>,
    Query(query): Query<SuggestQuery>,
    headers: HeaderMap,
) -> Result<Response, ProductError> {
    let typed = search_terms(&query.q).map_err(ProductError::Query)?;
    // A list has another first letter, so that no key is of both.
    let key = format!("?{typed}");
    if let Some(kept) = app.ready_index().and_then(|index| app.answers.list(&key, index)) {
        return Ok(kept.response(&headers));
    }
    let epoch = app.ready_index().map(CatalogueIndex::epoch);
    let suggested = if typed.is_empty() { None } else { reading::suggest(&app, typed).await };
    let prepared = Prepared::hashed(&suggested.map_or_else(Suggestions::default, Suggestions::from))?;
    if let Some(epoch) = epoch {
        app.answers.keep_list(&key, epoch, prepared.clone());
    }
    Ok(prepared.response(&headers))
}

impl From<Suggested> for Suggestions {
    fn from(suggested: Suggested) -> Self {
        let Suggested { products, categories, brands, corrected, total } = suggested;
        let categories = categories.into_iter().map(|category| CategorySuggestion {
            category_id: category.category_id,
            slug: category.slug,
            name: category.name,
        });
        Self {
            products: products.into_iter().map(ProductSuggestion::from).collect(),
            categories: categories.collect(),
            brands,
            corrected,
            total,
        }
    }
}

impl From<SuggestedProduct> for ProductSuggestion {
    fn from(product: SuggestedProduct) -> Self {
        let SuggestedProduct { product_id, slug, name, image_url, brand, price_from, prices_differ } = product;
        Self { product_id, slug, name, image_url, brand, price_from, prices_differ }
    }
}
