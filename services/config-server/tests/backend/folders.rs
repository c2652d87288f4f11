//! Folders without versions.

use std::{fs, os::unix::fs::symlink, path::Path, time::SystemTime};

use souk_config_server::backend::{Backend, BackendError, EmbeddedBackend, NativeBackend, NativeConfig};

use crate::scratch::{ask, names, text};

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn native(locations: &[String]) -> NativeBackend {
    NativeBackend::new(&NativeConfig { search_locations: locations.to_vec(), ..NativeConfig::default() }).unwrap()
}

#[tokio::test]
async fn folders_then_those_of_the_label() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    for path in ["one/shop.yml", "one/v2/shop.yml", "two/shop/shop.yml", "two/shop-api/shop.yml", "two/other/shop.yml"]
    {
        write(&base, path, path);
    }
    let at = |path: &str| format!("{}/{path}", base.display());
    let backend = native(&[format!("file://{}", at("one")), at("two/{application}*/"), at("missing")]);
    let snapshot = ask(&backend, &["shop"], &["dev"], Some("v2")).await.unwrap();
    let expected = ["one/", "two/shop/", "two/shop-api/", "one/v2/"];
    assert_eq!(names(&snapshot), expected.map(|path| format!("file:{}shop.yml", at(path))));
    assert_eq!((snapshot.version.as_deref(), snapshot.label.as_deref()), (None, Some("v2")));
    let file = snapshot.read(&snapshot.locations[3], "shop.yml").unwrap().unwrap();
    assert_eq!(file.bytes, "one/v2/shop.yml");
    let modified = fs::metadata(base.join("one/v2/shop.yml")).unwrap().modified().unwrap();
    assert_eq!(SystemTime::from(file.modified.unwrap()), modified);
    // A label without a folder is no error.
    assert_eq!(ask(&backend, &["shop"], &["dev"], Some("v3")).await.unwrap().locations.len(), 3);
    for evil in ["..", "../two", "/etc", "v2/../../two"] {
        assert!(
            matches!(ask(&backend, &["shop"], &["dev"], Some(evil)).await, Err(BackendError::Refused(_))),
            "{evil}"
        );
        assert!(matches!(ask(&backend, &[evil], &["dev"], None).await, Err(BackendError::Refused(_))), "{evil}");
    }
}

#[tokio::test]
async fn nothing_leads_out_of_a_folder() {
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
    let snapshot = ask(&backend, &["shop"], &["dev"], None).await.unwrap();
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
    assert!(matches!(ask(&backend, &["shop"], &["dev"], Some("folder")).await, Err(BackendError::Refused(_))));
    let backend = native(&[format!("{}/open/{{application}}", base.display())]);
    assert!(matches!(ask(&backend, &["folder"], &["dev"], None).await, Err(BackendError::Refused(_))));
    let backend = native(&[format!("{}/open/f*", base.display())]);
    assert!(ask(&backend, &["folder"], &["dev"], None).await.unwrap().locations.is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_folders_is_told() {
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
async fn a_folder_in_the_binary() {
    let backend = EmbeddedBackend::new("embedded:", [("shop.yml", b"a: 1".as_slice())]);
    let snapshot = ask(&backend, &["shop"], &["dev"], Some("any")).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "a: 1");
    assert_eq!(names(&snapshot), ["embedded:/shop.yml"]);
    assert_eq!(snapshot.version, None);
}

#[tokio::test]
async fn a_folder_taken_as_it_is_may_have_links_to_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    write(&base, "etc/order.yml", "elsewhere");
    // Nothing of its name means anything.
    let own = base.join("file:{label}*");
    let backend = NativeBackend::of_folder(&own);
    assert_eq!(backend.probe().await, Ok(()));
    assert!(ask(&backend, &["order"], &["dev"], None).await.unwrap().locations.is_empty());
    write(&own, "shop.yml", "own");
    write(&own, "v2/shop.yml", "labelled");
    symlink(base.join("etc/order.yml"), own.join("order.yml")).unwrap();
    let snapshot = ask(&backend, &["order"], &["dev"], Some("v2")).await.unwrap();
    assert_eq!(text(&snapshot, "shop.yml").unwrap(), "own");
    assert_eq!(text(&snapshot, "order.yml").unwrap(), "elsewhere");
    let shown = own.display();
    assert_eq!(names(&snapshot), [format!("file:{shown}/shop.yml"), format!("file:{shown}/v2/shop.yml")]);
    for evil in ["../etc/order.yml", "/etc/passwd", "v2/../../etc/order.yml", ".git/config"] {
        let answer = snapshot.read(&snapshot.locations[0], evil);
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}: {answer:?}");
    }
    for evil in ["..", "../etc", "/etc"] {
        let answer = ask(&backend, &["order"], &["dev"], Some(evil)).await;
        assert!(matches!(answer, Err(BackendError::Refused(_))), "{evil}");
    }
}
