//! A batch as a peer sends it, taken apart without being understood: what is in an item costs nothing yet.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use souk_eureka::Malformed;

/// The protocol's servers send 250.
const MOST_ITEMS: usize = 1_000;

/// The items of a batch, as they came. Errors: it is no batch, or one of too many items, of which the rest is not read.
pub fn read(body: &[u8]) -> Result<Vec<&RawValue>, Malformed> {
    let batch: Batch<'_> =
        serde_json::from_slice(body).map_err(|error| Malformed(format!("the batch cannot be read: {error}")))?;
    Ok(batch.items.0)
}

#[derive(Deserialize)]
struct Batch<'b> {
    #[serde(borrow, rename = "replicationList")]
    items: Items<'b>,
}

struct Items<'b>(Vec<&'b RawValue>);

impl<'de: 'b, 'b> Deserialize<'de> for Items<'b> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Few).map(Self)
    }
}

/// Reads a list up to its most items.
struct Few;

impl<'de> Visitor<'de> for Few {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST_ITEMS} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MOST_ITEMS {
                return Err(A::Error::custom(format!("at most {MOST_ITEMS} items are taken")));
            }
            items.push(item);
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_taken_apart_and_not_too_far() {
        let of = |count: usize| format!("{{\"x\":[1],\"replicationList\":[{}]}}", vec!["{\"\":0}"; count].join(","));
        assert_eq!(read(of(2).as_bytes()).unwrap().iter().map(|item| item.get()).collect::<Vec<_>>(), ["{\"\":0}"; 2]);
        assert_eq!(read(of(MOST_ITEMS).as_bytes()).unwrap().len(), MOST_ITEMS);
        // What follows is not even looked at.
        let endless = of(MOST_ITEMS + 1).replace("]}", ",!!!");
        let refused = read(endless.as_bytes()).unwrap_err().0;
        assert!(refused.contains("at most 1000 items are taken"), "{refused}");
        for nonsense in ["", "{}", "[]", "{\"replicationList\":5}", "{\"replicationList\":null}"] {
            assert!(read(nonsense.as_bytes()).is_err(), "{nonsense}");
        }
    }
}
