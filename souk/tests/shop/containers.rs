//! Health check and secrets in files, which a container needs of the binary.

use std::process::Command;

use crate::{Shop, process::BINARY, souk};

#[tokio::test]
async fn a_probe_fails_unless_the_service_is_ready() {
    let mut shop = Shop::up(&["--empty"]).await;
    let port = shop.port.to_string();
    let probe = async |path: &str| souk(&["probe", "gateway", "--port", &port, "--path", path]).await;
    for path in ["/health/ready", "/api/health/ready"] {
        let (code, output, error) = probe(path).await;
        assert_eq!((code, output.as_str(), error.as_str()), (0, "", ""), "{path}");
    }
    let (code, _, error) = probe("/api/nothing").await;
    assert!(code == 1 && error.contains("404"), "{error}");
    shop.interrupt().await;
    let (code, _, error) = probe("/health/ready").await;
    assert!(code == 1 && error.contains("does not answer"), "{error}");
}

#[test]
fn a_secret_is_read_from_the_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    let file = file.to_str().unwrap();
    let show = || {
        let mut command = Command::new(BINARY);
        command.args(["config", "show", "order", "--distributed", "--json"]).env("SOUK_ORDER__STORE_URL_FILE", file);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, error) = show();
    assert!(code == Some(1) && error.contains("SOUK_ORDER__STORE_URL_FILE") && error.contains(file), "{error}");
    std::fs::write(file, "postgres://db/souk_order\n").unwrap();
    let (_, shown, error) = show();
    assert!(shown.contains("postgres://db/souk_order\"") && shown.contains(file), "{shown}{error}");
}
