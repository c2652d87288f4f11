//! Signing keys: generated, configured, retired; and the key set for verifiers.

use std::time::Duration;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, Pkcs8V2Der},
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use souk_auth::{Auth, AuthConfig, FirstAdmin};
use souk_kit::{
    Service,
    auth::{Refused, RemoteAuthority, Role, Verifier},
};
use souk_sql::{Access, Db, SqlError};
use souk_testkit::{Client, World, eventually};
use souk_values::Secret;

use crate::rig::{Rig, config};

/// Longer than a key verifies after its last use.
const LISTED: Duration = Duration::from_secs(25 * 60);

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
        let remote = RemoteAuthority::new(&auth.world.deps.peers, "order");
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

/// Returns the ids in the key set.
async fn listed(auth: &Rig) -> Vec<Value> {
    let set = auth.client.get("/.well-known/jwks.json").await.expect(200).json;
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
}

async fn guest(client: &Client) -> Value {
    client.post("/auth/guest", json!({})).await.expect(200).json
}

/// Number of private halves in the store.
async fn private_keys(auth: &Rig) -> usize {
    let db = Db::open(&auth.config.store_url, Access::ReadOnly).await.unwrap();
    let backend = db.reader().get_database_backend();
    let query = Statement::from_string(backend, "SELECT kid FROM signing_key WHERE private_key IS NOT NULL");
    db.reader().query_all_raw(query).await.unwrap().len()
}

/// Moves the clock by small steps until `condition` holds. One move would not do: a task that has just read the time sleeps
/// on from a later one.
async fn later(auth: &Rig, description: &str, condition: impl AsyncFn() -> bool) {
    eventually(description, || async {
        auth.world.clock.advance(Duration::from_secs(5));
        condition().await
    })
    .await;
}

#[tokio::test]
async fn keys_turn_over_by_schedule_and_no_token_is_refused_for_it() {
    const DAY: Duration = Duration::from_secs(86_400);
    let auth = Rig::start_with(|config| config.signing_key_days = 30).await;
    let replica = Auth::build(auth.config.clone(), &auth.world.deps).await.unwrap();
    let replica = auth.world.serve(replica).await;
    let old = header(&guest(&auth.client).await["accessToken"])["kid"].clone();
    let ada = auth.register("ada").await;
    auth.world.clock.advance(29 * DAY);
    assert_eq!(listed(&auth).await, std::slice::from_ref(&old));
    auth.world.clock.advance(DAY);
    later(&auth, "a successor is published", async || listed(&auth).await.len() == 2).await;
    // It is known to verifiers before it signs; both replicas have made one together.
    let before = guest(&replica.client).await;
    assert_eq!(header(&before["accessToken"])["kid"], old);
    auth.world.clock.advance(Duration::from_secs(600));
    for client in [&auth.client, &replica.client] {
        later(&auth, "the successor signs", async || header(&guest(client).await["accessToken"])["kid"] != old).await;
    }
    assert_eq!(listed(&auth).await.len(), 2);
    // The last token of the old key is valid to its end, its private half is gone.
    auth.as_of(&before).get("/auth/me").await.expect(200);
    assert_eq!(private_keys(&auth).await, 1);
    auth.world.clock.advance(LISTED);
    later(&auth, "the old key is retired", async || !listed(&auth).await.contains(&old)).await;
    assert_eq!(listed(&auth).await.len(), 1);
    // A guest's first token is exchanged even after its key no longer signs.
    auth.refresh(&before["refreshToken"]).await.expect(200);
    auth.refresh(&ada["refreshToken"]).await.is_problem(401, "auth.refresh_token_invalid");
}

#[tokio::test]
async fn a_retired_key_ends_at_every_verifier() {
    let mut auth = Rig::start().await;
    let remote = Verifier::new(RemoteAuthority::new(&auth.world.deps.peers, "order"), auth.world.clock.clone());
    let token = guest(&auth.client).await["accessToken"].as_str().unwrap().to_owned();
    remote.verify(&token).await.unwrap();
    let stolen = header(&Value::from(token.clone()))["kid"].as_str().unwrap().to_owned();
    // The operator deletes the row of a stolen key; auth makes another at once.
    let db = Db::open(&auth.config.store_url, Access::ReadWrite).await.unwrap();
    let delete = format!("DELETE FROM signing_key WHERE kid = '{stolen}'");
    db.write(delete, |tx, delete| {
        Box::pin(async move {
            tx.execute_raw(Statement::from_string(tx.get_database_backend(), delete.clone())).await?;
            Ok::<_, SqlError>(())
        })
    })
    .await
    .unwrap();
    auth.restart_with(|_| ()).await;
    let mine = guest(&auth.client).await;
    assert_ne!(header(&mine["accessToken"])["kid"], stolen);
    auth.client.with_token(token.clone()).get("/auth/me").await.is_problem(401, "auth.token_invalid");
    // A verifier that has the key re-reads the set within a minute, or as soon as it meets an unknown key.
    auth.world.clock.advance(Duration::from_secs(6));
    remote.verify(mine["accessToken"].as_str().unwrap()).await.unwrap();
    assert_eq!(remote.verify(&token).await, Err(Refused::Invalid));
}

#[tokio::test]
async fn a_key_set_has_a_maximum_age() {
    let auth = Rig::start().await;
    let answer = auth.client.get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    let wrong = AuthConfig { signing_key_days: 0, ..config(&auth.world) };
    let error = Auth::build(wrong, &auth.world.deps).await.unwrap_err().to_string();
    assert!(error.contains("auth.signing-key-days must be"), "{error}");
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
