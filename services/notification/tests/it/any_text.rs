//! Any text in any field: never a 5xx, never a control character that is accepted.

use souk_kit::Service as _;
use souk_notification::Notification;
use souk_testkit::withstands_any_text;

use crate::{events::user, rig::Rig};

#[tokio::test]
async fn any_text_is_refused() {
    let rig = Rig::new().await;
    let accepted = withstands_any_text(&Notification::openapi(), &[rig.customer(user(5)), rig.admin()], &[]).await;
    assert!(accepted.is_empty(), "{accepted:?}");
}
