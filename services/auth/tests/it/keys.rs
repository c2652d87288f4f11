//! Signing keys: generated, configured, retired; and the key set for verifiers.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, Pkcs8V2Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use souk_auth::{Auth, AuthConfig, FirstAdmin};
use souk_kit::{
    Service,
    auth::{RemoteJwks, Role, Verifier},
};
use souk_testkit::World;
use souk_values::Secret;

use crate::rig::{Rig, config};

pub fn pem(der: &[u8]) -> Secret {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n")))
}

pub fn p256() -> Vec<u8> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pair.to_pkcs8v1().unwrap().as_ref().to_vec()
}

fn rsa(size: KeySize) -> Vec<u8> {
    let pair = RsaKeyPair::generate(size).unwrap();
    AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).unwrap().as_ref().to_vec()
}

fn ed25519() -> [Vec<u8>; 2] {
    let pair = Ed25519KeyPair::generate().unwrap();
    let old = AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).unwrap().as_ref().to_vec();
    [old, AsDer::<Pkcs8V2Der<'static>>::as_der(&pair).unwrap().as_ref().to_vec()]
}

fn header(token: &Value) -> Value {
    let header = jsonwebtoken::decode_header(token.as_str().unwrap()).unwrap();
    serde_json::to_value(header).unwrap()
}

#[tokio::test]
async fn tokens_of_all_three_kinds_of_configured_keys_can_be_verified() {
    let [old_ed, new_ed] = ed25519();
    let keys = [("ES256", p256()), ("RS256", rsa(KeySize::Rsa2048)), ("EdDSA", old_ed), ("EdDSA", new_ed)];
    for (algorithm, der) in keys {
        let auth = Rig::start_with(|config| config.signing_key_pem = pem(&der)).await;
        let ada = auth.register("ada").await;
        let set = auth.client.get("/.well-known/jwks.json").await.expect(200).json;
        assert_eq!(set["keys"].as_array().unwrap().len(), 1);
        let jwk = &set["keys"][0];
        assert_eq!((&jwk["alg"], &jwk["use"]), (&Value::from(algorithm), &Value::from("sig")));
        let head = header(&ada["accessToken"]);
        assert_eq!((&head["alg"], &head["kid"]), (&jwk["alg"], &jwk["kid"]));
        assert!(["d", "p", "q", "k"].iter().all(|private| jwk.get(private).is_none()), "{jwk}");
        // Both by auth itself and by another service that has fetched the set.
        auth.as_of(&ada).get("/auth/me").await.expect(200);
        let remote = RemoteJwks(auth.world.deps.peers.plain_client("order", "auth"));
        let verifier = Verifier::new(remote, auth.world.clock.clone());
        let claims = verifier.verify(ada["accessToken"].as_str().unwrap()).await.unwrap();
        assert_eq!((claims.role, claims.username.as_deref()), (Role::Customer, Some("ada")));
        assert_eq!((claims.exp - claims.iat, claims.sub.clone()), (900, ada["user"]["userId"].to_string()));
    }
}

#[tokio::test]
async fn a_retired_key_stays_in_the_set() {
    let mut auth = Rig::start().await;
    let guest = auth.client.post("/auth/guest", Value::Object(serde_json::Map::new())).await.expect(200).json;
    let generated = header(&guest["accessToken"])["kid"].clone();
    auth.restart_with(|config| config.signing_key_pem = pem(&rsa(KeySize::Rsa2048))).await;
    auth.as_of(&guest).get("/auth/me").await.expect(200);
    let rsa_signed = auth.refresh(&guest["refreshToken"]).await.expect(200).json;
    assert_eq!(header(&rsa_signed["accessToken"])["alg"], "RS256");
    let one_line = Secret::new(pem(&p256()).expose().replace('\n', "\\n"));
    auth.restart_with(|config| config.signing_key_pem = one_line).await;
    let ec_signed = auth.refresh(&rsa_signed["refreshToken"]).await.expect(200).json;
    for token in [&guest, &rsa_signed, &ec_signed] {
        auth.as_of(token).get("/auth/me").await.expect(200);
    }
    let set = auth.client.get("/.well-known/jwks.json").await.json;
    assert_eq!(set["keys"].as_array().unwrap().len(), 3);
    auth.restart_with(|config| config.signing_key_pem = Secret::default()).await;
    let again = auth.refresh(&ec_signed["refreshToken"]).await.expect(200).json;
    assert_eq!(header(&again["accessToken"])["kid"], generated, "the store's own key signs again");
}

#[tokio::test]
async fn replicas_share_the_key_of_the_store() {
    let auth = Rig::start().await;
    let guest = auth.client.post("/auth/guest", Value::Object(serde_json::Map::new())).await.json;
    let mut replica = Auth::build(auth.config.clone(), &auth.world.deps).await.unwrap();
    assert!(replica.take::<FirstAdmin>().is_none());
    let replica = auth.world.serve(replica).await;
    let body = serde_json::json!({"refreshToken": guest["refreshToken"]});
    let next = replica.client.post("/auth/refresh", body).await.expect(200).json;
    assert_eq!(header(&next["accessToken"]), header(&guest["accessToken"]));
    auth.as_of(&next).get("/auth/me").await.expect(200);
}

#[tokio::test]
async fn weak_and_foreign_keys_are_refused() {
    let world = World::new().await;
    let p384 = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let public = pem(&p256()).expose().replace("PRIVATE", "PUBLIC");
    for wrong in [pem(p384.as_ref()), Secret::new(public), Secret::new("key".into())] {
        let config = AuthConfig { signing_key_pem: wrong, ..config(&world) };
        let error = Auth::build(config, &world.deps).await.unwrap_err().to_string();
        assert!(error.starts_with("auth.signing-key-pem: "), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_store_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    if souk_testkit::on_engines() {
        println!("skipped: on these engines the store is not a file");
        return;
    }
    let auth = Rig::start().await;
    auth.register("ada").await;
    for name in ["auth.db", "auth.db-wal", "auth.db-shm"] {
        let mode = std::fs::metadata(auth.world.folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
