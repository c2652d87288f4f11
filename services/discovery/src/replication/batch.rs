//! Splits a peer's batch into its items without parsing them, so that a large item costs no memory beyond its text.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use souk_eureka::Malformed;

/// Limit on the items of a batch; the original's servers send 250.
const MAX_ITEMS: usize = 1_000;

/// Returns the unparsed items of a batch.
///
/// Errors: the body is not a batch, or has too many items; reading stops at the first item above the limit.
pub(crate) fn read(body: &[u8]) -> Result<Vec<&RawValue>, Malformed> {
    let batch: Batch<'_> =
        serde_json::from_slice(body).map_err(|error| Malformed(format!("invalid batch: {error}")))?;
    Ok(batch.items)
}

#[derive(Deserialize)]
struct Batch<'b> {
    #[serde(borrow, rename = "replicationList", deserialize_with = "read_items")]
    items: Vec<&'b RawValue>,
}

fn read_items<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    deserializer.deserialize_seq(ItemsVisitor)
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX_ITEMS} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MAX_ITEMS {
                return Err(A::Error::custom(format!("at most {MAX_ITEMS} items are allowed")));
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
    fn a_batch_is_split_up_to_its_limit() {
        let of = |count: usize| format!("{{\"x\":[1],\"replicationList\":[{}]}}", vec!["{\"\":0}"; count].join(","));
        assert_eq!(read(of(2).as_bytes()).unwrap().iter().map(|item| item.get()).collect::<Vec<_>>(), ["{\"\":0}"; 2]);
        assert_eq!(read(of(MAX_ITEMS).as_bytes()).unwrap().len(), MAX_ITEMS);
        // Invalid JSON after the limit is not reached.
        let endless = of(MAX_ITEMS + 1).replace("]}", ",!!!");
        let error = read(endless.as_bytes()).unwrap_err().0;
        assert!(error.contains("at most 1000 items are allowed"), "{error}");
        for invalid in ["", "{}", "[]", "{\"replicationList\":5}", "{\"replicationList\":null}"] {
            assert!(read(invalid.as_bytes()).is_err(), "{invalid}");
        }
    }
}
