//! The web shop: its files, and its pages with a first view, so that people and search engines see products before any
//! script has run. The routing core knows nothing of it. docs/web.md describes the archive and its templates.

mod archive;
mod catalogue;
mod files;
mod first_view;
mod page;
mod route_files;
mod sitemap;
mod visitor;

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};
use souk_kit::encoding::Accepted;
use souk_values::Clock;

use self::{
    catalogue::{Found, encoded},
    files::StoredFiles,
    first_view::FirstView,
    page::{Content, Page, Skeleton},
    route_files::RouteFiles,
    sitemap::Sitemap,
    visitor::Visitor,
};
use crate::{
    error::GatewayError,
    response::{GatewayResponse, ResponseBody},
};

pub use archive::ArchiveError;
pub(crate) use catalogue::Catalogue;

/// Pages are made for a visitor's language and theme, and their data changes.
const PAGE_CACHING: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The name of the shop and the address that its visitors use, without a slash at the end.
#[derive(Debug, Clone)]
pub(crate) struct ShopFacts {
    pub name: String,
    pub url: String,
}

/// The web shop: files, pages and sitemap.
pub(crate) struct Storefront {
    shop: ShopFacts,
    files: StoredFiles,
    routes: RouteFiles,
    skeleton: Skeleton,
    first_view: FirstView,
    catalogue: Catalogue,
    sitemap: Sitemap,
}

/// The page of the web shop that an address shows, as far as it matters for its first view.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown<'p> {
    Home,
    /// A category by its slug; `has_filters` when the address has a query.
    Category {
        slug: &'p str,
        has_filters: bool,
    },
    /// A product by its slug or id.
    Product(&'p str),
    Other,
}

impl Storefront {
    /// Reads the archive of the built web shop, as `make web` packs it.
    ///
    /// Errors: the archive cannot be read, or lacks a member.
    pub fn read(
        archive: &'static [u8],
        shop: ShopFacts,
        catalogue: Catalogue,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ArchiveError> {
        let mut members = archive::read(archive)?;
        let routes = RouteFiles::parse(&members.take("routes.json")?)?;
        let index = members.take_text("index.html")?;
        let first_view = FirstView::read(&mut members)?;
        let files = StoredFiles::new(members);
        let skeleton = Skeleton::read(&index, &routes, &files)?;
        let sitemap = Sitemap::new(shop.url.clone(), catalogue.clone(), clock);
        Ok(Self { shop, files, routes, skeleton, first_view, catalogue, sitemap })
    }

    /// Responds with a file, a page, `robots.txt` or a part of the sitemap. `path` is decoded and has no leading slash.
    pub async fn response(
        &self,
        path: &str,
        uri: &Uri,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<GatewayResponse, GatewayError> {
        let accepted = Accepted::of(headers);
        let mut response = if let Some(file) = self.files.get(path) {
            file.response(accepted, headers)
        } else if let Some(response) = self.sitemap.response(path).await {
            response?
        } else {
            self.page(path, uri, headers, accepted).await?
        };
        if *method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        Ok(response.map(ResponseBody::Own))
    }

    async fn page(
        &self,
        path: &str,
        uri: &Uri,
        headers: &HeaderMap,
        accepted: Accepted,
    ) -> Result<Response<Body>, GatewayError> {
        let (files, is_known) = self.routes.of(path);
        // Programs and mistyped addresses of files get a problem instead of a page.
        if !is_known && (path.contains('.') || !visitor::wants_html(headers)) {
            return Err(GatewayError::NoRoute);
        }
        let visitor = Visitor::of(headers);
        let shown = if is_known { shown(path, uri.query()) } else { Shown::Other };
        let found = self.catalogue.read(&shown).await;
        if let Some(slug) = &found.redirect {
            return Ok(redirect(slug, uri.query()));
        }
        let status = if is_known && found.exists { StatusCode::OK } else { StatusCode::NOT_FOUND };
        let page = self.assemble(&shown, &found, path, &visitor, files);
        let mut response = accepted.compress(page.html);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, PAGE_CACHING);
        headers.insert(header::CONTENT_SECURITY_POLICY, page.policy);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding, accept-language, cookie"));
        Ok(response)
    }

    fn assemble(&self, shown: &Shown<'_>, found: &Found, path: &str, visitor: &Visitor, files: &[String]) -> Page {
        let view = self.first_view.render(&self.shop, shown, found, visitor.language);
        let head = self.first_view.head(&self.shop, shown, found, visitor.language);
        let url = format!("{}/{path}", self.shop.url);
        let preloads = self.routes.language(visitor.language).iter().chain(files);
        let content = Content { title: &head.title, head: &head.html(&url), view: &view, data: &found.data() };
        self.skeleton.fill(visitor, &content, preloads)
    }
}

fn shown<'p>(path: &'p str, query: Option<&str>) -> Shown<'p> {
    if path.is_empty() {
        return Shown::Home;
    }
    match path.split_once('/') {
        Some(("c", slug)) => Shown::Category { slug, has_filters: query.is_some_and(|query| !query.is_empty()) },
        Some(("products", slug)) => Shown::Product(slug),
        _ => Shown::Other,
    }
}

/// Leads from a product's id, which mails link to, to its page.
fn redirect(slug: &str, query: Option<&str>) -> Response<Body> {
    let mut location = format!("/products/{}", encoded(slug));
    if let Some(query) = query {
        location = format!("{location}?{query}");
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    // A query that came in a request line is a valid header value.
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Escapes text for HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_show_their_page() {
        assert_eq!(shown("", None), Shown::Home);
        assert_eq!(shown("c/coffee", Some("")), Shown::Category { slug: "coffee", has_filters: false });
        assert_eq!(shown("c/coffee", Some("inStock=true")), Shown::Category { slug: "coffee", has_filters: true });
        assert_eq!(shown("products/kettle", None), Shown::Product("kettle"));
        assert_eq!(shown("cart", None), Shown::Other);
    }

    #[test]
    fn an_id_leads_to_the_slug_with_its_query() {
        let response = redirect("ghế-gỗ", Some("utm_source=mail"));
        assert_eq!(response.headers()[header::LOCATION], "/products/gh%E1%BA%BF-g%E1%BB%97?utm_source=mail");
    }
}
