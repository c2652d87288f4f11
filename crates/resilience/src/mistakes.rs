//! What is wrong with a configuration, all of it at once.

/// Every mistake of one section, each a line such as `max-attempts must be at least 1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Mistakes(Vec<String>);

impl Mistakes {
    /// The lines, in the order of the section's fields. Never empty.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Collects mistakes while a section is looked through.
#[derive(Default)]
pub(crate) struct Check(Vec<String>);

impl Check {
    pub fn key(mut self, key: &str, is_right: bool, rule: &str) -> Self {
        if !is_right {
            self.0.push(format!("{key} must be {rule}"));
        }
        self
    }

    pub fn done(self) -> Result<(), Mistakes> {
        if self.0.is_empty() { Ok(()) } else { Err(Mistakes(self.0)) }
    }
}
