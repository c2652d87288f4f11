//! Back-ups of a shop that sells, restored elsewhere.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use serde_json::Value;
use souk_testkit::{Client, eventually, on_engines};

use crate::{Shop, crash::seed, load::Load, operating::upload_picture, souk};

/// Back-ups of one run: each is of another instant of many sagas.
const BACKUPS: usize = 4;

async fn restore(backup: &Path, folder: &Path) -> (i32, String, String) {
    souk(&["restore", &backup.display().to_string(), "--data", &folder.display().to_string()]).await
}

fn manifest(backup: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(backup.join("manifest.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_back_up_under_load_has_everything_acknowledged_before_it() {
    let seed = seed();
    let shop = Shop::up(&["--empty"]).await;
    let place = tempfile::tempdir().unwrap();
    if on_engines() {
        let (code, _, error) = shop.command(&["backup", &place.path().display().to_string()]).await;
        assert_eq!(code, 1);
        assert!(error.contains("outside") && error.contains("docs/backup.md"), "{error}");
        return;
    }
    let shown = shop.product("Vase", 3).await;
    let picture = upload_picture(&shop, shown).await;
    let load = Load::start(&shop, seed).await;
    let mut backups = Vec::new();
    for round in 0..BACKUPS {
        let before = load.orders();
        eventually("the shop sells", || async { load.orders() >= before + 15 }).await;
        let acknowledged = load.so_far();
        let target = place.path().join(format!("backup-{round}"));
        let (code, output, error) = shop.command(&["backup", &target.display().to_string()]).await;
        assert_eq!(code, 0, "{error}");
        assert!(output.contains("has the shop as of"), "{output}");
        backups.push((target, acknowledged));
    }
    let sold = load.orders();
    eventually("the shop sells on", || async { load.orders() > sold }).await;
    load.stop().await.assert_kept(&shop).await;

    for (backup, acknowledged) in backups {
        assert!(acknowledged.orders.len() >= 15 && !acknowledged.payments.is_empty());
        let folder = tempfile::tempdir().unwrap();
        let (code, output, error) = restore(&backup, folder.path()).await;
        assert_eq!(code, 0, "{error}");
        assert!(output.contains("souk up --data"), "{output}");
        // Before the first start, too: what is in progress is pending, and nothing is wrong.
        let (code, report, error) = souk(&["audit", "--data", &folder.path().display().to_string()]).await;
        assert_eq!(code, 0, "{report}{error}");
        let restored = Shop::in_folder(folder).await;
        let root = Client::new(format!("http://127.0.0.1:{}", restored.port));
        root.get(&picture).await.expect(200);
        acknowledged.assert_kept(&restored).await;
    }
}

#[tokio::test]
async fn a_stopped_shop_is_backed_up_with_its_secrets_and_configuration() {
    let mut shop = Shop::up(&["--empty"]).await;
    if on_engines() {
        // The files of a shop on engines are its engines': the test above has the refusal.
        assert!(!shop.folder.path().join("order.db").exists());
        return;
    }
    let kettle = shop.product("Kettle", 3).await;
    std::fs::write(shop.folder.path().join("config/order.yml"), "order:\n  pay-within-seconds: 900\n").unwrap();
    // Killed, it leaves its latest commits in the write-ahead logs.
    shop.kill().await;
    let place = tempfile::tempdir().unwrap();
    let backup = place.path().join("new/backup");
    let text = backup.display().to_string();
    let (code, _, error) = shop.command(&["backup", &text]).await;
    assert_eq!(code, 0, "{error}");
    let listed = manifest(&backup);
    let files: Vec<&str> =
        listed["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect();
    for file in ["auth.db", "bus.db", "order.db", "sandbox.db", "secrets.json", "config/order.yml"] {
        assert!(files.contains(&file), "{file} is not in {files:?}");
    }
    assert!(!files.iter().any(|file| file.starts_with("index") || file.contains("lock") || file.contains("run.json")));
    assert_eq!(listed["version"], env!("CARGO_PKG_VERSION"));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&backup), mode(&backup.join("order.db"))), (0o700, 0o600));

    let (code, _, error) = shop.command(&["backup", &text]).await;
    assert_eq!(code, 1);
    assert!(error.contains("is not empty"), "{error}");
    let (code, _, error) = restore(&backup, shop.folder.path()).await;
    assert_eq!(code, 1);
    assert!(error.contains("is not empty"), "{error}");
    let (code, _, error) = restore(place.path(), &place.path().join("other")).await;
    assert_eq!(code, 1);
    assert!(error.contains("no complete back-up"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    assert_eq!(restore(&backup, folder.path()).await.0, 0);
    let restored = Shop::in_folder(folder).await;
    assert_eq!(restored.stock(kettle).await, 3);
    let secrets = |shop: &Shop| std::fs::read_to_string(shop.folder.path().join("secrets.json")).unwrap();
    assert_eq!(secrets(&restored), secrets(&shop));
    let (_, shown, _) = restored.command(&["config", "show", "order"]).await;
    assert!(shown.contains("900"), "{shown}");
    restored.assert_clean().await;
}

#[tokio::test]
async fn a_damaged_back_up_and_a_part_of_one_are_refused() {
    let mut shop = Shop::up(&["--empty"]).await;
    let place = tempfile::tempdir().unwrap();
    let (backup, target) = (place.path().join("backup"), place.path().join("shop"));
    if on_engines() {
        let (code, _, error) = restore(&backup, &target).await;
        assert!(code == 1 && error.contains("no complete back-up"), "{error}");
        return;
    }
    assert_eq!(shop.command(&["backup", &backup.display().to_string()]).await.0, 0);
    let order = backup.join("order.db");
    let sound = std::fs::read(&order).unwrap();
    let mut damaged = sound.clone();
    damaged[sound.len() / 2] ^= 1;
    std::fs::write(&order, damaged).unwrap();
    let (code, _, error) = restore(&backup, &target).await;
    assert_eq!(code, 1);
    assert!(error.contains("order.db is damaged") && error.contains("Nothing was restored"), "{error}");
    std::fs::remove_file(&order).unwrap();
    let (_, _, error) = restore(&backup, &target).await;
    assert!(error.contains("order.db is missing"), "{error}");
    // The folder is as empty as before, so that a sound back-up can be restored into it.
    std::fs::write(&order, sound).unwrap();
    assert_eq!(restore(&backup, &target).await.0, 0);

    // Ended in the middle, a restore leaves a folder that no shop starts on.
    shop.interrupt().await;
    std::fs::create_dir(shop.folder.path().join("restoring")).unwrap();
    let (code, _, error) = shop.command(&["up", "--port", &(shop.port + 20).to_string()]).await;
    assert_eq!(code, 1);
    assert!(error.contains("has a part of a back-up"), "{error}");
    std::fs::remove_dir(shop.folder.path().join("restoring")).unwrap();
    shop.restart().await;
    tokio::time::timeout(Duration::from_secs(60), shop.assert_clean()).await.unwrap();
}
