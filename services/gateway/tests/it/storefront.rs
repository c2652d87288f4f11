//! The web shop: its files, and its pages with a first view.

use std::{borrow::Cow, io::Read};

use axum::{Json, Router, extract::Path, http::StatusCode, routing::get};
use reqwest::{
    Method,
    header::{self, HeaderName},
};
use serde_json::{Value, json};
use souk_gateway::{Asset, GatewayConfig};
use souk_testkit::World;

use crate::rig::Rig;

/// The web shop as it is built.
const ARCHIVE: &[u8] = include_bytes!("../../../../web/shop.tar");
const HOSTILE: &str = "Kettle </script><script>alert(1)</script> <!--souk:data--> __NONCE__";

async fn shop() -> Rig {
    let mut world = World::new().await;
    "https://shop.example/".clone_into(&mut world.deps.shop.public_url);
    Rig::within(world, GatewayConfig::default(), |extras| {
        extras.storefront = Some(ARCHIVE);
        extras.assets = Some(asset);
    })
    .await
}

fn asset(path: &str) -> Option<Asset> {
    let body = Cow::Borrowed(b"<svg/>".as_slice());
    (path == "pictures/tea ü.svg").then_some(Asset { content_type: "image/svg+xml", body, cache: "no-cache" })
}

/// Serves a catalogue with one category and one product.
async fn serve_catalogue(rig: &Rig) {
    let product = json!({
        "productId": 7, "sku": "K-1", "name": HOSTILE, "slug": "kettle", "description": "Boils \"water\".",
        "price": {"amount": 123_450, "currency": "EUR"}, "stock": 3, "categoryId": 2, "imageUrl": "/pictures/kettle.svg",
        "attributes": {"Brand": "Harrow & Pell"},
    });
    let category = json!({"categoryId": 2, "parentId": null, "slug": "kettles", "name": "Kettles", "count": 1});
    let list = json!({"items": [product], "total": 1, "facets": {"categories": [category]}});
    let categories = json!({"items": [category], "total": 1});
    let show = move |is_known: bool| {
        let status = if is_known { StatusCode::OK } else { StatusCode::NOT_FOUND };
        (status, Json(product.clone()))
    };
    let by_id = show.clone();
    let router = Router::new()
        .route("/categories", get(async || Json(categories)))
        .route("/products", get(async || Json(list)))
        .route("/products/by-slug/{slug}", get(async move |Path(slug): Path<String>| show(slug == "kettle")))
        .route("/products/{id}", get(async move |Path(id): Path<String>| by_id(id == "7")));
    rig.world.fake_peer("product", router).await;
}

/// Requests a page as a browser does.
async fn page(rig: &Rig, path: &str, headers: &[(HeaderName, &str)]) -> reqwest::Response {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut request = client.get(format!("http://{}{path}", rig.address)).header(header::ACCEPT, "text/html");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.send().await.unwrap()
}

async fn html(rig: &Rig, path: &str, headers: &[(HeaderName, &str)]) -> String {
    page(rig, path, headers).await.text().await.unwrap()
}

fn header_of(response: &reqwest::Response, name: HeaderName) -> String {
    response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
}

/// Returns the content of the script element with this in its tag.
fn script(html: &str, attribute: &str) -> Value {
    let (_, rest) = html.split_once(attribute).unwrap();
    let (_, rest) = rest.split_once('>').unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

#[tokio::test]
async fn pages_have_a_first_view_and_its_data() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    let home = ["/api/categories", "/api/products?size=8", "/api/products?size=8&sort=newest"];
    for (path, heading, keys) in [
        ("/", "Things for every day", home.as_slice()),
        ("/c/kettles", "<h1>Kettles</h1>", &["/api/categories", "/api/products?category=kettles&size=24"]),
        ("/products/kettle", "<h1>Kettle &lt;", &["/api/categories", "/api/products/by-slug/kettle"]),
    ] {
        let response = page(&rig, path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header_of(&response, header::CACHE_CONTROL), "private, no-cache");
        let html = response.text().await.unwrap();
        assert!(html.contains(heading) && html.contains("€1,234.50"), "{path}: {html}");
        assert!(html.contains(&format!("<link rel=\"canonical\" href=\"https://shop.example{path}\">")), "{path}");
        assert!(!html.contains("<script>alert"), "{path}");
        let data = script(&html, "id=\"souk-data\"");
        assert_eq!(data.as_object().unwrap().keys().collect::<Vec<_>>(), keys, "{path}");
    }
    let structured = script(&html(&rig, "/products/kettle", &[]).await, "application/ld+json");
    assert_eq!((&structured["name"], &structured["offers"]["price"]), (&json!(HOSTILE), &json!("1234.50")));
    assert_eq!(structured["image"], "https://shop.example/pictures/kettle.svg");
}

#[tokio::test]
async fn pages_have_the_facts_of_the_shop_once_they_are_complete() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    let of_page = async |path: &str| script(&html(&rig, path, &[]).await, "id=\"souk-data\"")["/api/shop"].clone();
    assert_eq!(of_page("/").await, Value::Null, "the web shop reads them itself, and again until they are complete");
    let info = |facts: Value| {
        let info = json!({"facts": facts});
        Router::new().route("/info", get(move || async { Json(info) }))
    };
    rig.world.fake_peer("payment", info(json!({"provider": "sandbox", "testCards": []}))).await;
    rig.world.fake_peer("notification", info(json!({"sendsMail": false}))).await;
    let facts = rig.client.get("/api/shop").await.expect(200).json;
    for path in ["/", "/c/kettles", "/products/kettle", "/cart"] {
        assert_eq!(of_page(path).await, facts, "{path}");
    }
    let away = Router::new();
    rig.world.fake_peer("payment", away).await;
    assert_eq!(of_page("/").await, facts, "those of the last minute");
}

#[tokio::test]
async fn each_page_has_a_nonce_of_its_own_and_a_strict_policy() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        let response = page(&rig, "/products/kettle", &[]).await;
        let policy = header_of(&response, header::CONTENT_SECURITY_POLICY);
        assert!(policy.starts_with("default-src 'none'; script-src 'self' 'nonce-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        let html = response.text().await.unwrap();
        let attribute = format!("nonce=\"{nonce}\"");
        assert!(html.contains(&format!("ngcsp{attribute}")), "{html}");
        // Each inline script and style has it; the name of the product cannot get one.
        for element in ["<script", "<style"] {
            for tag in html.split(element).skip(1) {
                assert!(tag.split('>').next().unwrap().contains(&attribute), "{element}{tag}");
            }
        }
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test]
async fn pages_have_the_visitors_language_and_theme() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    let german = html(&rig, "/", &[(header::ACCEPT_LANGUAGE, "de-DE,de;q=0.9")]).await;
    assert!(german.contains("<html lang=\"de\">") && german.contains("1.234,50\u{a0}€"), "{german}");
    let cookies = [(header::ACCEPT_LANGUAGE, "de"), (header::COOKIE, "souk_lang=en; souk_theme=dark")];
    let english = html(&rig, "/", &cookies).await;
    assert!(english.contains("<html lang=\"en\" class=\"dark\">"), "{english}");
}

#[tokio::test]
async fn an_unknown_address_is_a_page_with_status_404() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    for path in ["/products/nothing", "/products/99", "/c/nothing", "/nothing", "/c/kettles/more"] {
        let response = page(&rig, path, &[]).await;
        assert_eq!(response.status(), 404, "{path}");
        assert!(response.text().await.unwrap().contains("<app-root"), "{path}");
    }
    for path in ["/cart", "/orders/7/pay?x=1", "/admin/products"] {
        assert_eq!(page(&rig, path, &[]).await.status(), 200, "{path}");
    }
    // Programs get a problem, and so do addresses of files.
    for path in ["/nothing", "/nothing.js", "/routes.json", "/index.html", "/first-view/home.html", "/api/nothing"] {
        rig.client.get(path).await.is_problem(404, "gateway.route_not_found");
    }
    assert_eq!(header_of(&page(&rig, "/nothing.js", &[]).await, header::CONTENT_TYPE), "application/problem+json");
    rig.client.post("/", json!({})).await.is_problem(404, "gateway.route_not_found");
}

#[tokio::test]
async fn the_id_of_a_product_leads_to_its_page() {
    let rig = shop().await;
    serve_catalogue(&rig).await;
    let moved = page(&rig, "/products/7?utm_source=mail", &[]).await;
    assert_eq!(moved.status(), 302);
    assert_eq!(header_of(&moved, header::LOCATION), "/products/kettle?utm_source=mail");
}

#[tokio::test]
async fn pages_are_served_while_the_catalogue_is_away_or_slow() {
    let rig = shop().await;
    assert_eq!(script(&html(&rig, "/products/kettle", &[]).await, "id=\"souk-data\""), json!({}));
    let slow = Router::new().fallback(async || std::future::pending::<()>().await);
    rig.world.fake_peer("product", slow).await;
    let response = page(&rig, "/c/kettles", &[]).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("<app-root"));
}

#[tokio::test]
async fn files_are_compressed_kept_and_revalidated() {
    let rig = shop().await;
    let html = html(&rig, "/cart", &[]).await;
    let path = format!("/{}", html.split("src=\"").nth(1).unwrap().split('"').next().unwrap());
    let plain = rig.client.get(&path).await.expect(200);
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!((plain.header("vary"), plain.header("content-encoding")), ("accept-encoding", ""));
    for name in ["x-content-type-options", "x-frame-options", "referrer-policy"] {
        assert_ne!(plain.header(name), "", "{name}");
    }
    for encoding in ["br", "gzip"] {
        let response = page(&rig, &path, &[(header::ACCEPT_ENCODING, encoding)]).await;
        assert_eq!(header_of(&response, header::CONTENT_ENCODING), encoding);
        let tag = header_of(&response, header::ETAG);
        let body = response.bytes().await.unwrap();
        let mut read = Vec::new();
        if encoding == "br" {
            brotli::BrotliDecompress(&mut &body[..], &mut read).unwrap();
        } else {
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut read).unwrap();
        }
        assert_eq!(String::from_utf8(read).unwrap(), plain.text);
        let known = [(header::ACCEPT_ENCODING, encoding), (header::IF_NONE_MATCH, tag.as_str())];
        let response = page(&rig, &path, &known).await;
        assert_eq!((response.status().as_u16(), header_of(&response, header::ETAG)), (304, tag));
    }
    assert_eq!(rig.client.get("/sw.js").await.expect(200).header("cache-control"), "no-cache");
    let head = rig.client.send(Method::HEAD, &path, None).await.expect(200);
    assert_eq!(head.text, "");
    let picture = rig.client.get("/pictures/tea%20%C3%BC.svg").await.expect(200);
    assert_eq!((picture.text.as_str(), picture.header("content-type")), ("<svg/>", "image/svg+xml"));
}

#[tokio::test]
async fn search_engines_find_every_page() {
    let rig = shop().await;
    rig.client.get("/sitemap.xml").await.is_problem(503, "gateway.no_instance");
    serve_catalogue(&rig).await;
    let robots = rig.client.get("/robots.txt").await.expect(200).text;
    assert!(robots.contains("Disallow: /checkout\n"), "{robots}");
    assert!(robots.ends_with("\nSitemap: https://shop.example/sitemap.xml\n"), "{robots}");
    let index = rig.client.get("/sitemap.xml").await.expect(200);
    assert_eq!(index.header("content-type"), "application/xml; charset=utf-8");
    assert!(index.text.contains("<sitemap><loc>https://shop.example/sitemap/products-0.xml</loc></sitemap>"));
    let pages = rig.client.get("/sitemap/pages.xml").await.expect(200).text;
    assert!(pages.contains("<url><loc>https://shop.example/c/kettles</loc></url>"), "{pages}");
    let products = rig.client.get("/sitemap/products-0.xml").await.expect(200).text;
    assert!(products.contains("<url><loc>https://shop.example/products/kettle</loc></url>"), "{products}");
    rig.client.get("/sitemap/products-x.xml").await.is_problem(404, "gateway.route_not_found");
}
