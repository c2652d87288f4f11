//! `robots.txt` and the sitemap (<https://www.sitemaps.org/protocol.html>), read from the catalogue and kept for an
//! hour.

use std::{fmt::Write, sync::Arc, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use quick_cache::sync::Cache;
use serde::Deserialize;
use souk_values::{Clock, Timestamp, page::MAX_PAGE_SIZE};

use super::{
    catalogue::{Catalogue, parse},
    escape,
};
use crate::error::GatewayError;

/// Products in a part of the sitemap; the protocol allows 50,000, but a part is made while its reader waits.
const PART: u64 = 2_000;
/// Parts that are kept.
const KEPT: usize = 64;
const KEPT_FOR: Duration = Duration::from_hours(1);
/// Time limit of one read of the catalogue.
const READ_LIMIT: Duration = Duration::from_secs(2);

/// Pages of a person, which a search engine cannot see.
const PRIVATE: [&str; 9] =
    ["/admin", "/api/", "/account", "/buy-again", "/cart", "/checkout", "/notices", "/orders", "/wishlist"];

pub(super) struct Sitemap {
    url: String,
    catalogue: Catalogue,
    clock: Arc<dyn Clock>,
    kept: Cache<Part, (Timestamp, Bytes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Index,
    Pages,
    /// Products, counted from 0.
    Products(u64),
}

#[derive(Deserialize)]
struct Slugs {
    items: Vec<Slug>,
    total: u64,
}

#[derive(Deserialize)]
struct Slug {
    slug: String,
}

impl Sitemap {
    pub fn new(url: String, catalogue: Catalogue, clock: Arc<dyn Clock>) -> Self {
        Self { url, catalogue, clock, kept: Cache::new(KEPT) }
    }

    /// Responds with `robots.txt` or a part of the sitemap; `None` if `path` is neither.
    ///
    /// Errors: the catalogue has no such part, or cannot be read now.
    pub async fn response(&self, path: &str) -> Option<Result<Response<Body>, GatewayError>> {
        if path == "robots.txt" {
            return Some(Ok(text(self.robots().into(), "text/plain; charset=utf-8")));
        }
        let part = part(path)?;
        Some(self.part(part).await.map(|body| text(body, "application/xml; charset=utf-8")))
    }

    fn robots(&self) -> String {
        let mut lines = String::from("User-agent: *\n");
        for path in PRIVATE {
            // Writing to a string cannot fail.
            let _ = writeln!(lines, "Disallow: {path}");
        }
        let _ = write!(lines, "\nSitemap: {}/sitemap.xml\n", self.url);
        lines
    }

    async fn part(&self, part: Part) -> Result<Bytes, GatewayError> {
        let now = self.clock.now();
        if let Some((at, body)) = self.kept.get(&part)
            && now.since(at) < KEPT_FOR
        {
            return Ok(body);
        }
        let body = Bytes::from(match part {
            Part::Index => self.index().await?,
            Part::Pages => self.pages().await?,
            Part::Products(part) => self.products(part).await?,
        });
        self.kept.insert(part, (now, body.clone()));
        Ok(body)
    }

    async fn index(&self) -> Result<String, GatewayError> {
        let total = self.read("/products?size=1&sort=name&groups=false").await?.total;
        let parts = (0..total.div_ceil(PART)).map(|part| format!("/sitemap/products-{part}.xml"));
        let addresses = ["/sitemap/pages.xml".to_owned()].into_iter().chain(parts);
        Ok(self.document("sitemapindex", "sitemap", addresses))
    }

    async fn pages(&self) -> Result<String, GatewayError> {
        let categories =
            self.read("/categories").await?.items.into_iter().map(|category| format!("/c/{}", category.slug));
        Ok(self.document("urlset", "url", ["/".to_owned()].into_iter().chain(categories)))
    }

    async fn products(&self, part: u64) -> Result<String, GatewayError> {
        let pages = PART / u64::from(MAX_PAGE_SIZE);
        let mut addresses = Vec::new();
        for page in (0..pages).map(|page| part.saturating_mul(pages).saturating_add(page)) {
            let list = self.read(&format!("/products?size={MAX_PAGE_SIZE}&sort=name&groups=false&page={page}")).await?;
            let is_last = (page + 1) * u64::from(MAX_PAGE_SIZE) >= list.total;
            addresses.extend(list.items.into_iter().map(|product| format!("/products/{}", product.slug)));
            if is_last {
                break;
            }
        }
        if addresses.is_empty() { Err(GatewayError::NoRoute) } else { Ok(self.document("urlset", "url", addresses)) }
    }

    async fn read(&self, address: &str) -> Result<Slugs, GatewayError> {
        match self.catalogue.get(address, READ_LIMIT).await {
            Some((StatusCode::OK, body)) => parse(&body).ok_or_else(unreadable),
            // A page beyond the last is refused once its number is too large.
            Some((status, _)) if status.is_client_error() => Err(GatewayError::NoRoute),
            _ => Err(unreadable()),
        }
    }

    fn document(&self, root: &str, item: &str, addresses: impl IntoIterator<Item = String>) -> String {
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
        );
        for address in addresses {
            // Writing to a string cannot fail.
            let _ = writeln!(xml, "<{item}><loc>{}</loc></{item}>", escape(&format!("{}{address}", self.url)));
        }
        let _ = writeln!(xml, "</{root}>");
        xml
    }
}

fn part(path: &str) -> Option<Part> {
    match path {
        "sitemap.xml" => Some(Part::Index),
        "sitemap/pages.xml" => Some(Part::Pages),
        _ => path.strip_prefix("sitemap/products-")?.strip_suffix(".xml")?.parse().ok().map(Part::Products),
    }
}

fn unreadable() -> GatewayError {
    GatewayError::NoInstance("product".to_owned())
}

fn text(body: Bytes, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
