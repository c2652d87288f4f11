//! Tests of `{cipher}` values, and of the routes that encrypt and decrypt.

use serde_json::{Value, json};

use crate::rig::{Response, Rig, write};

const KEY: &str = "a password of some length";
const PEM: &str = include_str!("../../src/cipher/tests/pkcs8.pem");
const TEXT: &[(&str, &str)] = &[("content-type", "text/plain")];
const FORM: &[(&str, &str)] = &[("content-type", "application/x-www-form-urlencoded")];

async fn rig(folder: &std::path::Path, encrypt: Value) -> Rig {
    Rig::with(json!({"native": {"search_locations": [folder]}, "encrypt": encrypt})).await
}

fn strongest(response: &Response) -> &Value {
    &response.json["propertySources"][0]["source"]
}

#[tokio::test]
async fn texts_are_encrypted_and_decrypted_over_http() {
    let folder = tempfile::tempdir().unwrap();
    for key in [KEY, PEM] {
        let rig = rig(folder.path(), json!({"key": key})).await;
        assert_eq!(rig.get("/encrypt/status").await.expect(200).json, json!({"status": "OK"}));
        for (path, back) in [("/encrypt", "/decrypt"), ("/encrypt/shop/dev", "/decrypt/shop/dev")] {
            let cipher = rig.post(path, TEXT, "p+w= 1").await.expect(200);
            assert!(cipher.header("content-type").starts_with("text/plain"));
            assert!(!cipher.text.contains("cipher"));
            assert_eq!(rig.post(back, TEXT, &cipher.text).await.expect(200).text, "p+w= 1");
            assert_eq!(rig.post(back, TEXT, &format!("{{cipher}}{}", cipher.text)).await.text, "p+w= 1");
            assert_eq!(rig.post(back, FORM, &cipher.text).await.expect(200).text, "p+w= 1");
        }
        let form = rig.post("/encrypt", FORM, "my%2Bsecret").await.expect(200);
        assert_eq!(rig.post("/decrypt", TEXT, &form.text).await.text, "my+secret");
        let prefixed = rig.post("/encrypt", TEXT, "{key:k}{plain}{x}").await.expect(200);
        assert!(prefixed.text.starts_with("{key:k}"));
        assert_eq!(rig.post("/decrypt", TEXT, &prefixed.text).await.text, "{x}");
    }
}

#[tokio::test]
async fn errors_have_the_bodies_of_spring() {
    let folder = tempfile::tempdir().unwrap();
    let keyless = rig(folder.path(), json!({})).await;
    for answer in [
        keyless.get("/encrypt/status").await,
        keyless.post("/encrypt", TEXT, "x").await,
        keyless.post("/decrypt", TEXT, "00").await,
    ] {
        assert_eq!(answer.expect(404).json["status"], "NO_KEY");
    }
    let rig = rig(folder.path(), json!({"key": KEY})).await;
    for garbage in ["nonsense", "00", "", &"ab".repeat(40)] {
        let answer = rig.post("/decrypt", TEXT, garbage).await.expect(400);
        assert_eq!(answer.json, json!({"status": "INVALID", "description": "Text not encrypted with this key"}));
    }
    for path in ["/key", "/key/shop/dev"] {
        assert_eq!(rig.get(path).await.expect(404).json["status"], "NOT_FOUND");
    }
    rig.post("/encrypt", TEXT, &"x".repeat(1024 * 1024 + 1)).await.expect(413);
}

#[tokio::test]
async fn the_public_key_is_returned() {
    let folder = tempfile::tempdir().unwrap();
    let rig = rig(folder.path(), json!({"key": PEM})).await;
    for path in ["/key", "/key/shop/dev"] {
        assert!(rig.get(path).await.expect(200).text.starts_with("ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB"));
    }
    assert!(rig.get("/key?format=pem").await.expect(200).text.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    // An application may have the name of a route.
    assert!(rig.get("/encrypt/dev").await.expect(200).json["propertySources"].is_array());
    assert!(rig.get("/encrypt/dev/main").await.expect(200).json["propertySources"].is_array());
}

#[tokio::test]
async fn values_are_decrypted_or_withheld() {
    let folder = tempfile::tempdir().unwrap();
    let server = rig(folder.path(), json!({"key": KEY})).await;
    let cipher = server.post("/encrypt", TEXT, "s3cret").await.text;
    let yaml = format!("good: '{{cipher}}{cipher}'\nbad: '{{cipher}}00{cipher}'\nin: 'x{{cipher}}'\nuse: ${{good}}\n");
    write(folder.path(), &[("shop.yml", &yaml), ("use.txt", "${good} ${bad:none}"), ("raw.yml", &yaml)]);
    write(folder.path(), &[("cart.properties", &format!("good={{cipher}}{cipher}"))]);

    let answer = server.get("/shop/dev").await.expect(200);
    assert_eq!(
        *strongest(&answer),
        json!({"good": "s3cret", "invalid.bad": "<n/a>", "in": "x{cipher}", "use": "${good}"})
    );
    assert_eq!(*strongest(&server.get("/cart/dev").await), json!({"good": "s3cret"}));
    let flat = server.get("/shop-dev.json").await.expect(200);
    assert_eq!(flat.json, json!({"good": "s3cret", "invalid": {"bad": "<n/a>"}, "in": "x{cipher}", "use": "s3cret"}));
    assert_eq!(server.get("/shop/dev/main/use.txt").await.text, "s3cret none");
    assert!(server.get("/shop/dev/main/raw.yml").await.text.contains(&cipher));

    let other = rig(folder.path(), json!({"key": "another password of some length"})).await;
    let keyless = rig(folder.path(), json!({})).await;
    for rig in [&other, &keyless] {
        let answer = rig.get("/shop/dev").await.expect(200);
        assert_eq!(strongest(&answer)["invalid.good"], "<n/a>");
        assert!(!answer.text.contains(&cipher));
    }
    let plain =
        rig(folder.path(), json!({"key": KEY, "prefix_invalid_properties": false, "plain_text_encrypt": true})).await;
    assert_eq!(strongest(&plain.get("/shop/dev").await)["bad"], "<n/a>");
    assert!(plain.get("/shop/dev/main/raw.yml").await.text.starts_with("good: 's3cret'\nbad: '<n/a>'\n"));
    let off = rig(folder.path(), json!({"key": KEY, "enabled": false})).await;
    assert_eq!(strongest(&off.get("/shop/dev").await)["good"], format!("{{cipher}}{cipher}"));
}
