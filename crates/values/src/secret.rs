//! A wrapper for secrets without `Display`, whose `Debug` and `Serialize` write a placeholder.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// A password, key or token that must not reach a log. Only [`Secret::expose`] returns the value.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Wraps `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value itself, which must not be logged.
    #[must_use]
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Writes `******`, so that a configuration can be displayed; an empty value stays empty, which shows that it is unset.
impl<T: Default + PartialEq> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0 == T::default() { "" } else { "******" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_is_never_written() {
        let shown = |secret: &Secret| serde_json::to_string(secret).unwrap();
        assert_eq!(shown(&Secret::new("geheim".to_owned())), r#""******""#);
        assert_eq!(shown(&Secret::default()), r#""""#);
        assert_eq!(format!("{:?}", Secret::new("geheim")), "(secret)");
    }
}
