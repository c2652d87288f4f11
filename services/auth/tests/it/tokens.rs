//! Forged tokens are refused; services and the operator obtain tokens with a secret.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use souk_kit::{
    CallError,
    auth::{Claims, Role},
};
use souk_values::Clock as _;

use crate::{
    keys::{p256, pem},
    rig::{OPERATOR_SECRET, Rig, SERVICE_SECRET, secret},
};

struct Forge {
    kid: String,
    jwk: Value,
    private: EncodingKey,
    claims: Claims,
}

impl Forge {
    fn sign(&self, alter: impl FnOnce(&mut Claims)) -> String {
        let mut claims = self.claims.clone();
        alter(&mut claims);
        encode(&self.header(Algorithm::ES256), &claims, &self.private).unwrap()
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        Header { kid: Some(self.kid.clone()), ..Header::new(algorithm) }
    }
}

/// Starts auth with a signing key that the test knows.
async fn forge() -> (Rig, Forge) {
    let der = p256();
    let auth = Rig::start_with(|config| config.signing_key_pem = pem(&der)).await;
    let jwk = auth.client.get("/.well-known/jwks.json").await.json["keys"][0].clone();
    let now = auth.world.clock.now().seconds();
    let claims = Claims {
        iss: "souk-auth".into(),
        sub: "77".into(),
        aud: "souk".into(),
        exp: now + 900,
        iat: now,
        jti: "x".into(),
        username: Some("ada".into()),
        role: Role::Admin,
        epoch: 0,
    };
    let kid = jwk["kid"].as_str().unwrap().to_owned();
    (auth, Forge { kid, jwk, private: EncodingKey::from_ec_der(&der), claims })
}

fn b64(json: &impl serde::Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(json).unwrap())
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let (auth, forge) = forge().await;
    let users = async |token: String| auth.client.with_token(token).get("/users").await;
    users(forge.sign(|_| ())).await.expect(200);

    let mut forged = vec![
        ("another issuer", forge.sign(|claims| claims.iss = "somebody".into())),
        ("another audience", forge.sign(|claims| claims.aud = "elsewhere".into())),
    ];
    let good = forge.sign(|_| ());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (_, body) = message.split_once('.').unwrap();
    for algorithm in ["none", "None", "HS256"] {
        let head = b64(&json!({"alg": algorithm, "typ": "JWT", "kid": forge.kid}));
        forged.push(("no signature", format!("{head}.{body}.")));
        forged.push(("another's signature", format!("{head}.{body}.{signature}")));
    }
    // The public key, in every form that a verifier may mistake for a shared secret.
    let part = |name: &str| URL_SAFE_NO_PAD.decode(forge.jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], part("x"), part("y")].concat();
    for public in [point.clone(), point[1..].to_vec(), serde_json::to_vec(&forge.jwk).unwrap()] {
        let shared = EncodingKey::from_secret(&public);
        forged.push(("a public key", encode(&forge.header(Algorithm::HS256), &forge.claims, &shared).unwrap()));
    }
    let other = EncodingKey::from_ec_der(&p256());
    forged.push(("another key", encode(&forge.header(Algorithm::ES256), &forge.claims, &other).unwrap()));
    let no_kid = Header::new(Algorithm::ES256);
    forged.push(("no kid", encode(&no_kid, &forge.claims, &forge.private).unwrap()));
    let strange = Header { kid: Some("strange".into()), ..no_kid };
    forged.push(("unknown kid", encode(&strange, &forge.claims, &forge.private).unwrap()));
    let altered =
        URL_SAFE_NO_PAD.encode(String::from_utf8(URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap().replace("77", "78"));
    forged.push(("an altered body", format!("{}.{altered}.{signature}", message.split_once('.').unwrap().0)));
    for (what, token) in forged {
        let answer = users(token).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (401, &json!("auth.token_invalid")), "{what}");
    }
    users(forge.sign(|claims| claims.exp = claims.iat - 1)).await.is_problem(401, "auth.token_expired");
    auth.world.clock.advance(Duration::from_secs(901));
    users(good).await.is_problem(401, "auth.token_expired");
}

#[tokio::test]
async fn the_account_of_a_genuine_token_must_exist() {
    let (auth, forge) = forge().await;
    let ghost = auth.client.with_token(forge.sign(|claims| claims.role = Role::Customer));
    ghost.get("/auth/me").await.is_problem(401, "auth.token_invalid");
    ghost.patch("/auth/me", json!({"username": "ghost"})).await.is_problem(401, "auth.token_invalid");
    let service = auth.client.with_token(forge.sign(|claims| claims.role = Role::Service));
    service.get("/auth/me").await.is_problem(403, "auth.forbidden");
    service.get("/users").await.is_problem(403, "auth.forbidden");
}

#[tokio::test]
async fn services_obtain_tokens_with_the_secret() {
    let auth = Rig::start().await;
    let request_token = async |service: &str, secret: &str| {
        auth.client.post("/internal/tokens", json!({"service": service, "secret": secret})).await
    };
    let given = request_token("order", SERVICE_SECRET).await.expect(200);
    assert_eq!((&given.json["expiresIn"], given.header("cache-control")), (&json!(900), "no-store"));
    let token = given.json["accessToken"].as_str().unwrap();
    let body: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!((&body["sub"], &body["role"]), (&json!("order"), &json!("service")));
    assert!(body.get("username").is_none());
    for wrong in ["", "what", OPERATOR_SECRET, "what services know "] {
        request_token("order", wrong).await.is_problem(401, "auth.service_secret_wrong");
    }
    for name in ["", "77", "Order", "or der", "-", &"x".repeat(41)] {
        request_token(name, SERVICE_SECRET).await.is_problem(422, "body.not_allowed");
    }
    request_token("operator", SERVICE_SECRET).await.is_problem(401, "auth.service_secret_wrong");
    let operator = request_token("operator", OPERATOR_SECRET).await.expect(200).json;
    let operator = auth.as_of(&operator);
    operator.get("/users").await.expect(200);
    assert_eq!(operator.get("/auth/me").await.json["username"], "admin", "the first admin's id");
}

#[tokio::test]
async fn an_empty_secret_is_always_refused() {
    let mut auth = Rig::start().await;
    auth.world.deps.shop.service_secret = secret("");
    auth.restart_with(|config| config.operator_secret = secret("")).await;
    for service in ["order", "operator"] {
        let body = json!({"service": service, "secret": ""});
        auth.client.post("/internal/tokens", body).await.is_problem(401, "auth.service_secret_wrong");
    }
}

#[tokio::test]
async fn another_service_calls_with_a_token_of_auth() {
    let mut auth = Rig::start().await;
    // The secret of the test world's clients.
    auth.world.deps.shop.service_secret = secret("test");
    auth.restart_with(|_| ()).await;
    let order = auth.world.deps.peers.client("order", "auth");
    // The token is accepted as that of a service, which may not list users.
    match order.get::<Value>("/users").await {
        Err(CallError::Refused { problem, .. }) => assert_eq!(problem.code, "auth.forbidden"),
        other => panic!("{other:?}"),
    }
}
