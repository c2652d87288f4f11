//! Holds every event against its golden file: what is written there is what other programs read.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::Value;
use souk_events::*;

fn golden(event_type: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{event_type}.json"))
}

/// Reads the golden file, opens it as `E`, wraps that again and expects the same JSON.
fn holds<E: Event>() -> String {
    let text = std::fs::read_to_string(golden(E::TYPE)).unwrap_or_else(|_| panic!("no golden file for {}", E::TYPE));
    let envelope: Envelope = serde_json::from_str(&text).unwrap();
    let event: E = envelope.open().unwrap();
    let again = Envelope::wrap(envelope.id, envelope.time, envelope.traceparent.clone(), &event).unwrap();
    let read: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(again).unwrap(), read, "{}", E::TYPE);
    E::TYPE.to_owned()
}

#[test]
fn every_event_is_as_its_golden_file_says() {
    let held: BTreeSet<String> = [
        holds::<UserRegistered>(),
        holds::<UserChanged>(),
        holds::<PasswordResetRequested>(),
        holds::<OrderCreated>(),
        holds::<OrderConfirmed>(),
        holds::<OrderCancelled>(),
        holds::<OrderPaid>(),
        holds::<OrderShipped>(),
        holds::<OrderDelivered>(),
        holds::<StockReserved>(),
        holds::<StockRejected>(),
        holds::<ProductChanged>(),
        holds::<StockLow>(),
        holds::<StockBack>(),
        holds::<PaymentSucceeded>(),
        holds::<PaymentFailed>(),
        holds::<PaymentRefunded>(),
        holds::<CartCheckedOut>(),
        holds::<CartExpired>(),
        holds::<CartAbandoned>(),
        holds::<WishlistBackInStock>(),
        holds::<WishlistPriceDropped>(),
    ]
    .into();
    let files: BTreeSet<String> = std::fs::read_dir(golden("x").parent().unwrap())
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(held, files);
    // A message that no queue takes would stay in its outbox for ever.
    let bound: BTreeSet<String> = QUEUES.iter().flat_map(|queue| queue.binds).map(ToString::to_string).collect();
    assert_eq!(held, bound);
    for queue in QUEUES {
        for bound in queue.binds {
            assert!(held.contains(*bound), "{} binds {bound}, which nobody tells", queue.name);
        }
    }
}

#[test]
fn an_envelope_is_opened_only_as_what_it_is() {
    let text = std::fs::read_to_string(golden("order.paid.v1")).unwrap();
    let envelope: Envelope = serde_json::from_str(&text).unwrap();
    assert!(matches!(envelope.open::<OrderShipped>(), Err(EventError::OtherType { .. })));
    let broken = Envelope { data: serde_json::json!({"order": 1}), ..envelope };
    assert!(matches!(broken.open::<OrderPaid>(), Err(EventError::Data { .. })));
}
