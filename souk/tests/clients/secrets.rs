//! Encrypted values, and the credentials that clients need.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    Repository,
    config_clients::{CLIENTS, ConfigClients, plain},
    needs_clients,
};

const KEY: (&str, &str) = ("SOUK_CONFIG_SERVER__ENCRYPT__KEY", "a key of the tests");
const USER: (&str, &str) = ("SOUK_CONFIG_SERVER__SECURITY__USER", "shop");
const PASSWORD: (&str, &str) = ("SOUK_CONFIG_SERVER__SECURITY__PASSWORD", "pass-word");

#[tokio::test]
async fn what_config_client_encrypts_every_client_reads() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[KEY]).await;
    let secret = "gehe+im = 100% & ä€";
    let cipher = all.config_client("config_client_encrypt", json!({"value": secret})).await.unwrap();
    let cipher = cipher.as_str().unwrap();
    assert!(!cipher.is_empty() && cipher.bytes().all(|byte| byte.is_ascii_hexdigit()), "{cipher}");
    let again = all.config_client("config_client_encrypt", json!({"value": secret})).await.unwrap();
    assert_ne!(again, cipher, "the same text must not look the same twice");
    let back = all.config_client("config_client_decrypt", json!({"value": cipher})).await.unwrap();
    assert_eq!(back, secret);
    all.config_client("config_client_decrypt", json!({"value": "00ff"})).await.unwrap_err();

    all.repository.write("vault.yml", &format!("passphrase: '{{cipher}}{cipher}'\nbroken: '{{cipher}}00ff'\n"));
    all.repository.write("till.properties", &format!("passphrase={{cipher}}{cipher}\n"));
    for client in CLIENTS {
        for app in ["vault", "till"] {
            let properties = all.read(client, app, "prod", "main").await;
            assert_eq!(plain(client, &properties, "passphrase"), secret, "{client} {app}: {properties:#}");
            assert!(!properties.to_string().contains(cipher), "{client} {app}: {properties:#}");
        }
    }
    // A value that cannot be decrypted is marked as invalid, not omitted.
    let properties = all.read("cloud_config_client", "vault", "prod", "main").await;
    assert_eq!(properties["properties"]["invalid.broken"], "<n/a>", "{properties:#}");
    assert!(properties["properties"]["broken"].is_null(), "{properties:#}");
    assert!(!all.server.log().contains(secret), "the secret is in the server's log");
}

#[tokio::test]
async fn every_client_sends_the_required_credentials() {
    if !needs_clients() {
        return;
    }
    let mut all = ConfigClients::start(Repository::git(), &[KEY, USER, PASSWORD]).await;
    for client in CLIENTS {
        let right = json!({"auth": ["shop", "pass-word"]});
        let properties = all.read_with(client, "shop", "dev", "main", right).await.unwrap();
        assert_eq!(plain(client, &properties, "level"), "dev", "{client}: {properties:#}");
        for wrong in [json!({}), json!({"auth": ["shop", "password"]}), json!({"auth": ["other", "pass-word"]})] {
            let error = all.read_with(client, "shop", "dev", "main", wrong.clone()).await.unwrap_err();
            assert!(all.failed_with(client, &error, "401"), "{client} {wrong}: {error}");
        }
    }
    for (act, with) in [
        ("config_client_file", json!({"app": "shop", "profile": "dev", "label": "main", "file": "nginx.conf"})),
        ("config_client_encrypt", json!({"value": "geheim"})),
    ] {
        all.config_client(act, with.clone()).await.unwrap_err();
        let mut right = with;
        right["auth"] = json!(["shop", "pass-word"]);
        all.config_client(act, right).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_is_accepted_too() {
    if !needs_clients() {
        return;
    }
    let token = ("SOUK_CONFIG_SERVER__SECURITY__TOKEN", "a-token-of-the-tests");
    let mut all = ConfigClients::start(Repository::git(), &[token]).await;
    let headers = json!({"headers": {"Authorization": "Bearer a-token-of-the-tests"}});
    let properties = all.read_with("cloud_config_client", "shop", "dev", "", headers).await.unwrap();
    assert_eq!(properties["properties"]["level"], "dev", "{properties:#}");

    // config-client fetches its token from an OAuth2 server.
    for (token, is_right) in [("a-token-of-the-tests", true), ("another", false)] {
        let more = json!({"oauth2": token_server(token).await});
        let properties: Result<Value, String> = all.read_with("config_client", "shop", "dev", "main", more).await;
        assert_eq!(properties.is_ok_and(|properties| properties["level"] == "dev"), is_right, "{token}: {}", all.log());
    }
}

#[tokio::test]
async fn only_an_administrator_encrypts_where_there_is_one() {
    if !needs_clients() {
        return;
    }
    let admin = [
        ("SOUK_CONFIG_SERVER__SECURITY__ADMIN_USER", "owner"),
        ("SOUK_CONFIG_SERVER__SECURITY__ADMIN_PASSWORD", "owner-word"),
    ];
    let settings = [KEY, USER, PASSWORD].into_iter().chain(admin).collect::<Vec<_>>();
    let mut all = ConfigClients::start(Repository::git(), &settings).await;
    let args = |user: &str, password: &str| json!({"value": "geheim", "auth": [user, password]});
    all.config_client("config_client_encrypt", args("shop", "pass-word")).await.unwrap_err();
    let cipher = all.config_client("config_client_encrypt", args("owner", "owner-word")).await.unwrap();
    let mut back = args("shop", "pass-word");
    back["value"] = cipher;
    all.config_client("config_client_decrypt", back.clone()).await.unwrap_err();
    back["auth"] = json!(["owner", "owner-word"]);
    assert_eq!(all.config_client("config_client_decrypt", back).await.unwrap(), "geheim");
}

/// Starts a server that issues `token` once, and returns its URL.
async fn token_server(token: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/oauth/token", listener.local_addr().unwrap());
    let body = json!({"access_token": token, "token_type": "bearer"}).to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !String::from_utf8_lossy(&request).contains("grant_type=client_credentials") {
            stream.read_buf(&mut request).await.unwrap();
        }
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
        stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await.unwrap();
    });
    url
}
