//! Tests of the native and the embedded backend.

use std::{fs, os::unix::fs::symlink, path::Path, time::SystemTime};

use souk_config_server::backend::{Backend, BackendError, EmbeddedBackend, NativeBackend, NativeConfig};

use crate::scratch::{names, snapshot_of, text};

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn native(locations: &[String]) -> NativeBackend {
    NativeBackend::new(&NativeConfig { search_locations: locations.to_vec(), ..NativeConfig::default() }).unwrap()
}

#[tokio::test]
async fn folders_of_the_label_follow_the_search_locations() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    for path in ["one/shop.yml", "one/v2/shop.yml", "two/shop/shop.yml", "two/shop-api/shop.yml", "two/other/shop.yml"]
    {
        write(&base, path, path);
    }
    let at = |path: &str| format!("{}/{path}", base.display());
    let backend = native(&[format!("file://{}", at("one")), at("two/{application}*/"), at("missing")]);
    let snapshot = snapshot_of(&backend, &["shop"], &["dev"], Some("v2")).await.unwrap();
    let expected = ["one/", "two/shop/", "two/shop-api/", "one/v2/"];
    assert_eq!(names(&snapshot), expected.map(|path| format!("file:{}shop.yml", at(path))));
    assert_eq!((snapshot.version.as_deref(), snapshot.label.as_deref()), (None, Some("v2")));
    let file = snapshot.read(&snapshot.locations[3], "shop.yml").unwrap().unwrap();
    assert_eq!(file.bytes, "one/v2/shop.yml");
    let modified = fs::metadata(base.join("one/v2/shop.yml")).unwrap().modified().unwrap();
    assert_eq!(SystemTime::from(file.modified.unwrap()), modified);
    // A label without a folder is not an error.
    assert_eq!(snapshot_of(&backend, &["shop"], &["dev"], Some("v3")).await.unwrap().locations.len(), 3);
    for evil in ["..", "../two", "/etc", "v2/../../two"] {
        assert!(
            matches!(snapshot_of(&backend, &["shop"], &["dev"], Some(evil)).await, Err(BackendError::Refused(_))),
            "{evil}"
        );
        assert!(
            matches!(snapshot_of(&backend, &[evil], &["dev"], None).await, Err(BackendError::Refused(_))),
            "{evil}"
        );
    }
}

#[tokio::test]
async fn no_path_or_link_leads_out_of_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    write(base, "secret/shop.yml", "secret");
    write(base, "open/shop.yml", "open");
    write(base, "open/..data/inside.yml", "inside");
    write(base, "open/.git/config", "password");
    symlink("..data/inside.yml", base.join("open/inside.yml")).unwrap();
    symlink("../secret/shop.yml", base.join("open/leak.yml")).unwrap();
    symlink(base.join("secret"), base.join("open/folder")).unwrap();
    symlink("loop.yml", base.join("open/loop.yml")).unwrap();
    fs::create_dir(base.join("open/a-folder.yml")).unwrap();
    let backend = native(&[format!("{}/open", base.display())]);
    let snapshot = snapshot_of(&backend, &["shop"], &["dev"], None).await.unwrap();
    assert_eq!(text(&snapshot, "inside.yml").unwrap(), "inside");
    assert_eq!(text(&snapshot, "none.yml"), None);
    assert_eq!(text(&snapshot, "shop.yml/x"), None);
    assert_eq!(text(&snapshot, "a-folder.yml"), None);
    assert_eq!(text(&snapshot, &"x".repeat(300)), None);
    for path in
        ["leak.yml", "folder/shop.yml", "../secret/shop.yml", "/etc/passwd", "loop.yml", ".git/config", "a//b", ""]
    {
        let answer = snapshot.read(&snapshot.locations[0], path);
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{path}: {answer:?}");
    }
    // The folder of a label and that of an application may not be links to elsewhere either.
    assert!(matches!(snapshot_of(&backend, &["shop"], &["dev"], Some("folder")).await, Err(BackendError::Refused(_))));
    let backend = native(&[format!("{}/open/{{application}}", base.display())]);
    assert!(matches!(snapshot_of(&backend, &["folder"], &["dev"], None).await, Err(BackendError::Refused(_))));
    let backend = native(&[format!("{}/open/f*", base.display())]);
    assert!(snapshot_of(&backend, &["folder"], &["dev"], None).await.unwrap().locations.is_empty());
}

#[tokio::test]
async fn mistakes_in_folders_are_reported() {
    let refused = NativeBackend::new(&NativeConfig {
        search_locations: vec!["classpath:/config/".to_owned()],
        ..NativeConfig::default()
    });
    assert!(refused.unwrap_err().to_string().contains("name a folder"));
    let wrong = native(&["/nowhere/at/all".to_owned()]).probe().await.unwrap_err();
    assert!(wrong[0].contains("/nowhere/at/all"), "{wrong:?}");
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(native(&[folder.path().display().to_string()]).probe().await, Ok(()));
}

#[tokio::test]
async fn an_embedded_folder_is_the_same_for_every_label() {
    let backend = EmbeddedBackend::new("embedded:", [("shop.yml", b"a: 1".as_slice())]);
    let snapshot = snapshot_of(&backend, &["shop"], &["dev"], Some("any")).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "a: 1");
    assert_eq!(names(&snapshot), ["embedded:/shop.yml"]);
    assert_eq!(snapshot.version, None);
}

#[tokio::test]
async fn the_links_of_a_single_folder_may_lead_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    write(&base, "etc/order.yml", "elsewhere");
    // Its name is taken literally.
    let own = base.join("file:{label}*");
    let backend = NativeBackend::from_folder(&own);
    assert_eq!(backend.probe().await, Ok(()));
    assert!(snapshot_of(&backend, &["order"], &["dev"], None).await.unwrap().locations.is_empty());
    write(&own, "shop.yml", "own");
    write(&own, "v2/shop.yml", "labelled");
    symlink(base.join("etc/order.yml"), own.join("order.yml")).unwrap();
    let snapshot = snapshot_of(&backend, &["order"], &["dev"], Some("v2")).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "own");
    assert_eq!(text(&snapshot, "order.yml").unwrap(), "elsewhere");
    let shown = own.display();
    assert_eq!(names(&snapshot), [format!("file:{shown}/shop.yml"), format!("file:{shown}/v2/shop.yml")]);
    for evil in ["../etc/order.yml", "/etc/passwd", "v2/../../etc/order.yml", ".git/config"] {
        let answer = snapshot.read(&snapshot.locations[0], evil);
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}: {answer:?}");
    }
    for evil in ["..", "../etc", "/etc"] {
        let answer = snapshot_of(&backend, &["order"], &["dev"], Some(evil)).await;
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}");
    }
}
