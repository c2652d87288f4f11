//! Parameters of `GET /products`.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _,
        value::{Error as ValueError, MapDeserializer},
    },
};
use souk_kit::{
    extract::{listed_ids, search_terms},
    text::normalized,
};
use souk_values::{PageRequest, ProductId, page::MAX_PAGE_SIZE};
use utoipa::IntoParams;

use crate::{
    error::ProductError,
    store::{Entries, Filter, Sort},
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
    pub ids: Option<String>,
    /// Only products with fewer units than this. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    stock_below: Option<i64>,
    /// `true` for the products that were deleted from the catalogue. For admins.
    #[serde(default, deserialize_with = "unless_blank")]
    hidden: Option<bool>,
    /// Sort order: `relevance` (default; matches in the name first, then the most sold), `price`, `-price`, `name`, `newest`;
    /// for admins also `stock`, `-stock`.
    #[serde(default, deserialize_with = "unless_blank")]
    #[param(value_type = Option<Sort>, inline, example = "-price")]
    pub sort: Option<Sort>,
    /// Page number, counted from 0. Default: 0.
    #[serde(default, deserialize_with = "unless_blank")]
    page: Option<u32>,
    /// Products on a page, 1 to 100. Default: 20.
    #[serde(default, deserialize_with = "unless_blank")]
    size: Option<u32>,
}

impl ListQuery {
    /// Errors: an unknown parameter, one that is repeated though it may not be, or one whose value has another form.
    pub(super) fn read(parameters: Vec<(String, String)>) -> Result<Self, ProductError> {
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

    pub(super) fn is_for_admins(&self) -> bool {
        self.stock_below.is_some()
            || self.hidden == Some(true)
            || matches!(self.sort, Some(Sort::Stock | Sort::StockDown))
    }

    pub(super) fn entries(&self) -> Entries {
        if self.groups.unwrap_or(!self.is_for_admins()) { Entries::Groups } else { Entries::Products }
    }

    /// Errors: another parameter is given too, an id is none, or there are too many.
    pub(super) fn by_ids(&self, ids: &str) -> Result<Vec<ProductId>, ProductError> {
        let is_alone = [&self.q, &self.category].into_iter().flatten().all(String::is_empty)
            && self.brand.is_empty()
            && self.options.is_empty()
            && !self.is_for_admins()
            && self.min_price.or(self.max_price).is_none()
            && self.in_stock.or(self.groups).or(self.hidden).is_none()
            && self.page.or(self.size).is_none()
            && self.sort.is_none();
        if !is_alone {
            return Err(ProductError::Query("ids cannot be combined with other parameters".to_owned()));
        }
        let mut wanted = Vec::new();
        for id in listed_ids(ids, "product").map_err(ProductError::Query)? {
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        }
        if wanted.len() > MAX_IDS {
            return Err(ProductError::Query(format!("ids: at most {MAX_IDS}")));
        }
        Ok(wanted)
    }

    pub(super) fn page(&self) -> Result<PageRequest, ProductError> {
        let default = PageRequest::default();
        let size = self.size.unwrap_or(default.size);
        if !(1..=MAX_PAGE_SIZE).contains(&size) {
            return Err(ProductError::Query(format!("size must be 1 to {MAX_PAGE_SIZE}")));
        }
        Ok(PageRequest::numbered(self.page.unwrap_or(default.page), size))
    }

    pub(super) fn filter(&self) -> Result<Filter, ProductError> {
        Ok(Filter {
            query: search_terms(self.q.as_deref().unwrap_or_default()).map_err(ProductError::Query)?,
            category: self.category.clone().filter(|category| !category.is_empty()),
            min_price: self.min_price,
            max_price: self.max_price,
            in_stock: self.in_stock,
            stock_below: self.stock_below,
            brands: self.brand.clone(),
            options: self.options.clone(),
            hidden: self.hidden == Some(true),
        })
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
