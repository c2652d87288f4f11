//! Compares every event with its golden file, which is the contract with other programs, and with those of each released
//! version below `released`, which never change: during a rolling upgrade both versions publish and consume.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use souk_events::*;

/// Calls a function for the type of every event.
macro_rules! of_every_event {
    ($function:ident) => {
        [
            $function::<UserRegistered>(),
            $function::<UserChanged>(),
            $function::<UserEmailChanged>(),
            $function::<UserPasswordChanged>(),
            $function::<PasswordResetRequested>(),
            $function::<OrderCreated>(),
            $function::<OrderConfirmed>(),
            $function::<OrderCancelled>(),
            $function::<OrderPaid>(),
            $function::<OrderShipped>(),
            $function::<OrderDelivered>(),
            $function::<StockReserved>(),
            $function::<StockRejected>(),
            $function::<ProductChanged>(),
            $function::<StockLow>(),
            $function::<StockBack>(),
            $function::<PaymentSucceeded>(),
            $function::<PaymentFailed>(),
            $function::<PaymentRefunded>(),
            $function::<PaymentRefundFailed>(),
            $function::<CartCheckedOut>(),
            $function::<CartExpired>(),
            $function::<CartAbandoned>(),
            $function::<WishlistBackInStock>(),
            $function::<WishlistPriceDropped>(),
        ]
    };
}

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
    let events: BTreeSet<String> = of_every_event!(matches_golden_file).into();
    let files = event_types(golden("x").parent().unwrap());
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

/// Returns the folders of the released versions.
fn released() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/released");
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn event_types(folder: &Path) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Opens the file of each released version that has this event as `E`, and returns the type of the event.
fn opens_released_files<E: Event>() -> String {
    for folder in released() {
        let file = folder.join(format!("{}.json", E::TYPE));
        if file.is_file() {
            let envelope: Envelope = serde_json::from_value(read(&file)).unwrap();
            if let Err(error) = envelope.open::<E>() {
                panic!("{} is not read: {error}", file.display());
            }
        }
    }
    E::TYPE.to_owned()
}

/// A message may be in an outbox or a queue for longer than the upgrade takes, as a dead letter for weeks.
#[test]
fn this_version_reads_the_events_of_every_released_one() {
    let events: BTreeSet<String> = of_every_event!(opens_released_files).into();
    let versions = released();
    assert!(!versions.is_empty());
    for folder in versions {
        let unknown: Vec<String> = event_types(&folder).difference(&events).cloned().collect();
        assert!(unknown.is_empty(), "events of {} that this version cannot read: {unknown:?}", folder.display());
    }
}

/// Adds the paths of the fields of `before` that `now` lacks, or has with another JSON type.
fn find_lost(now: &Value, before: &Value, path: &str, lost: &mut Vec<String>) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (name, before) in before {
                let path = format!("{path}/{name}");
                match now.get(name) {
                    Some(now) => find_lost(now, before, &path, lost),
                    None => lost.push(path),
                }
            }
        }
        (Value::Array(now), Value::Array(before)) => {
            if let (Some(now), Some(before)) = (now.first(), before.first()) {
                find_lost(now, before, path, lost);
            }
        }
        _ if std::mem::discriminant(now) == std::mem::discriminant(before) => {}
        _ => lost.push(path.to_owned()),
    }
}

/// A released consumer may need each field that it knows.
#[test]
fn every_released_version_finds_its_fields_in_the_events_of_this_one() {
    for folder in released() {
        for event_type in event_types(&folder) {
            let before = read(&folder.join(format!("{event_type}.json")));
            let mut lost = Vec::new();
            find_lost(&read(&golden(&event_type)), &before, "", &mut lost);
            assert!(lost.is_empty(), "{event_type} lacks fields of {}: {lost:?}", folder.display());
        }
    }
}

fn add_to_every_object(value: &mut Value) {
    match value {
        // An amount is all of its fields: read without one that was added, it may be another amount. It refuses any.
        Value::Object(fields) if fields.keys().eq(["amount", "currency"]) => {}
        Value::Object(fields) => {
            fields.values_mut().for_each(add_to_every_object);
            fields.insert("addedLater".to_owned(), "text".into());
        }
        Value::Array(values) => values.iter_mut().for_each(add_to_every_object),
        _ => {}
    }
}

fn opens_with_added_fields<E: Event>() {
    let mut later = read(&golden(E::TYPE));
    add_to_every_object(&mut later);
    let envelope: Envelope = serde_json::from_value(later).unwrap();
    if let Err(error) = envelope.open::<E>() {
        panic!("{} with fields of a later version is not read: {error}", E::TYPE);
    }
}

/// Then a later version may add a field without a new version of the event.
#[test]
fn fields_of_later_versions_are_ignored() {
    let _: [(); 25] = of_every_event!(opens_with_added_fields);
}

fn without(data: &Payload, fields: &[&str]) -> Payload {
    let mut data: Map<String, Value> = data.read().unwrap();
    for field in fields {
        assert!(data.remove(*field).is_some(), "{field}");
    }
    Payload::of(&data).unwrap()
}

/// Events of the release before are still in queues and outboxes after an update.
#[test]
fn events_of_earlier_releases_are_read() {
    let text = std::fs::read_to_string(golden("product.changed.v1")).unwrap();
    let mut envelope: Envelope = serde_json::from_str(&text).unwrap();
    envelope.data = without(&envelope.data, &["slug", "imageUrl"]);
    let event: ProductChanged = envelope.open().unwrap();
    assert_eq!((event.slug, event.image_url, event.stock), (None, None, 40));

    let text = std::fs::read_to_string(golden("user.changed.v1")).unwrap();
    let mut envelope: Envelope = serde_json::from_str(&text).unwrap();
    envelope.data = without(&envelope.data, &["language"]);
    assert_eq!(envelope.open::<UserChanged>().unwrap().language, None);
}

#[test]
fn an_envelope_opens_only_as_its_own_type() {
    let text = std::fs::read_to_string(golden("order.paid.v1")).unwrap();
    let envelope: Envelope = serde_json::from_str(&text).unwrap();
    assert!(matches!(envelope.open::<OrderShipped>(), Err(EventError::OtherType { .. })));
    let broken = Envelope { data: Payload::of(&serde_json::json!({"order": 1})).unwrap(), ..envelope };
    assert!(matches!(broken.open::<OrderPaid>(), Err(EventError::Data { .. })));
}
