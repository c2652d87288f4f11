//! Compares every event with its golden file, which is the contract with other programs.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use souk_events::*;

fn golden(event_type: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{event_type}.json"))
}

/// Opens the golden file as `E`, wraps the event again, expects the same JSON, and returns the type of the event.
fn matches_golden_file<E: Event>() -> String {
    let text = std::fs::read_to_string(golden(E::TYPE)).unwrap_or_else(|_| panic!("no golden file for {}", E::TYPE));
    let envelope: Envelope = serde_json::from_str(&text).unwrap();
    let event: E = envelope.open().unwrap();
    let again = Envelope::wrap(envelope.id, envelope.time, envelope.traceparent.clone(), &event).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), read, "{}", E::TYPE);
    E::TYPE.to_owned()
}

#[test]
fn every_event_matches_its_golden_file() {
    let events: BTreeSet<String> = [
        matches_golden_file::<UserRegistered>(),
        matches_golden_file::<UserChanged>(),
        matches_golden_file::<UserEmailChanged>(),
        matches_golden_file::<UserPasswordChanged>(),
        matches_golden_file::<PasswordResetRequested>(),
        matches_golden_file::<OrderCreated>(),
        matches_golden_file::<OrderConfirmed>(),
        matches_golden_file::<OrderCancelled>(),
        matches_golden_file::<OrderPaid>(),
        matches_golden_file::<OrderShipped>(),
        matches_golden_file::<OrderDelivered>(),
        matches_golden_file::<StockReserved>(),
        matches_golden_file::<StockRejected>(),
        matches_golden_file::<ProductChanged>(),
        matches_golden_file::<StockLow>(),
        matches_golden_file::<StockBack>(),
        matches_golden_file::<PaymentSucceeded>(),
        matches_golden_file::<PaymentFailed>(),
        matches_golden_file::<PaymentRefunded>(),
        matches_golden_file::<PaymentRefundFailed>(),
        matches_golden_file::<CartCheckedOut>(),
        matches_golden_file::<CartExpired>(),
        matches_golden_file::<CartAbandoned>(),
        matches_golden_file::<WishlistBackInStock>(),
        matches_golden_file::<WishlistPriceDropped>(),
    ]
    .into();
    let files: BTreeSet<String> = std::fs::read_dir(golden("x").parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(events, files);
    // A message without a bound queue is never confirmed and would stay in its outbox forever.
    let bound: BTreeSet<String> = QUEUES.iter().flat_map(|queue| queue.binds).map(ToString::to_string).collect();
    assert_eq!(events, bound);
    for queue in QUEUES {
        for bound in queue.binds {
            assert!(events.contains(*bound), "{} binds {bound}, which no service publishes", queue.name);
        }
    }
}

/// Events of the release before are still in queues and outboxes after an update.
#[test]
fn events_of_earlier_releases_are_read() {
    let text = std::fs::read_to_string(golden("product.changed.v1")).unwrap();
    let mut envelope: Envelope = serde_json::from_str(&text).unwrap();
    let data = envelope.data.as_object_mut().unwrap();
    assert!(data.remove("slug").is_some() && data.remove("imageUrl").is_some());
    let event: ProductChanged = envelope.open().unwrap();
    assert_eq!((event.slug, event.image_url, event.stock), (None, None, 40));
}

#[test]
fn an_envelope_opens_only_as_its_own_type() {
    let text = std::fs::read_to_string(golden("order.paid.v1")).unwrap();
    let envelope: Envelope = serde_json::from_str(&text).unwrap();
    assert!(matches!(envelope.open::<OrderShipped>(), Err(EventError::OtherType { .. })));
    let broken = Envelope { data: serde_json::json!({"order": 1}), ..envelope };
    assert!(matches!(broken.open::<OrderPaid>(), Err(EventError::Data { .. })));
}
