//! Verification of access tokens.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::{Router, http::HeaderMap, routing::any};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header,
    jwk::{Jwk, JwkSet},
};
use serde_json::json;
use souk_kit::auth::{AUDIENCE, Authority, Claims, ISSUER, Role, Verifier};
use souk_testkit::World;
use souk_values::Clock;

use crate::rig::Rig;

async fn rig() -> Rig {
    let rig = Rig::new().await;
    for name in ["auth", "product", "order", "payment", "cart"] {
        let answer =
            |headers: HeaderMap| async move { headers.get("authorization").map_or("none", |_| "passed").to_owned() };
        rig.world.fake_peer(name, Router::new().fallback(any(answer))).await;
    }
    rig
}

fn claims(rig: &Rig) -> Claims {
    let now = rig.world.clock.now().seconds();
    Claims {
        iss: ISSUER.to_owned(),
        sub: "7".to_owned(),
        aud: AUDIENCE.to_owned(),
        exp: now + 900,
        iat: now,
        jti: "x".to_owned(),
        username: Some("eve".to_owned()),
        role: Role::Admin,
        epoch: 0,
    }
}

#[tokio::test]
async fn public_requests_need_no_token_and_all_others_do() {
    let rig = rig().await;
    for (method, path) in [
        ("GET", "/api/products"),
        ("GET", "/api/products/7"),
        ("HEAD", "/api/categories"),
        ("GET", "/api/pictures/1/thumb"),
        ("POST", "/api/auth/login"),
        ("POST", "/api/auth/register"),
        ("POST", "/api/auth/refresh"),
        ("POST", "/api/auth/guest"),
        ("POST", "/api/auth/password/forgot"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/api/.well-known/jwks.json"),
        ("POST", "/api/payments/webhooks/stripe"),
    ] {
        rig.client.send(method.parse().unwrap(), path, None).await.expect(200);
    }
    for (method, path) in [
        ("POST", "/api/products"),
        ("DELETE", "/api/products/7"),
        ("POST", "/api/products/import"),
        ("GET", "/api/auth/me"),
        ("GET", "/api/auth/login"),
        ("GET", "/api/users"),
        ("GET", "/api/cart"),
        ("GET", "/api/orders"),
        ("POST", "/api/orders"),
        ("GET", "/api/payments"),
        ("GET", "/api/payments/webhooks/stripe"),
        ("GET", "/api/admin/order/dead-letters"),
        ("GET", "/api/admin/services"),
        ("GET", "/api/admin/breakers"),
        ("GET", "/api/notifications/stream"),
    ] {
        let answer = rig.client.send(method.parse().unwrap(), path, None).await;
        answer.is_problem(401, "auth.token_missing");
    }
}

#[tokio::test]
async fn a_valid_token_is_passed_on_to_the_service() {
    let rig = rig().await;
    assert_eq!(rig.customer().get("/api/orders").await.expect(200).text, "passed");
    assert_eq!(rig.customer().get("/api/products").await.expect(200).text, "passed");
    let guest = rig.client.with_token(rig.world.token(3, Role::Guest));
    guest.get("/api/orders").await.expect(200);
}

#[tokio::test]
async fn forged_tokens_are_rejected_even_for_public_requests() {
    let rig = rig().await;
    let good = claims(&rig);
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let body = part(serde_json::to_value(&good).unwrap());
    let none = |alg: &str| format!("{}.{body}.", part(json!({"alg": alg, "typ": "JWT", "kid": "test"})));
    let hs256 = |secret: &[u8]| {
        let header = Header { kid: Some("test".to_owned()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(secret)).unwrap()
    };
    let honest = rig.world.token_with(&good);
    rig.client.with_token(&honest).get("/api/orders").await.expect(200);
    let (signed, signature) = honest.rsplit_once('.').unwrap();
    let altered = part(
        json!({"iss": ISSUER, "aud": AUDIENCE, "sub": "1", "exp": good.exp, "iat": 0, "jti": "x", "role": "admin"}),
    );
    let other_key = World::new().await;
    for forged in [
        none("none"),
        none("None"),
        none("NONE"),
        hs256(b""),
        hs256(b"secret"),
        hs256(signed.as_bytes()),
        format!("{}.{altered}.{signature}", signed.split('.').next().unwrap()),
        format!("{signed}."),
        signed.to_owned(),
        other_key.token(7, Role::Admin),
        rig.world.token_with(&Claims { iss: "other".to_owned(), ..good.clone() }),
        rig.world.token_with(&Claims { aud: "other".to_owned(), ..good.clone() }),
        "rubbish".to_owned(),
        "a.b.c".to_owned(),
    ] {
        for path in ["/api/orders", "/api/products"] {
            rig.client.with_token(&forged).get(path).await.is_problem(401, "auth.token_invalid");
        }
    }
    let expired = rig.world.token_with(&Claims { exp: good.iat, ..good.clone() });
    rig.client.with_token(&expired).get("/api/orders").await.is_problem(401, "auth.token_expired");
    // An expired token does no harm to a public request; the service checks it again if it matters.
    rig.client.with_token(expired).get("/api/products").await.expect(200);
}

#[derive(Debug)]
struct Known(JwkSet);

#[async_trait::async_trait]
impl Authority for Known {
    async fn keys(&self) -> Result<JwkSet, String> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_public_key_is_not_accepted_as_a_shared_secret() {
    let mut world = World::new().await;
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
    let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some("test".to_owned());
    let keys = JwkSet { keys: vec![jwk] };
    world.deps.verifier = Verifier::new(Known(keys.clone()), world.clock.clone());
    let rig = Rig::within(world, souk_gateway::GatewayConfig::default(), |_| {}).await;
    rig.world.fake_peer("order", Router::new().fallback(any(|| async { "hi" }))).await;
    let good = claims(&rig);
    let sign = |algorithm, key: &EncodingKey| {
        let header = Header { kid: Some("test".to_owned()), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, &good, key).unwrap()
    };
    rig.client.with_token(sign(Algorithm::ES256, &private)).get("/api/orders").await.expect(200);
    let point = pair.public_key().as_ref();
    let (jwk, jwks) = (serde_json::to_vec(&keys.keys[0]).unwrap(), serde_json::to_vec(&keys).unwrap());
    let encoded = BASE64_URL_SAFE_NO_PAD.encode(point);
    for secret in [point, encoded.as_bytes(), jwk.as_slice(), jwks.as_slice()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let forged = sign(algorithm, &EncodingKey::from_secret(secret));
            rig.client.with_token(forged).get("/api/orders").await.is_problem(401, "auth.token_invalid");
        }
    }
}

#[tokio::test]
async fn exactly_one_bearer_token_is_accepted() {
    let rig = rig().await;
    for value in ["Basic YTpi", "Bearer", "Bearer ", "x"] {
        let client = rig.client.with_header("authorization", value);
        client.get("/api/orders").await.is_problem(401, "auth.token_invalid");
        client.get("/api/products").await.is_problem(401, "auth.token_invalid");
    }
    let two = format!("{}{}", rig.authorization(), rig.authorization());
    let answer = rig.raw(&format!("GET /api/orders HTTP/1.1\r\nHost: a\r\n{two}Connection: close\r\n\r\n")).await;
    crate::rig::is_rejected(&answer, 401, "auth.token_invalid");
    let lower = rig.world.customer(rig.world.user());
    rig.client.with_header("authorization", format!("bearer {lower}")).get("/api/orders").await.expect(200);
}

#[tokio::test]
async fn service_tokens_are_rejected() {
    let rig = rig().await;
    let service = rig.client.with_token(rig.world.token("order", Role::Service));
    service.get("/api/orders").await.is_problem(403, "auth.forbidden");
}

#[derive(Debug)]
struct Unreachable;

#[async_trait::async_trait]
impl Authority for Unreachable {
    async fn keys(&self) -> Result<JwkSet, String> {
        Err("auth is unreachable".to_owned())
    }
}

#[tokio::test]
async fn browsing_continues_while_auth_is_unreachable() {
    let mut world = World::new().await;
    world.deps.verifier = Verifier::new(Unreachable, world.clock.clone());
    let rig = Rig::within(world, souk_gateway::GatewayConfig::default(), |_| {}).await;
    rig.world.fake_peer("product", Router::new().fallback(any(|| async { "hi" }))).await;
    rig.customer().get("/api/products").await.expect(200);
    rig.customer().get("/api/orders").await.is_problem(503, "auth.unavailable");
}

#[tokio::test]
async fn the_body_is_not_read_before_the_token_is_verified() {
    let rig = rig().await;
    let answer =
        rig.raw("POST /api/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n").await;
    crate::rig::is_rejected(&answer, 401, "auth.token_missing");
}
