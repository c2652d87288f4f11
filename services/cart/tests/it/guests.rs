//! Guests' carts, and merging them at sign-in.

use std::time::Duration;

use serde_json::{Value, json};
use souk_kit::auth::{AUDIENCE, Claims, ISSUER, Role};
use souk_values::{Clock, UserId};

use crate::shop::{Shop, row, rows};

async fn guest_with_items(shop: &Shop) -> UserId {
    let guest = shop.world.user();
    for (product, quantity) in [(1, 2), (2, 98)] {
        let body = json!({"productId": product, "quantity": quantity});
        shop.guest(guest).post("/cart", body).await.expect(200);
    }
    guest
}

async fn merge(shop: &Shop, token: &str) -> Value {
    shop.me().post("/cart/merge", json!({"guestToken": token})).await.expect(200).json
}

#[tokio::test]
async fn a_guests_cart_is_merged_once() {
    let shop = Shop::open().await;
    shop.add(2, 3).await;
    let guest = guest_with_items(&shop).await;
    let token = shop.world.token(guest, Role::Guest);
    shop.world.clock.advance(Duration::from_secs(3_600));
    shop.guest(guest).get("/cart").await.expect(200);
    let merged = merge(&shop, &token).await;
    let expected = [row(1, "active", 2), row(2, "active", 99)];
    assert_eq!(rows(&merged), expected, "an expired token is accepted, and sums are capped");
    assert_eq!(shop.guest(guest).get("/cart").await.json["items"], json!([]));
    for _ in 0..3 {
        assert_eq!(merge(&shop, &token).await["items"], merged["items"]);
    }
    shop.guest(guest).post("/cart", json!({"productId": 1, "quantity": 1})).await.expect(200);
    merge(&shop, &token).await;
    assert_eq!(shop.items().await, [row(1, "active", 3), row(2, "active", 99)], "a new item is merged too");
}

#[tokio::test]
async fn concurrent_merges_have_one_effect() {
    let shop = Shop::open().await;
    let guest = guest_with_items(&shop).await;
    let token = shop.world.token(guest, Role::Guest);
    futures::future::join_all((0..6).map(|_| merge(&shop, &token))).await;
    assert_eq!(shop.items().await, [row(1, "active", 2), row(2, "active", 98)]);
}

#[tokio::test]
async fn only_a_genuine_guest_token_is_accepted() {
    let shop = Shop::open().await;
    let other = shop.world.user();
    let forged = {
        let now = shop.world.clock.now().seconds();
        let claims = |iss: &str, aud: &str| Claims {
            iss: iss.to_owned(),
            sub: other.to_string(),
            aud: aud.to_owned(),
            exp: now + 900,
            iat: now,
            jti: "x".to_owned(),
            username: None,
            role: Role::Guest,
            epoch: 0,
        };
        [claims("another-issuer", AUDIENCE), claims(ISSUER, "elsewhere")].map(|claims| shop.world.token_with(&claims))
    };
    let genuine = shop.world.token(other, Role::Guest);
    let (head, signature) = genuine.rsplit_once('.').unwrap();
    let unsigned = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let customer = shop.world.customer(other);
    let service = shop.world.token("order", Role::Service);
    for token in [&forged[0], &forged[1], &unsigned, &customer, &service, &String::new(), &"a.b.c".to_owned()] {
        let response = shop.me().post("/cart/merge", json!({"guestToken": token})).await;
        response.is_problem(422, "cart.guest_token_invalid");
    }
    let guest = shop.guest(other).post("/cart/merge", json!({"guestToken": genuine})).await;
    guest.is_problem(403, "auth.forbidden");
}

#[tokio::test]
async fn guests_have_a_cart_and_no_wishlist() {
    let shop = Shop::open().await;
    let guest = shop.guest(shop.world.user());
    guest.post("/cart", json!({"productId": 1, "quantity": 1})).await.expect(200);
    guest.get("/wishlist").await.is_problem(403, "auth.forbidden");
    guest.post("/wishlist", json!({"productId": 1})).await.is_problem(403, "auth.forbidden");
    guest.delete("/wishlist/1").await.is_problem(403, "auth.forbidden");
    guest.post("/wishlist/1/move-to-cart", json!({})).await.is_problem(403, "auth.forbidden");
}
