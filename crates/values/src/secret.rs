//! A value that never shows itself: no `Display`, and a `Debug` that hides it.

use std::fmt;

use serde::Deserialize;

/// A password, key or token. Read it with [`Secret::expose`], where it is truly needed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Hides `value`.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The hidden value. Never log what this answers.
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
