//! Rights that end before their access tokens: at auth itself, and at every other verifier.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use souk_kit::{
    Peers,
    auth::{Refused, RemoteAuthority, Role, Verifier},
};
use souk_testkit::{Client, TestResponse};

use crate::rig::{PASSWORD, Rig, SERVICE_SECRET, secret};

/// Time within which a right has ended everywhere.
const WITHIN: Duration = Duration::from_secs(1);

fn access(signed_in: &Value) -> &str {
    signed_in["accessToken"].as_str().unwrap()
}

/// Returns the verifier of another process.
fn remote(auth: &Rig) -> Verifier {
    let deps = &auth.world.deps;
    let peers =
        Peers::new(deps.peers.directory().clone(), secret(SERVICE_SECRET), deps.clock.clone(), deps.ids.clone());
    Verifier::new(RemoteAuthority::new(&peers.unwrap(), "verifier"), auth.world.clock.clone())
}

/// Waits until the token has ended for `verifier` and for auth itself, and asserts that it took less than a second.
async fn assert_ended(auth: &Rig, verifier: &Verifier, signed_in: &Value) {
    let began = Instant::now();
    while verifier.verify(access(signed_in)).await != Err(Refused::Ended)
        || auth.as_of(signed_in).get("/auth/me").await.status != 401
    {
        assert!(began.elapsed() < WITHIN, "the token is still accepted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    auth.as_of(signed_in).get("/auth/me").await.is_problem(401, "auth.token_ended");
}

async fn logout(auth: &Rig, signed_in: &Value) -> TestResponse {
    auth.client.post("/auth/logout", json!({"refreshToken": signed_in["refreshToken"]})).await
}

#[tokio::test]
async fn access_ends_within_a_second_of_each_reason() {
    let auth = Rig::start().await;
    let verifier = remote(&auth);
    let admin = auth.admin().await;
    let ada = auth.register("ada").await;
    let path = format!("/users/{}", ada["user"]["userId"]);
    let sign_in = async || auth.login("ada", PASSWORD).await.expect(200).json;

    // Signing out ends that sign-in alone.
    let elsewhere = sign_in().await;
    for token in [&ada, &elsewhere] {
        verifier.verify(access(token)).await.unwrap();
    }
    logout(&auth, &ada).await.expect(204);
    assert_ended(&auth, &verifier, &ada).await;
    verifier.verify(access(&elsewhere)).await.unwrap();

    // So does a stolen refresh token, used twice.
    let stolen = sign_in().await;
    let next = auth.refresh(&stolen["refreshToken"]).await.expect(200).json;
    auth.refresh(&stolen["refreshToken"]).await.is_problem(401, "auth.refresh_token_reused");
    assert_ended(&auth, &verifier, &next).await;
    assert_ended(&auth, &verifier, &stolen).await;
    verifier.verify(access(&elsewhere)).await.unwrap();

    // Another role, a lock and a new password end all.
    admin.patch(&path, json!({"role": "admin"})).await.expect(200);
    assert_ended(&auth, &verifier, &elsewhere).await;
    let promoted = sign_in().await;
    verifier.verify(access(&promoted)).await.unwrap();
    admin.patch(&path, json!({"role": "customer"})).await.expect(200);
    let demoted = auth.as_of(&promoted).get("/users").await.status;
    assert!(demoted == 401 || demoted == 200);
    assert_ended(&auth, &verifier, &promoted).await;
    let customer = sign_in().await;
    admin.patch(&path, json!({"locked": true})).await.expect(200);
    assert_ended(&auth, &verifier, &customer).await;
    admin.patch(&path, json!({"locked": false})).await.expect(200);
    let unlocked = sign_in().await;
    let body = json!({"current": PASSWORD, "new": "incorrect donkey capacitor"});
    auth.as_of(&unlocked).post("/auth/password", body).await.expect(204);
    assert_ended(&auth, &verifier, &unlocked).await;
    verifier.verify(access(&auth.login("ada", "incorrect donkey capacitor").await.expect(200).json)).await.unwrap();

    // A verifier that starts now knows all of it at its first token.
    let late = remote(&auth);
    for token in [&ada, &stolen, &next, &elsewhere, &promoted, &customer, &unlocked] {
        assert_eq!(late.verify(access(token)).await, Err(Refused::Ended));
    }
}

#[tokio::test]
async fn the_list_is_for_services_and_forgets_what_no_token_outlives() {
    let auth = Rig::start().await;
    let ada = auth.register("ada").await;
    let guest = auth.client.post("/auth/guest", json!({})).await.expect(200).json;
    logout(&auth, &guest).await.expect(204);
    let before = souk_values::Clock::now(&*auth.world.clock).millis();
    auth.world.clock.advance(Duration::from_secs(30));
    logout(&auth, &ada).await.expect(204);
    for client in [auth.client.clone(), auth.as_of(&guest), auth.admin().await] {
        assert!(client.get("/internal/ended-rights").await.status.is_client_error());
    }
    let service = auth.service().await;
    let list = async |service: &Client, query: &str| {
        service.get(&format!("/internal/ended-rights{query}")).await.expect(200).json
    };
    let all = list(&service, "").await;
    // Not of the guest: anyone can have any number of those.
    assert_eq!((all["signIns"].as_array().unwrap().len(), &all["users"]), (1, &json!([])));
    assert_eq!(list(&service, &format!("?since={before}")).await["signIns"], all["signIns"]);
    assert_eq!(list(&service, &format!("?since={}", before + 31_000)).await["signIns"], json!([]));
    service.get("/internal/ended-rights?since=x").await.is_problem(400, "query.invalid");
    auth.world.clock.advance(Duration::from_secs(17 * 60));
    let service = auth.service().await;
    assert_eq!(list(&service, "").await["signIns"], json!([]));
}

#[tokio::test]
async fn while_auth_is_away_customers_go_on_and_admins_wait() {
    let mut auth = Rig::start().await;
    let verifier = remote(&auth);
    let ada = auth.register("ada").await;
    let elsewhere = auth.login("ada", PASSWORD).await.expect(200).json;
    logout(&auth, &elsewhere).await.expect(204);
    let admin = auth.client.post("/auth/login", json!({"username": "admin", "password": crate::rig::ADMIN_PASSWORD}));
    let admin = admin.await.expect(200).json;
    let claims = verifier.verify(access(&admin)).await.unwrap();
    assert_eq!(claims.role, Role::Admin);
    verifier.confirm(&claims).await.unwrap();

    auth.stop().await;
    let began = Instant::now();
    loop {
        let outcome = verifier.confirm(&claims).await;
        if matches!(outcome, Err(Refused::KeysUnavailable(_))) {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{outcome:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    verifier.verify(access(&ada)).await.unwrap();
    assert_eq!(verifier.verify(access(&elsewhere)).await, Err(Refused::Ended), "what is known is kept");
}
