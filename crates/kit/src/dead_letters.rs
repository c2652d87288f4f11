//! The frame's routes for dead letters: those of the service's own queues, and the list of all services, which any of them
//! can read, because they share the bus.

mod discard;
mod list;
mod replay;
mod show;

use axum::http::StatusCode;
use serde::Serialize;
use souk_bus::{BusError, DeadLetter, DeadLetterId};
use souk_events::Payload;
use souk_values::Timestamp;
use utoipa::ToSchema;

use crate::{Problem, health::Frame, routes::Routes};

/// A message that no attempt could apply, kept until an operator replays or discards it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter, example = json!({
    "deadLetterId": "0194bd5b-6a00-7000-8000-000000000001", "service": "product", "queue": "product.orders",
    "event": "order.created.v1", "subject": "81604378624", "attempts": 6, "error": "the row breaks a rule of the store",
    "diedAt": "2026-03-01T09:30:00.000Z"
}))]
pub struct DeadLetterView {
    /// Id for the requests that show, replay or discard this letter.
    #[schema(value_type = String, format = Uuid)]
    pub dead_letter_id: DeadLetterId,
    /// Name of the service whose queue holds it, and whose routes show, replay and discard it.
    pub service: String,
    /// Name of the queue, such as `product.orders`; `{service}.outbox` for an event that could not be published.
    pub queue: String,
    /// Type of the event, such as `order.created.v1`; `null` for a message that is no event.
    pub event: Option<String>,
    /// Id of the order, user or product that the event is about; `null` for a message that is no event.
    pub subject: Option<String>,
    /// Number of attempts to handle the message.
    pub attempts: u32,
    /// Error message of the last attempt.
    pub error: String,
    /// Time at which the message became a dead letter.
    pub died_at: Timestamp,
    /// The whole event, without tokens; absent in lists, and for a message that is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envelope: Option<EnvelopeView>,
    /// Body of a message that is no event; absent in lists, and for events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

/// An event as CloudEvents 1.0.
#[derive(Serialize, ToSchema)]
#[schema(as = EventEnvelope)]
pub struct EnvelopeView {
    /// Version of the CloudEvents specification, `1.0`.
    pub specversion: String,
    /// Id of the event, by which consumers detect duplicates.
    #[schema(format = Uuid)]
    pub id: String,
    /// Type of the event with its version, such as `order.created.v1`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Publishing service as `/souk/{service}`.
    pub source: String,
    /// Id of the aggregate that the event is about.
    pub subject: String,
    /// Time at which the event took place.
    pub time: Timestamp,
    /// Media type of the data, `application/json`.
    pub datacontenttype: String,
    /// W3C trace context of the request that caused the event; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Version of the aggregate after the event.
    pub aggregateversion: i64,
    /// Payload of the event, as docs/events.md describes it.
    #[schema(value_type = Object)]
    pub data: Payload,
}

impl DeadLetterView {
    /// Returns the letter without its payload.
    fn of(letter: &DeadLetter) -> Self {
        Self {
            dead_letter_id: letter.dead_letter_id,
            service: letter.service().to_owned(),
            queue: letter.queue.clone(),
            event: letter.envelope.as_ref().map(|envelope| envelope.event_type.clone()),
            subject: letter.envelope.as_ref().map(|envelope| envelope.subject.clone()),
            attempts: letter.attempts,
            error: letter.error.clone(),
            died_at: letter.died_at,
            envelope: None,
            raw: None,
        }
    }

    /// Returns the letter with its payload, without tokens.
    fn whole(letter: DeadLetter) -> Self {
        let view = Self::of(&letter);
        let DeadLetter { envelope, raw, .. } = letter.redacted();
        let envelope = envelope.map(|envelope| EnvelopeView {
            specversion: envelope.specversion,
            id: envelope.id.to_string(),
            event_type: envelope.event_type,
            source: envelope.source,
            subject: envelope.subject,
            time: envelope.time,
            datacontenttype: envelope.datacontenttype,
            traceparent: envelope.traceparent,
            aggregateversion: envelope.aggregateversion,
            data: envelope.data,
        });
        Self { envelope, raw, ..view }
    }
}

/// Returns the table of the routes of `service`.
pub(crate) fn table(service: &str) -> Routes<Frame> {
    let all = &*format!("/admin/{service}/dead-letters");
    let one = &*format!("{all}/{{deadLetterId}}");
    let replayed = &*format!("{one}/replay");
    crate::routes! { Frame:
        GET    all      token list;
        GET    one      token show;
        DELETE one      token discard;
        POST   replayed token replay;
    }
}

fn refuse(error: &BusError) -> Problem {
    match error {
        BusError::NoSuchDeadLetter(_) => {
            Problem::new(StatusCode::NOT_FOUND, "dead_letter.not_found", "There is no dead letter with this id.")
        }
        BusError::StillUnreadable(_) => Problem::new(
            StatusCode::CONFLICT,
            "dead_letter.unreadable",
            "This dead letter is an event that cannot be read, so it cannot be published. Discard it.",
        ),
        BusError::Store(error) => Problem::store(error),
        BusError::Unavailable(_) | BusError::Drift(_) => Problem::unavailable("bus", error),
        BusError::Event(_) | BusError::Damaged(_) | BusError::ReadOnly | BusError::Configuration(_) => {
            Problem::internal(error)
        }
    }
}

/// Returns the dead letter if it is one of this service's queues'.
async fn own_letter(frame: &Frame, id: &str) -> Result<DeadLetter, Problem> {
    let bad = || Problem::new(StatusCode::BAD_REQUEST, "path.invalid", "A dead letter's id is a UUID.");
    let id: DeadLetterId = id.parse().map_err(|_: BusError| bad())?;
    let letter = frame.transport.dead_letter(id).await.map_err(|error| refuse(&error))?;
    if letter.service() == frame.service {
        Ok(letter)
    } else {
        Err(refuse(&BusError::NoSuchDeadLetter(id.to_string())))
    }
}
