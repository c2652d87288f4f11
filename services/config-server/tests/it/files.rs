//! Tests of `/{application}/{profiles}/{label}/{path}`, which returns files.

use crate::{
    repository::Repository,
    rig::{Rig, write},
};

fn site() -> Repository {
    Repository::new(&[
        ("shop.yml", "host: example.org\nport: 80\n"),
        ("nginx.conf", "server ${host}:${port} ${none};\n"),
        ("nginx-dev.conf", "dev ${host};\n"),
        ("deep/er/logo.bin", "\u{1}${host}\n"),
    ])
}

#[tokio::test]
async fn text_has_its_placeholders_resolved() {
    let repository = site();
    let rig = Rig::of_git(repository.path()).await;
    let answer = rig.get("/shop/default/main/nginx.conf").await.expect(200);
    assert_eq!(answer.text, "server example.org:80 ${none};\n");
    assert!(answer.header("content-type").starts_with("text/plain"));
    assert_eq!(rig.get("/shop/dev/main/nginx.conf").await.text, "dev example.org;\n");
    assert_eq!(rig.get("/shop/dev/nginx.conf?useDefaultLabel").await.expect(200).text, "dev example.org;\n");
    let whole = rig.get("/shop/dev/main/nginx.conf?resolvePlaceholders=false").await;
    assert_eq!(whole.text, "dev ${host};\n");
    let octets = rig.get_with("/shop/x/main/deep/er/logo.bin", &[("accept", "application/octet-stream")]).await;
    assert_eq!((octets.text.as_str(), octets.header("content-type")), ("\u{1}${host}\n", "application/octet-stream"));
}

#[tokio::test]
async fn files_that_are_not_text_are_returned_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("logo.png"), [0xff, 0xfe, b'$', b'{', 0]).unwrap();
    let rig = Rig::of_folder(folder.path()).await;
    let bytes = reqwest::get(format!("{}/shop/dev/main/logo.png", rig.base)).await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes.as_ref(), [0xff, 0xfe, b'$', b'{', 0]);
}

#[tokio::test]
async fn a_file_that_the_client_has_is_not_sent_again() {
    let repository = site();
    let rig = Rig::of_git(repository.path()).await;
    let first = rig.get("/shop/default/main/nginx.conf").await.expect(200);
    let modified = first.header("last-modified").to_owned();
    assert!(modified.ends_with(" GMT"), "{modified}");
    let again = rig.get_with("/shop/default/main/nginx.conf", &[("if-modified-since", &modified)]).await.expect(304);
    assert_eq!(again.text, "");
    let old = [("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT")];
    rig.get_with("/shop/default/main/nginx.conf", &old).await.expect(200);
    rig.get_with("/shop/default/main/nginx.conf", &[("if-modified-since", "tomorrow")]).await.expect(200);
}

#[tokio::test]
async fn no_file_outside_of_the_locations_is_returned() {
    let outer = tempfile::tempdir().unwrap();
    write(outer.path(), &[("secret.txt", "s"), ("in/ok.txt", "ok"), ("in/WEB-INF/x.txt", "x")]);
    std::os::unix::fs::symlink(outer.path().join("secret.txt"), outer.path().join("in/link.txt")).unwrap();
    let rig = Rig::of_folder(&outer.path().join("in")).await;
    rig.get("/shop/dev/main/ok.txt").await.expect(200);
    assert_eq!(rig.get("/shop/dev/main/missing.txt").await.expect(404).text, "");
    for path in [
        "/shop/dev/main/link.txt",
        "/shop/dev/main/../secret.txt",
        "/shop/dev/main/%2e%2e/secret.txt",
        "/shop/dev/main/..%2fsecret.txt",
        "/shop/dev/main/%252e%252e%252fsecret.txt",
        "/shop/dev/main/WEB-INF/x.txt",
        "/shop/dev/main//etc/passwd",
        "/shop/dev/main/%2fetc%2fpasswd",
        "/shop/dev/main/file:/etc/passwd",
        "/shop/dev/main/ok.txt%00",
    ] {
        assert_eq!(rig.raw_status(path).await, 404, "{path}");
    }
    for path in
        ["/shop/dev/../secret.txt", "/shop/dev/..(_)/secret.txt", "/shop/dev/(_)etc/passwd", "/../dev/main/secret.txt"]
    {
        assert_eq!(rig.raw_status(path).await, 400, "{path}");
    }
}

#[tokio::test]
async fn a_property_file_that_cannot_be_read_fails_the_request() {
    let folder = tempfile::tempdir().unwrap();
    let open = folder.path().join("open");
    write(&open, &[("large.yml", &format!("a: {}", "x".repeat(17 * 1024 * 1024))), ("other.yml", "a: 1\n")]);
    write(folder.path(), &[("secret.yml", "password: s3cret\n")]);
    std::os::unix::fs::symlink("../secret.yml", open.join("leak.yml")).unwrap();
    let rig = Rig::of_folder(&open).await;
    for name in ["large", "leak"] {
        let answer = rig.get(&format!("/{name}/dev")).await.expect(500);
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains(&format!("{name}.yml")) && !message.contains("s3cret"), "{message}");
        rig.get(&format!("/other/dev/main/{name}.yml")).await.expect(404);
    }
    let nowhere = rig.get("/.git(_)x/dev").await.expect(404);
    assert_eq!(nowhere.header("retry-after"), "");
    rig.get("/other/dev").await.expect(200);
}
