//! The CloudEvents 1.0 envelope, and the trait of the events in it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use souk_values::Timestamp;
use uuid::Uuid;

use crate::Payload;

/// A fact about an aggregate that a service publishes.
pub trait Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Name with version, such as `order.created.v1`; also the routing key on the broker.
    const TYPE: &'static str;
    /// Name of the service that publishes the event.
    const SOURCE: &'static str;

    /// Returns the id of the aggregate.
    fn subject(&self) -> String;

    /// Returns the version of the aggregate after the event, which grows with every change of the aggregate.
    fn version(&self) -> i64;
}

/// An event in transit: CloudEvents 1.0 as JSON in structured mode.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Version of the CloudEvents specification, always `1.0`.
    pub specversion: String,
    /// Unique `UUIDv7`, by which inboxes detect duplicates.
    pub id: Uuid,
    /// Type of the event, see [`Event::TYPE`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// Publishing service as `/souk/{service}`.
    pub source: String,
    /// Id of the aggregate, see [`Event::subject`].
    pub subject: String,
    /// Time at which the event took place.
    pub time: Timestamp,
    /// Media type of the data, always `application/json`.
    pub datacontenttype: String,
    /// W3C trace context of the request that caused the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// Version of the aggregate, see [`Event::version`].
    pub aggregateversion: i64,
    /// Payload of the event.
    pub data: Payload,
}

impl std::fmt::Debug for Envelope {
    /// Leaves out the data, which may contain personal data and tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("type", &self.event_type)
            .field("subject", &self.subject)
            .field("aggregateversion", &self.aggregateversion)
            .finish_non_exhaustive()
    }
}

/// A failure to wrap or open an envelope.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The envelope contains an event of another type.
    #[error("expected an event of type {expected}, this is {found}")]
    OtherType {
        /// Expected type of the event.
        expected: &'static str,
        /// Actual type of the event.
        found: String,
    },
    /// The payload cannot be serialized, or does not have the fields of its type.
    #[error("the data of {event_type} cannot be read: {cause}")]
    Data {
        /// Type of the event.
        event_type: String,
        /// The error of serde.
        cause: serde_json::Error,
    },
}

impl Envelope {
    /// Wraps `event` in an envelope. Errors: the event cannot be serialized.
    pub fn wrap<E: Event>(
        id: Uuid,
        time: Timestamp,
        traceparent: Option<String>,
        event: &E,
    ) -> Result<Self, EventError> {
        let data = Payload::of(event).map_err(|cause| EventError::Data { event_type: E::TYPE.to_owned(), cause })?;
        Ok(Self {
            specversion: "1.0".to_owned(),
            id,
            event_type: E::TYPE.to_owned(),
            source: format!("/souk/{}", E::SOURCE),
            subject: event.subject(),
            time,
            datacontenttype: "application/json".to_owned(),
            traceparent,
            aggregateversion: event.version(),
            data,
        })
    }

    /// Deserializes the event. Errors: it has another type, or its payload does not match the type.
    pub fn open<E: Event>(&self) -> Result<E, EventError> {
        if self.event_type != E::TYPE {
            return Err(EventError::OtherType { expected: E::TYPE, found: self.event_type.clone() });
        }
        self.data.read().map_err(|cause| EventError::Data { event_type: self.event_type.clone(), cause })
    }
}

/// Implements [`Event`](crate::Event) for the events of one service.
macro_rules! events {
    ($source:literal: $($name:ident = $type:literal, subject $subject:expr, version $version:expr;)*) => {$(
        impl $crate::Event for $name {
            const TYPE: &'static str = $type;
            const SOURCE: &'static str = $source;
            fn subject(&self) -> String {
                let subject: fn(&Self) -> String = $subject;
                subject(self)
            }
            fn version(&self) -> i64 {
                let version: fn(&Self) -> i64 = $version;
                version(self)
            }
        }
    )*};
}
pub(crate) use events;
