//! A value for each language of the shop.

use souk_values::Language;

/// One value for each language. A language that is added does not compile until each has one more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Translated<T> {
    english: T,
    german: T,
}

impl<T> Translated<T> {
    /// Makes the value of each language. Errors: the first of `make`.
    pub(crate) fn try_new<E>(mut make: impl FnMut(Language) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self { english: make(Language::English)?, german: make(Language::German)? })
    }

    pub(crate) fn map<U>(self, mut change: impl FnMut(T) -> U) -> Translated<U> {
        Translated { english: change(self.english), german: change(self.german) }
    }

    pub(crate) fn get(&self, language: Language) -> &T {
        match language {
            Language::English => &self.english,
            Language::German => &self.german,
        }
    }
}
