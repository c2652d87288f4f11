//! Uploads that are not pictures, and callers that may not upload.

use image::ImageFormat;
use serde_json::Value;
use souk_kit::auth::Role;

use crate::{
    drawing::{bomb, drawn, encoded},
    pictures::{picture, send, set},
    shop::Shop,
};

#[tokio::test]
async fn files_that_are_no_pictures_are_refused() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let png = encoded(&drawn(50, 50), ImageFormat::Png);
    let jpeg = encoded(&drawn(50, 50), ImageFormat::Jpeg);
    let half = png[..png.len() / 2].to_vec();
    for (media_type, body, status, code) in [
        ("image/gif", png.clone(), 415, "picture.not_supported"),
        ("image/svg+xml", b"<svg/>".to_vec(), 415, "picture.not_supported"),
        ("", png.clone(), 415, "picture.not_supported"),
        ("image/jpeg", vec![0; 5 * 1024 * 1024 + 1], 413, "body.too_large"),
        ("image/jpeg", vec![0; 5 * 1024 * 1024], 422, "picture.unreadable"),
        ("image/png", Vec::new(), 422, "picture.unreadable"),
        ("image/png", half, 422, "picture.unreadable"),
        ("image/png", jpeg.clone(), 422, "picture.unreadable"),
        ("image/webp", png.clone(), 422, "picture.unreadable"),
        ("image/jpeg", jpeg[..40].to_vec(), 422, "picture.unreadable"),
        ("image/png", bomb(30_000, 30_000), 422, "picture.unreadable"),
        ("image/png", encoded(&drawn(8_001, 1), ImageFormat::Png), 422, "picture.unreadable"),
        ("image/webp", encoded(&drawn(8_001, 1), ImageFormat::WebP), 422, "picture.unreadable"),
        ("image/jpeg", encoded(&drawn(1, 8_001), ImageFormat::Jpeg), 422, "picture.unreadable"),
        ("image/png", bomb(u32::MAX, u32::MAX), 422, "picture.unreadable"),
    ] {
        let (answered, problem) = set(&shop, id, media_type, body).await;
        assert_eq!((answered, &problem["code"]), (status, &Value::from(code)), "{media_type}: {problem}");
    }
    assert_eq!(shop.show(id).await.header("etag"), "\"v1.1\"");
    assert!(!shop.world.folder.path().join("pictures").exists(), "nothing was stored");
}

#[tokio::test]
async fn only_admins_with_a_current_etag_change_a_picture() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    let path = format!("/products/{id}/picture");
    let png = encoded(&drawn(20, 20), ImageFormat::Png);
    let customer = shop.world.token(7, Role::Customer);
    for (token, path, tag, status) in [
        (None, path.as_str(), "\"v1.1\"", 401),
        (Some(customer), &path, "\"v1.1\"", 403),
        (Some(shop.world.admin()), &path, "\"v7.1\"", 412),
        (Some(shop.world.admin()), &path, "x", 400),
        (Some(shop.world.admin()), "/products/7/picture", "\"v1.1\"", 404),
    ] {
        let response = send(&shop, token, path, tag, "image/png", png.clone()).await;
        assert_eq!(response.status(), status, "{}", response.text().await.unwrap());
    }
    let without = reqwest::Client::new().post(format!("http://{}{path}", shop.address)).bearer_auth(shop.world.admin());
    let response = without.header("content-type", "image/png").body(png).send().await.unwrap();
    assert_eq!(response.status(), 428);
    assert_eq!(shop.show(id).await.header("etag"), "\"v1.1\"");
    assert!(!shop.world.folder.path().join("pictures").exists(), "nothing was stored");
}

#[tokio::test]
async fn no_other_file_is_served() {
    let shop = Shop::open().await;
    let id = shop.product("Kettle", 100, 1).await;
    assert_eq!(set(&shop, id, "image/png", encoded(&drawn(20, 20), ImageFormat::Png)).await.0, 200);
    let path = picture(&shop, id).await;
    let upper = path.to_uppercase().replace("/PICTURES", "/pictures");
    let unknown = format!("/pictures/{}", "0".repeat(64));
    for path in [
        format!("{unknown}/page"),
        format!("{path}/huge"),
        format!("{path}/Page"),
        format!("{path}/..%2Fpage"),
        format!("{path}%2F/page"),
        format!("{upper}/page"),
        "/pictures/1/page".to_owned(),
        "/pictures/..%2Fproduct.db/page".to_owned(),
        "/pictures/..%2F..%2F..%2Fetc/passwd".to_owned(),
        "/pictures/%2e%2e/product.db".to_owned(),
    ] {
        let response = shop.client.get(&path).await.expect(404);
        let code = response.json["code"].as_str().unwrap().to_owned();
        // The client resolves `%2e%2e` as `..`, and then requests another route.
        assert!(code == "picture.not_found" || (path.contains("%2e") && code == "route.not_found"), "{path}: {code}");
    }
    shop.client.get("/pictures/%00/page").await.is_problem(400, "path.invalid");
}
