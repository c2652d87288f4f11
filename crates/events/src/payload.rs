//! The payload of an event.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::value::{RawValue, to_raw_value};

/// The payload of an event as JSON text. It is read once, by the consumer that opens the event; on the way there it is copied
/// from message to message as it is. Cloning shares it.
#[derive(Clone)]
pub struct Payload(Arc<RawValue>);

impl Payload {
    /// Returns the JSON of `content`. Errors: it has none.
    pub fn of<T: Serialize + ?Sized>(content: &T) -> Result<Self, serde_json::Error> {
        Ok(Self(to_raw_value(content)?.into()))
    }

    /// Reads it as a `T`. Errors: it does not have the fields of `T`.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl std::fmt::Debug for Payload {
    /// Leaves out the text, which may contain personal data and tokens.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload").field("bytes", &self.0.get().len()).finish()
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(deserializer)?.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_payload_keeps_its_text() {
        let text = r#"{"amount": 10.50,"big":123456789012345678901234567890}"#;
        let payload: Payload = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&payload).unwrap(), text);
        let from_value: Payload = serde_json::from_value(json!({"a": [1]})).unwrap();
        assert_eq!(from_value.read::<Value>().unwrap(), json!({"a": [1]}));
        assert!(from_value.read::<Vec<u8>>().is_err());
        assert!(serde_json::from_str::<Payload>("{").is_err());
    }
}
