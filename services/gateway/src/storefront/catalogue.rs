//! Reads of the catalogue and of the shop's facts for a page's first view, through the same API as the web shop's own.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use souk_values::{CategoryId, Money};

use super::Shown;
use crate::{shop_facts::FactsReader, upstreams::Upstreams};

const SERVICE: &str = "product";
/// Time after which a page is sent without what was not read yet: the web shop reads it itself.
const READ_LIMIT: Duration = Duration::from_millis(60);

/// Everything but the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const SHOP: &str = "/shop";
const CATEGORIES: &str = "/categories";
const BEST_SOLD: &str = "/products?size=8";
const NEWEST: &str = "/products?size=8&sort=newest";

#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    upstreams: Upstreams,
    facts: FactsReader,
}

/// The facts that were read for a page.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// False if the page's category or product certainly does not exist.
    pub exists: bool,
    /// Slug of the product that the address names by its id.
    pub redirect: Option<String>,
    pub categories: Vec<Category>,
    pub products: Option<ProductList>,
    pub product: Option<Product>,
    /// Responses by the address that the web shop requests them at.
    responses: Vec<(String, Bytes)>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProductList {
    pub items: Vec<Product>,
    pub total: u64,
    pub facets: Facets,
}

#[derive(Debug, Deserialize)]
pub(super) struct Facets {
    pub categories: Vec<Category>,
}

/// A category, with the number of its products where it is a facet.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Category {
    #[expect(clippy::struct_field_names, reason = "ids have the same name everywhere")]
    pub category_id: CategoryId,
    pub parent_id: Option<CategoryId>,
    pub slug: String,
    pub name: String,
    #[serde(default)]
    pub count: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Product {
    pub name: String,
    pub slug: String,
    #[serde(default)]
    pub sku: String,
    #[serde(default)]
    pub description: String,
    pub price: Money,
    pub stock: i64,
    pub category_id: CategoryId,
    pub image_url: Option<String>,
    pub brand: Option<String>,
    pub compare_at_price: Option<Money>,
    pub group_name: Option<String>,
    #[serde(default)]
    pub options: Vec<ProductOption>,
    /// Lowest price of the group, in lists of groups.
    pub price_from: Option<Money>,
    /// In lists of groups.
    #[serde(default)]
    pub prices_differ: bool,
    #[serde(default)]
    pub pictures: Vec<ProductPicture>,
}

/// An option of a variant; its name is not shown.
#[derive(Debug, Deserialize)]
pub(super) struct ProductOption {
    pub value: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProductPicture {
    pub url: String,
    #[serde(default)]
    pub alt: String,
}

#[derive(Deserialize)]
struct CategoryList {
    items: Vec<Category>,
}

impl Found {
    /// Returns the responses as the JSON object that the web shop takes them from. It can stand in HTML.
    pub fn data(&self) -> String {
        let entries = self.responses.iter().map(|(address, body)| {
            let key = serde_json::Value::from(format!("/api{address}"));
            // `<` occurs only within strings.
            format!("{key}:{}", String::from_utf8_lossy(body)).replace('<', "\\u003c")
        });
        format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
    }

    pub fn category(&self, slug: &str) -> Option<&Category> {
        self.categories.iter().find(|category| category.slug == slug)
    }

    /// Returns the categories from the top down to `category`.
    pub fn path(&self, category: CategoryId) -> Vec<&Category> {
        let mut path: Vec<&Category> = Vec::new();
        let mut next = Some(category);
        // A tree has no circle; the bound holds if a response has one.
        while let Some(id) = next.filter(|_| path.len() < self.categories.len()) {
            let found = self.categories.iter().find(|category| category.category_id == id);
            path.extend(found);
            next = found.and_then(|category| category.parent_id);
        }
        path.reverse();
        path
    }

    fn add(&mut self, shown: &Shown<'_>, address: String, response: Option<(StatusCode, Bytes)>) {
        let Some((status, body)) = response else { return };
        if status != StatusCode::OK {
            let is_product = matches!(shown, Shown::Product(slug) if address == by_slug(slug));
            self.exists &= !(is_product && status == StatusCode::NOT_FOUND);
            return;
        }
        let is_used = match address.as_str() {
            CATEGORIES => {
                self.categories = parse::<CategoryList>(&body).map(|list| list.items).unwrap_or_default();
                !self.categories.is_empty()
            }
            NEWEST => true,
            _ if matches!(shown, Shown::Product(_)) => {
                self.product = parse(&body);
                self.product.is_some()
            }
            _ => {
                self.products = parse(&body);
                self.products.is_some()
            }
        };
        if is_used {
            self.responses.push((address, body));
        }
    }
}

impl Catalogue {
    pub fn new(upstreams: Upstreams, facts: FactsReader) -> Self {
        Self { upstreams, facts }
    }

    /// Reads what the first view of a page shows. What cannot be read in time is left out.
    pub(super) async fn read(&self, shown: &Shown<'_>) -> Found {
        let mut found = Found { exists: true, ..Found::default() };
        let mut addresses = vec![CATEGORIES.to_owned()];
        match shown {
            Shown::Home => addresses.extend([BEST_SOLD.to_owned(), NEWEST.to_owned()]),
            Shown::Category { slug, has_filters: false } => {
                addresses.push(format!("/products?category={}&size=24", encoded(slug)));
            }
            Shown::Category { has_filters: true, .. } => {}
            Shown::Product(slug) => addresses.push(by_slug(slug)),
            Shown::Other => addresses.clear(),
        }
        let facts = tokio::time::timeout(READ_LIMIT, self.facts.complete());
        let responses = join_all(addresses.iter().map(|address| self.get(address, READ_LIMIT)));
        let (facts, responses) = tokio::join!(facts, responses);
        if let Ok(Some(facts)) = facts {
            found.responses.push((SHOP.to_owned(), facts));
        }
        for (address, response) in addresses.into_iter().zip(responses) {
            found.add(shown, address, response);
        }
        match shown {
            Shown::Category { slug, .. } if !found.categories.is_empty() => {
                found.exists = found.category(slug).is_some();
            }
            Shown::Product(id) if !found.exists && id.bytes().all(|byte| byte.is_ascii_digit()) => {
                found.redirect = self.slug_of(id).await;
            }
            _ => {}
        }
        found
    }

    /// Returns the slug of the product with this id.
    async fn slug_of(&self, id: &str) -> Option<String> {
        match self.get(&format!("/products/{id}"), READ_LIMIT).await {
            Some((StatusCode::OK, body)) => parse::<Product>(&body).map(|product| product.slug),
            _ => None,
        }
    }

    /// Sends a request to product; `None` if there is no response within `limit`.
    pub(super) async fn get(&self, address: &str, limit: Duration) -> Option<(StatusCode, Bytes)> {
        match tokio::time::timeout(limit, self.upstreams.get(SERVICE, address)).await {
            Ok(Ok(response)) => Some(response),
            Ok(Err(error)) => {
                tracing::debug!(service = "gateway", error, "the catalogue could not be read for a page");
                None
            }
            Err(_) => {
                tracing::debug!(service = "gateway", address, "the catalogue took too long for a page");
                None
            }
        }
    }
}

fn by_slug(slug: &str) -> String {
    format!("/products/by-slug/{}", encoded(slug))
}

/// Encodes a slug as browsers do in a path and in the value of a query.
pub(super) fn encoded(slug: &str) -> PercentEncode<'_> {
    utf8_percent_encode(slug, ENCODED)
}

/// Parses a response of product; `None` if it does not have the expected form.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let parsed = serde_json::from_slice(body);
    parsed
        .inspect_err(|error| tracing::warn!(service = "gateway", %error, "a response of product is not as expected"))
        .ok()
}

#[cfg(test)]
mod tests {
    use souk_values::Id;

    use super::*;

    #[test]
    fn data_cannot_end_its_script() {
        let body = Bytes::from_static(br#"{"name":"</script><script>alert(1)"}"#);
        let found = Found { responses: vec![("/products?size=8".to_owned(), body)], ..Found::default() };
        let data = found.data();
        assert!(!data.contains('<'), "{data}");
        let parsed: serde_json::Value = serde_json::from_str(&data).unwrap();
        assert_eq!(parsed["/api/products?size=8"]["name"], "</script><script>alert(1)");
    }

    #[test]
    fn slugs_are_encoded_as_browsers_do() {
        assert_eq!(encoded("cast-iron_20.5~cm").to_string(), "cast-iron_20.5~cm");
        assert_eq!(encoded("a&b=ü").to_string(), "a%26b%3D%C3%BC");
    }

    #[test]
    fn a_path_ends_in_a_circle_too() {
        let category = |id: i64, parent: Option<i64>| Category {
            category_id: CategoryId::new(id).unwrap(),
            parent_id: parent.map(|parent| CategoryId::new(parent).unwrap()),
            slug: format!("c{id}"),
            name: format!("C{id}"),
            count: 0,
        };
        let tree = Found { categories: vec![category(1, None), category(2, Some(1))], ..Found::default() };
        let path: Vec<&str> = tree.path(CategoryId::new(2).unwrap()).iter().map(|it| it.slug.as_str()).collect();
        assert_eq!(path, ["c1", "c2"]);
        let circle = Found { categories: vec![category(1, Some(2)), category(2, Some(1))], ..Found::default() };
        assert_eq!(circle.path(CategoryId::new(2).unwrap()).len(), 2);
    }
}
