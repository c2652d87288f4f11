//! Validation of configuration sections, which reports all errors together.

/// All errors of one configuration section, each a line such as `max-attempts must be at least 1`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct ConfigErrors(Vec<String>);

impl ConfigErrors {
    /// Returns the lines in the order of the section's fields; at least one.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.0
    }
}

/// Collects the errors of a section while its fields are checked.
#[derive(Default)]
pub(crate) struct Validation(Vec<String>);

impl Validation {
    pub fn require(mut self, key: &str, is_valid: bool, rule: &str) -> Self {
        if !is_valid {
            self.0.push(format!("{key} must be {rule}"));
        }
        self
    }

    pub fn finish(self) -> Result<(), ConfigErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(ConfigErrors(self.0)) }
    }
}
