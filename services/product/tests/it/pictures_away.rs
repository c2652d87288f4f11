//! Pictures while their object store is unavailable: they fail clearly, the rest works, and they recover.

use std::time::Duration;

use reqwest::Client as Http;
use souk_product::ProductConfig;
use souk_testkit::World;

use crate::{
    drawing::{drawn, encoded},
    shop::Shop,
};

#[tokio::test]
async fn without_its_object_store_only_pictures_fail() {
    let world = World::new().await;
    let folder = world.folder.path().join("elsewhere");
    std::fs::write(&folder, "in the way").unwrap();
    let shop =
        Shop::open_with(world, |config| ProductConfig { pictures_dir: folder.display().to_string(), ..config }).await;
    let id = shop.product("Kettle", 100, 1).await;
    let path = format!("/pictures/{}/page", "0".repeat(64));
    let png = encoded(&drawn(20, 20), image::ImageFormat::Png);
    let send = async || {
        let request = Http::new().post(format!("http://{}/products/{id}/picture", shop.address));
        let request = request.bearer_auth(shop.world.admin()).header("if-match", "\"v1.1\"");
        request.header("content-type", "image/png").body(png.clone()).send().await.unwrap()
    };
    assert_eq!(send().await.status(), 503);
    assert_eq!(shop.show(id).await.expect(200).header("etag"), "\"v1.1\"");
    for _ in 0..4 {
        shop.client.get(&path).await.is_problem(503, "pictures.unavailable");
    }
    std::fs::remove_file(&folder).unwrap();
    let denied = shop.client.get(&path).await;
    denied.is_problem(503, "pictures.unavailable");
    // Ten seconds, rounded up; one more if the system clock was set back meanwhile.
    let wait: u64 = denied.header("retry-after").parse().unwrap();
    assert!((10..=11).contains(&wait), "the breaker is open: {wait}");
    shop.world.clock.advance(Duration::from_secs(10));
    shop.client.get(&path).await.is_problem(404, "picture.not_found");
    assert_eq!(send().await.status(), 200);
    assert!(folder.is_dir());
}
