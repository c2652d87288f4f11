//! The limits of a YAML file. Aliases count as what they stand for, since a few lines of them can multiply without end.

/// Limit on the nesting of collections.
pub(super) const MAX_DEPTH: usize = 200;
/// Limit on the values of a file.
pub(super) const MAX_VALUES: usize = 200_000;
/// Limit on the length of all flat keys and values of a file, in bytes.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;

pub(super) const TOO_LARGE: &str = "the file is too large once its aliases are followed";
