//! Pictures of products: uploaded by admins, served to all.

use image::ImageFormat;
use reqwest::Response;
use serde_json::Value;
use souk_events::{ProductChanged, queue};
use souk_values::ProductId;

use crate::{
    drawing::{drawn, encoded, photo_on_its_side, read},
    shop::Shop,
};

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

pub async fn send(
    shop: &Shop,
    token: Option<String>,
    path: &str,
    tag: &str,
    media_type: &str,
    body: Vec<u8>,
) -> Response {
    let request = reqwest::Client::new().post(format!("http://{}{path}", shop.address)).body(body);
    let request = request.header("if-match", tag).header("content-type", media_type);
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    request.send().await.unwrap()
}

/// Uploads a picture as an admin, with the current `ETag` of the product.
pub async fn set(shop: &Shop, id: ProductId, media_type: &str, body: Vec<u8>) -> (u16, Value) {
    let tag = shop.show(id).await.expect(200).header("etag").to_owned();
    let path = format!("/products/{id}/picture");
    let response = send(shop, Some(shop.world.admin()), &path, &tag, media_type, body).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// Returns the path of the product's last picture on this service, without its size.
pub async fn picture(shop: &Shop, id: ProductId) -> String {
    let product = shop.show(id).await.json;
    let url = product["pictures"].as_array().unwrap().last().unwrap()["url"].as_str().unwrap().to_owned();
    url.strip_prefix("/api").unwrap().strip_suffix("/page").unwrap().to_owned()
}

async fn fetch(shop: &Shop, path: &str) -> (Response, ImageFormat, (u32, u32)) {
    let response = reqwest::get(format!("http://{}{path}", shop.address)).await.unwrap();
    assert_eq!(response.status(), 200);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(
        (&response.headers()["cache-control"], &response.headers()["x-content-type-options"]),
        (&IMMUTABLE.parse().unwrap(), &"nosniff".parse().unwrap())
    );
    let again = reqwest::get(format!("http://{}{path}", shop.address)).await.unwrap();
    let (format, dimensions) = read(&again.bytes().await.unwrap());
    assert_eq!(kind, format.to_mime_type());
    (response, format, dimensions)
}

#[tokio::test]
async fn a_picture_is_shown_in_all_sizes() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let large = encoded(&drawn(1_500, 750), ImageFormat::Jpeg);
    for (media_type, body) in [
        ("image/jpeg", large),
        ("Image/PNG; x=y", encoded(&drawn(1_400, 700), ImageFormat::Png)),
        ("image/webp", encoded(&drawn(1_600, 800), ImageFormat::WebP)),
    ] {
        let before = shop.show(id).await;
        let (status, product) = set(&shop, id, media_type, body).await;
        assert_eq!(status, 200, "{product}");
        let path = picture(&shop, id).await;
        let last = product["pictures"].as_array().unwrap().last().unwrap();
        assert_eq!(last["url"], format!("/api{path}/page"));
        assert_eq!((&last["width"], &last["height"], &last["alt"]), (&1_200.into(), &600.into(), &"".into()));
        assert_ne!(before.header("etag"), shop.show(id).await.header("etag"));
        assert_eq!(fetch(&shop, &format!("{path}/page")).await.2, (1_200, 600));
        let (_, format, dimensions) = fetch(&shop, &format!("{path}/thumb")).await;
        assert_eq!((format, dimensions), (ImageFormat::Jpeg, (320, 160)));
        assert_eq!(fetch(&shop, &format!("{path}/medium")).await.2, (640, 320));
    }
    let product = shop.show(id).await.json;
    assert_eq!(product["pictures"].as_array().unwrap().len(), 3);
    assert_eq!(product["imageUrl"], product["pictures"][0]["url"], "the first picture stays the main one");
    shop.outbox_is_empty().await;
    assert_eq!(
        shop.world.waiting::<ProductChanged>(&queue::CART_PRODUCTS).await.len(),
        4,
        "one creation, and three pictures"
    );
}

#[tokio::test]
async fn small_pictures_are_not_enlarged_and_transparency_is_kept() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    assert_eq!(set(&shop, id, "image/jpeg", encoded(&drawn(40, 400), ImageFormat::Jpeg)).await.0, 200);
    let path = picture(&shop, id).await;
    assert_eq!(fetch(&shop, &format!("{path}/page")).await.2, (40, 400));
    assert_eq!(fetch(&shop, &format!("{path}/thumb")).await.2, (32, 320));
    let widest = encoded(&drawn(8_000, 2), ImageFormat::Png);
    assert_eq!(set(&shop, id, "image/png", widest).await.0, 200);
    assert_eq!(fetch(&shop, &format!("{}/thumb", picture(&shop, id).await)).await.2, (320, 1));
    let mut glass = image::RgbaImage::new(64, 32);
    glass.put_pixel(3, 3, image::Rgba([1, 2, 3, 255]));
    assert_eq!(set(&shop, id, "image/png", encoded(&glass.into(), ImageFormat::Png)).await.0, 200);
    for size in ["page", "thumb"] {
        let (_, format, dimensions) = fetch(&shop, &format!("{}/{size}", picture(&shop, id).await)).await;
        assert_eq!((format, dimensions), (ImageFormat::WebP, (64, 32)));
    }
}

#[tokio::test]
async fn webp_is_for_those_who_accept_it() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    assert_eq!(set(&shop, id, "image/jpeg", encoded(&drawn(1_500, 750), ImageFormat::Jpeg)).await.0, 200);
    let path = format!("{}/page", picture(&shop, id).await);
    let get = async |accept: &str| {
        let request = reqwest::Client::new().get(format!("http://{}{path}", shop.address)).header("accept", accept);
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["vary"], "accept");
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (kind, response.headers()["etag"].clone(), response.bytes().await.unwrap())
    };
    let (webp, webp_tag, small) = get("image/avif,image/webp,image/*;q=0.8").await;
    let (jpeg, jpeg_tag, large) = get("*/*").await;
    assert_eq!((webp.as_str(), jpeg.as_str()), ("image/webp", "image/jpeg"));
    assert_eq!((read(&small), read(&large).1), ((ImageFormat::WebP, (1_200, 600)), (1_200, 600)));
    assert!(small.len() < large.len() && webp_tag != jpeg_tag, "{} {}", small.len(), large.len());
    // A picture of the release before has two sizes and no WebP.
    let folder = std::fs::read_dir(shop.world.folder.path().join("pictures")).unwrap().next().unwrap().unwrap().path();
    for file in ["thumb.webp", "medium.webp", "medium", "page.webp"] {
        std::fs::remove_file(folder.join(file)).unwrap();
    }
    assert_eq!(get("image/webp").await.0, "image/jpeg");
    let medium = fetch(&shop, &path.replace("/page", "/medium")).await;
    assert_eq!((medium.1, medium.2), (ImageFormat::Jpeg, (1_200, 600)));
}

#[tokio::test]
async fn photos_are_upright_and_have_no_metadata() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let photo = photo_on_its_side(60, 30, b"52.5N 13.4E");
    assert!(photo.windows(11).any(|window| window == b"52.5N 13.4E"));
    assert_eq!(set(&shop, id, "image/jpeg", photo).await.0, 200);
    let (page, _, dimensions) = fetch(&shop, &format!("{}/page", picture(&shop, id).await)).await;
    assert_eq!(dimensions, (30, 60));
    let bytes = page.bytes().await.unwrap();
    assert!(!bytes.windows(4).any(|window| window == b"Exif" || window == b"52.5"));
}

#[tokio::test]
async fn the_same_picture_again_changes_nothing() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let other = shop.product("Pot", 100, 1).await;
    let body = encoded(&drawn(20, 20), ImageFormat::Png);
    let (_, first) = set(&shop, id, "image/png", body.clone()).await;
    let (_, second) = set(&shop, id, "image/png", body.clone()).await;
    assert_eq!(first, second);
    assert_eq!(shop.show(id).await.header("etag"), "\"v2.1\"");
    assert_eq!(set(&shop, other, "image/png", body).await.1["imageUrl"], first["imageUrl"]);
    let files = std::fs::read_dir(shop.world.folder.path().join("pictures")).unwrap();
    assert_eq!(files.count(), 1, "one picture, beside the store");
}

#[tokio::test]
async fn a_current_picture_is_not_sent_again() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    assert_eq!(set(&shop, id, "image/png", encoded(&drawn(20, 20), ImageFormat::Png)).await.0, 200);
    let path = picture(&shop, id).await;
    let (page, ..) = fetch(&shop, &format!("{path}/page")).await;
    let tag = page.headers()["etag"].to_str().unwrap();
    let had = shop.client.with_header("if-none-match", tag).get(&format!("{path}/page")).await.expect(304);
    assert_eq!((had.text.as_str(), had.header("etag"), had.header("cache-control")), ("", tag, IMMUTABLE));
    shop.client.with_header("if-none-match", tag).get(&format!("{path}/thumb")).await.expect(200);
}
