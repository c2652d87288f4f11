//! The purchase in the README, run as its reader would.

use std::path::Path;

use tokio::process::Command;

use crate::Shop;

/// Returns the shell commands between two marks of the README.
fn block(mark: &str) -> String {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
    let marked = readme.split(&format!("<!-- {mark} -->")).nth(1).unwrap();
    let marked = marked.split(&format!("<!-- /{mark} -->")).next().unwrap();
    marked.lines().filter(|line| !line.starts_with("```")).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_purchase_in_the_readme_works_as_it_stands_there() {
    let shop = Shop::up(&[]).await;
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &block("purchase")])
        .env("SHOP", format!("http://localhost:{}/api", shop.port))
        .output()
        .await
        .unwrap();
    let output_text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output_text}{}", String::from_utf8_lossy(&output.stderr));
    for expected in
        ["\"status\": \"confirmed\"", "\"status\": \"succeeded\"", "\"status\": \"paid\"", "\"state\": \"purchased\""]
    {
        assert!(output_text.contains(expected), "{expected} is missing in:\n{output_text}");
    }
    shop.assert_clean().await;
}
