//! Tests of what holds for the snapshots of every backend.

use super::*;

#[test]
fn files_in_memory() {
    let snapshot =
        Snapshot::in_memory("file:///srv/repo/", [("shop.yml", "a: 1"), ("sub/shop.yml", "a: 2")]).with_folder("sub");
    let [root, sub] = snapshot.locations.as_slice() else { panic!("two locations") };
    assert_eq!(snapshot.read(root, "shop.yml").unwrap().unwrap().bytes, "a: 1");
    assert_eq!(snapshot.read(sub, "shop.yml").unwrap().unwrap().bytes, "a: 2");
    assert_eq!(snapshot.read(sub, "other.yml").unwrap(), None);
    assert_eq!(root.source_name("shop.yml"), "file:///srv/repo/shop.yml");
    assert_eq!(sub.source_name("shop.yml"), "file:///srv/repo/sub/shop.yml");
    assert!(matches!(snapshot.read(sub, "../shop.yml"), Err(BackendError::Refused(_))));
    assert!(matches!(snapshot.read(root, "/etc/passwd"), Err(BackendError::Refused(_))));
}
