//! How much of an instance a reader wants (`X-Eureka-Accept`).

/// How much of an instance is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Accept {
    /// Everything.
    #[default]
    Full,
    /// Only what a caller needs to reach it: no lease, metadata, URLs, `sid`, country, override and dirty timestamp.
    Compact,
}
