//! The CloudEvents 1.0 envelope, and what makes a struct an event.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use souk_values::Timestamp;
use uuid::Uuid;

/// A fact that a service tells others: its type's name, whose fact it is, and that one's version.
pub trait Event: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Name and version, such as `order.created.v1`; the routing key on the broker.
    const TYPE: &'static str;
    /// The service that tells it.
    const SOURCE: &'static str;

    /// The id of the aggregate that this is a fact about.
    fn subject(&self) -> String;

    /// The aggregate's version after the fact; grows with each change of the aggregate.
    fn version(&self) -> i64;
}

/// An event on its way: CloudEvents 1.0 in JSON, structured mode.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique, `UUIDv7`; what an inbox remembers.
    pub id: Uuid,
    /// [`Event::TYPE`].
    #[serde(rename = "type")]
    pub event_type: String,
    /// `/souk/` and the telling service.
    pub source: String,
    /// [`Event::subject`].
    pub subject: String,
    /// When it became true.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// W3C trace context of the act that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// [`Event::version`].
    pub aggregateversion: i64,
    /// The event.
    pub data: serde_json::Value,
}

impl std::fmt::Debug for Envelope {
    /// Without its data, which may hold what no log should.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("type", &self.event_type)
            .field("subject", &self.subject)
            .field("aggregateversion", &self.aggregateversion)
            .finish_non_exhaustive()
    }
}

/// Why an envelope could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The envelope is of another type than the one asked for.
    #[error("expected an event of type {expected}, this is {found}")]
    OtherType {
        /// The type asked for.
        expected: &'static str,
        /// The type it has.
        found: String,
    },
    /// `data` is not what the type promises.
    #[error("the data of {event_type} cannot be read: {cause}")]
    Data {
        /// The type it has.
        event_type: String,
        /// What serde says.
        cause: serde_json::Error,
    },
}

impl Envelope {
    /// Wraps `event`. Errors: only if the event cannot be shown as JSON.
    pub fn wrap<E: Event>(
        id: Uuid,
        time: Timestamp,
        traceparent: Option<String>,
        event: &E,
    ) -> Result<Self, EventError> {
        let data =
            serde_json::to_value(event).map_err(|cause| EventError::Data { event_type: E::TYPE.to_owned(), cause })?;
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

    /// The event inside. Errors: it is of another type, or its data is not what the type promises.
    pub fn open<E: Event>(&self) -> Result<E, EventError> {
        if self.event_type != E::TYPE {
            return Err(EventError::OtherType { expected: E::TYPE, found: self.event_type.clone() });
        }
        E::deserialize(&self.data).map_err(|cause| EventError::Data { event_type: self.event_type.clone(), cause })
    }
}

/// Declares `impl Event` for structs of one service.
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
